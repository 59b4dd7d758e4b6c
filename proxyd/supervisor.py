"""The process that listens: reads `select`, and passes the socket to the worker whose turn it is.

It owns the connection ids, so that `$id` finds its worker from the first moment. A worker that dies takes only its own
sessions along and is replaced. What is about gateways and connectors goes to the transit process in the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import socket
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from proxyd.children import RESTART_DELAY, Transit, Worker
from proxyd.control import Dispatch
from proxyd.tls import unwrap
from proxyd.wire.instruction import Instruction, InstructionParser, encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine

    from proxyd.settings import Settings

__all__ = ["Supervisor", "listen"]

BACKLOG = 1024
READ_SIZE = 4096
MAX_HEAD = 65536
"""Bytes read in search of `select`."""
DRAIN_LOOK = 0.1
"""Seconds between two looks at whether the last session has ended."""
MAX_TOLD = 100
"""Workers that `status` tells of; an instruction has an end."""
TO_TRANSIT = {"connector": 1, "connectors": 1, "gateway-logins": 1, "gateway-logout": 2}
"""What is for the transit process: a connector that called a broker, with a JSON; whose logins at gateways live, by the
name of a person or for everybody; the end of them, by person and identifier, where an empty one means all."""
FIRST = {"select": 1, "end": 2, "status": 0, **TO_TRANSIT}
"""What a connection may begin with, and how many arguments that has. `end` names a session and a reason, `status` asks
how many sessions run; all but `select` are ours, for brokers."""

log = structlog.get_logger()


class Supervisor:
    """Workers, and which of them owns which session.

    Attributes:
        tls: how peers are spoken to who come from now on; None for plainly.
    """

    def __init__(
        self, settings: Settings, listener: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._listener = listener
        self.tls = tls
        self._folder = tempfile.mkdtemp(prefix="fanlight-")
        path = f"{self._folder}/transit"
        self._inside = _listen_unix(path)
        self._transit = Transit(settings, self._inside)
        self._workers = [Worker(settings, number, path) for number in range(settings.worker_count)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Start the workers and serve until `stop`, then until the last session has ended.

        Args:
            stop: begin no more sessions.
            hurry: end those that run.
        """
        children = [self._transit, *self._workers]
        await asyncio.gather(*(child.start() for child in children))
        background = [self._task(child.supervise(), child.name) for child in children]
        background.append(self._task(self._accept(), "accept"))
        log.info("proxyd is ready", workers=len(self._workers), address=_name(self._listener))
        try:
            await stop.wait()
            await self._drain(hurry)
        finally:
            self._listener.close()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await asyncio.gather(*(worker.stop() for worker in self._workers))
            await self._transit.stop()
            self._inside.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def sessions(self) -> int:
        """Sessions that run."""
        return sum(len(worker.sessions) for worker in self._workers)

    async def _drain(self, hurry: asyncio.Event) -> None:
        """Tell people, and give them time; they may leave and come back until it is over."""
        seconds = self._settings.drain_timeout
        self._draining = True
        log.info("draining", sessions=self.sessions, seconds=seconds)
        for worker in self._workers:
            await worker.drain(seconds)
        end = time.monotonic() + seconds
        hurrying = asyncio.create_task(hurry.wait(), name="hurry")
        while self.sessions and not hurrying.done() and time.monotonic() < end:
            await asyncio.wait({hurrying}, timeout=DRAIN_LOOK)
        hurrying.cancel()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.pid for worker in self._workers]

    def _task(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError as error:  # out of descriptors: wait for some to come back
                log.error("a connection cannot be accepted", error=error.strerror)
                await asyncio.sleep(RESTART_DELAY)
                continue
            self._task(self._admit(connection), "admit")

    async def _admit(self, connection: socket.socket) -> None:
        """Take TLS off, where there is some, and route what is inside."""
        with connection:
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is None:
                await self._route(connection)
                return
            try:
                inside, carrying = await unwrap(connection, self.tls, self._settings.handshake_timeout)
            except OSError as error:
                log.warning("connection refused", reason="no TLS that is good", error=_tls_reason(error))
                return
        self._tasks.add(carrying)
        carrying.add_done_callback(self._tasks.discard)
        await self._route(inside)

    async def _route(self, connection: socket.socket) -> None:
        with connection:
            connection_id = f"${uuid.uuid4()}"
            try:
                async with asyncio.timeout(self._settings.handshake_timeout):
                    data, first = await _head(connection)
                if first.opcode == "status":
                    await _answer(connection, self._status())
                    return
                if first.opcode in TO_TRANSIT:
                    await self._transit.take(connection, Dispatch(connection_id, data))
                    return
                target = first.args[0]
                worker = self._worker_for(target)
                pass_on = worker.take if target.startswith("$") else worker.begin
                await pass_on(connection, Dispatch(connection_id, data))
            except TimeoutError:
                await _refuse(connection, StatusError(Status.CLIENT_TIMEOUT, "No select came in time."))
            except StatusError as error:
                await _refuse(connection, error)
            except OSError:
                pass  # the peer, or the worker, is gone: closing says so

    def _status(self) -> bytes:
        """Sessions that run, sessions that may run, whether new ones are refused; then each worker's, -1 where it is down."""
        room = len(self._workers) * self._settings.max_sessions
        each = [len(worker.sessions) if worker.alive else -1 for worker in self._workers[:MAX_TOLD]]
        return encode("status", self.sessions, room, int(self._draining), *each)

    def _worker_for(self, target: str) -> Worker:
        if target.startswith("$"):
            for worker in self._workers:
                if target in worker.sessions:
                    return worker
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such connection.")
        if self._draining:
            raise StatusError(Status.SERVER_BUSY, "fanlight: Fanlight is being restarted.")
        alive = [worker for worker in self._workers if worker.alive]
        if not alive:
            raise StatusError(Status.SERVER_BUSY, "fanlight: Fanlight is starting again.")
        return min(alive, key=lambda worker: len(worker.sessions))


async def _head(connection: socket.socket) -> tuple[bytes, Instruction]:
    """The bytes that came up to and with the first instruction, and that instruction."""
    loop = asyncio.get_running_loop()
    parser = InstructionParser()
    data = b""
    while len(data) < MAX_HEAD:
        chunk = await loop.sock_recv(connection, READ_SIZE)
        if not chunk:
            raise ConnectionResetError
        data += chunk
        for instruction in parser.feed(chunk):
            if len(instruction.args) != FIRST.get(instruction.opcode, -1):
                raise StatusError(Status.CLIENT_BAD_REQUEST, "The first instruction was not select.")
            return data, instruction
    raise StatusError(Status.CLIENT_BAD_REQUEST, "No select came.")


async def _refuse(connection: socket.socket, error: StatusError) -> None:
    log.warning("connection refused", status=error.status.name, reason=error.message)
    await _answer(connection, encode("error", error.message, error.status.code) + encode("disconnect"))


async def _answer(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(connection, data)


def _tls_reason(error: OSError) -> str:
    return getattr(error, "reason", None) or type(error).__name__


def listen(bind: str) -> socket.socket:
    """A listening socket for `HOST:PORT` or `unix:PATH`.

    Raises:
        OSError: the address is taken, unknown, or not ours.
    """
    if bind.startswith("unix:"):
        return _listen_unix(bind.removeprefix("unix:"))
    host, _, port = bind.rpartition(":")
    family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_unix(path: str) -> socket.socket:
    """A Unix socket that only this user and group reach; one that nobody answers any more is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        previous = os.umask(0o117)
        try:
            listener.bind(path)
        finally:
            os.umask(previous)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise OSError(errno.EADDRINUSE, "Address already in use")


def _name(listener: socket.socket) -> str:
    name = listener.getsockname()
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}"
