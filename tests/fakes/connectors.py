"""A connector in this process, and keys for it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import time
from typing import TYPE_CHECKING, Any

import asyncssh

from connector.inside import Inside
from connector.keyfile import ConnectorKey, Endpoint
from connector.permits import Permits, parse_permit
from connector.serving import Counts, Serving
from proxyd.carrying import Held, Reading, Shared, Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SLICE = 8192
"""Bytes that a slow link takes at once."""
BROKER = asyncssh.generate_private_key("ssh-ed25519")


def written(key: asyncssh.SSHKey) -> str:
    return key.export_private_key().decode()


def new_key(network: str = "lab", broker: asyncssh.SSHKey = BROKER) -> ConnectorKey:
    return ConnectorKey(
        network,
        1,
        (Endpoint.parse("ws://127.0.0.1:1/connector"),),
        (broker.export_public_key().decode().strip(),),
        written(asyncssh.generate_private_key("ssh-ed25519")),
    )


class FakeConnector:
    """Serves one end of a socket pair; `far` is the other."""

    def __init__(
        self,
        key: ConnectorKey,
        targets: str = "127.0.0.1/32:*",
        hello: dict[str, Any] | None = None,
        most: int = 50,
        gate: str = "",
        ends: tuple[socket.socket, socket.socket] | None = None,
    ) -> None:
        self.key = key
        self.hello: dict[str, Any] = {
            "machine": "m1", "process": "p1", "host": "gw1", "clock": time.time(), "gate": gate, **(hello or {}),
        }  # fmt: skip
        self.counts = Counts()
        self.far, self._near = ends or socket.socketpair()
        inside = Inside(Permits([parse_permit(text) for text in targets.split()]), 3)
        self.serving = Serving(key, inside, self.answer, self.counts, most, "test", gate)
        self.silent = False
        self.before = 0
        """Bytes that come before SSH, and are not for it."""
        self._task: asyncio.Task[None] | None = None

    async def answer(self, word: str) -> dict[str, Any]:
        if self.silent:
            await asyncio.Event().wait()
        return self.hello if word == "hello" else {"said": word}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FakeConnector]:
        self._task = asyncio.create_task(self._run(), name="fake connector")
        try:
            yield self
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self.far.close()
            self._near.close()

    async def _run(self) -> None:
        self._near.setblocking(False)
        with contextlib.suppress(OSError, asyncssh.Error):
            for _ in range(self.before):
                await asyncio.get_running_loop().sock_recv(self._near, 1)
            connection = await self.serving.run(Shared(Held(self._near.dup())), self.key)
            try:
                await connection.wait_closed()
            finally:
                connection.abort()
                await connection.wait_closed()


class FakeTransport(asyncio.Transport):
    """Knows whether it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


def new_reading(turns: Turns) -> tuple[Reading, FakeTransport]:
    """A stream's reading, and what it reads from."""
    reading, transport = Reading(turns), FakeTransport()
    reading.begin(transport)
    return reading, transport


@contextlib.asynccontextmanager
async def slow_link(rate: int) -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected by a link of so many bytes a second each way, and little room."""
    pairs = [socket.socketpair() for _ in range(2)]
    for end in itertools.chain(*pairs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SLICE)
    (one, in_one), (two, in_two) = pairs
    loop = asyncio.get_running_loop()

    async def carry(source: socket.socket, to: socket.socket) -> None:
        free = loop.time()
        while data := await loop.sock_recv(source, SLICE):
            free = max(free, loop.time()) + len(data) / rate
            await asyncio.sleep(free - loop.time())
            await loop.sock_sendall(to, data)

    tasks = [
        asyncio.create_task(carry(*ways), name="slow link") for ways in ((in_one, in_two), (in_two, in_one))
    ]
    try:
        yield one, two
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in itertools.chain(*pairs):
            end.close()


@contextlib.asynccontextmanager
async def server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A TCP server on loopback; yields its port."""
    serving: set[asyncio.Task[None]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            writer.transport.abort()
            serving.discard(task)

    listening = await asyncio.start_server(kept, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
