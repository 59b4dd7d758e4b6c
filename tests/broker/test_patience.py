"""Whoever never finishes a request is shown out; whoever does may stay."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from broker.patience import HEADER_TIMEOUT, Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Served:
    """A server that is watched, and a clock."""

    def __init__(self, runner: web.AppRunner) -> None:
        assert runner.server is not None
        self.patience = Patience(runner.server)
        self.runner = runner

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self.runner.server is not None
        before = len(self.runner.server.connections)
        host, port = self.runner.addresses[0][:2]
        opened = await asyncio.open_connection(host, port)
        async with asyncio.timeout(5):
            while len(self.runner.server.connections) == before:
                await asyncio.sleep(0)
        return opened


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    watched = Served(runner)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield watched
    await runner.cleanup()


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\n", REQUEST[:-1]])
async def test_half_a_request(served: Served, sent: bytes) -> None:
    reader, writer = await served.connect()
    writer.write(sent)
    await writer.drain()
    assert served.patience.sweep(100.0) == 0
    assert served.patience.sweep(100.0 + HEADER_TIMEOUT - 0.1) == 0
    assert served.patience.sweep(100.0 + HEADER_TIMEOUT) == 1
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()
    assert served.patience.sweep(200.0) == 0


async def test_a_whole_request_may_rest(served: Served) -> None:
    reader, writer = await served.connect()
    served.patience.sweep(100.0)
    writer.write(REQUEST)
    await reader.readuntil(b"here")
    assert served.patience.sweep(100.0 + 10 * HEADER_TIMEOUT) == 0
    writer.write(REQUEST)
    await reader.readuntil(b"here")
    writer.close()


async def test_every_connection_has_its_own_time(served: Served) -> None:
    (_, first) = await served.connect()
    served.patience.sweep(100.0)
    (reader, second) = await served.connect()
    served.patience.sweep(110.0)
    assert served.patience.sweep(100.0 + HEADER_TIMEOUT) == 1
    second.write(REQUEST)
    assert await reader.readuntil(b"here")
    for writer in (first, second):
        writer.close()
