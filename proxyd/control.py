"""What supervisor and worker say to each other: JSON lines over a Unix socket pair, sockets passed alongside.

supervisor → worker: `Dispatch` with one file descriptor, `Drain`. worker → supervisor: `Finished`.
"""

from __future__ import annotations

import array
import asyncio
import base64
import contextlib
import json
import socket
from collections import deque
from typing import Any, NamedTuple

__all__ = ["Control", "Dispatch", "Drain", "Finished"]

READ_SIZE = 65536
MAX_DESCRIPTORS = 16
"""Descriptors taken per read."""


class Dispatch(NamedTuple):
    """Serve this connection; its socket comes along.

    Attributes:
        connection_id: the id of the session if the connection opens one.
        data: bytes already read from it.
    """

    connection_id: str
    data: bytes


class Drain(NamedTuple):
    """Begin no more sessions; those that run have so many seconds."""

    seconds: float


class Finished(NamedTuple):
    """The session (or the attempt) with this id is over."""

    connection_id: str


class Control:
    """One end of the pair. Both ends belong to us: what arrives is trusted to be well-formed."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._lock = asyncio.Lock()
        self._text = b""
        self._lines: deque[bytes] = deque()
        self._descriptors: deque[int] = deque()

    async def dispatch(self, message: Dispatch, connection: socket.socket) -> None:
        """Send a connection; the caller closes its own copy afterwards.

        Raises:
            OSError: the worker is gone.
        """
        line = _line({"id": message.connection_id, "data": base64.b64encode(message.data).decode()})
        async with self._lock:
            await self._write(line, [connection.fileno()])

    async def send(self, message: Finished | Drain) -> None:
        """Report or order; an end that is gone is no news."""
        fields = (
            {"drain": message.seconds} if isinstance(message, Drain) else {"finished": message.connection_id}
        )
        with contextlib.suppress(OSError):
            async with self._lock:
                await self._write(_line(fields), [])

    async def finished(self) -> Finished | None:
        """The worker's next report; None when it is gone."""
        line = await self._next_line()
        return None if line is None else Finished(json.loads(line)["finished"])

    async def receive(self) -> tuple[Dispatch, socket.socket] | Drain | None:
        """The supervisor's next connection or order; None when it is gone."""
        line = await self._next_line()
        if line is None:
            return None
        fields = json.loads(line)
        if "drain" in fields:
            return Drain(fields["drain"])
        connection = socket.socket(fileno=self._descriptors.popleft())
        return Dispatch(fields["id"], base64.b64decode(fields["data"])), connection

    def close(self) -> None:
        """Close this end, and descriptors nobody took."""
        for descriptor in self._descriptors:
            socket.socket(fileno=descriptor).close()
        self._descriptors.clear()
        self._socket.close()

    async def _next_line(self) -> bytes | None:
        while not self._lines:
            await _readable(self._socket)
            try:
                data, ancillary, _, _ = self._socket.recvmsg(
                    READ_SIZE, socket.CMSG_SPACE(4 * MAX_DESCRIPTORS)
                )
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                return None
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    numbers = array.array("i")
                    numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                    self._descriptors.extend(numbers)
            if not data:
                return None
            *lines, self._text = (self._text + data).split(b"\n")
            self._lines.extend(lines)
        return self._lines.popleft()

    async def _write(self, line: bytes, descriptors: list[int]) -> None:
        while line:
            try:
                sent = socket.send_fds(self._socket, [line], descriptors)
            except (BlockingIOError, InterruptedError):
                await _writable(self._socket)
                continue
            line, descriptors = line[sent:], []


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"


async def _readable(end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(end, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(end)


async def _writable(end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(end, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(end)
