"""The way out: TLS, a WebSocket, an HTTP proxy, and what is said where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

import pytest
from aiohttp import WSMsgType, web

from connector.dialing import DialError, Link, dial, proxy_of
from connector.keyfile import Endpoint
from proxyd.carrying import MARK
from tests.fakes.connectors import new_reading, server
from tests.servers.certificates import new_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


@contextlib.asynccontextmanager
async def broker(
    tls: ssl.SSLContext | None, view: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
) -> AsyncIterator[int]:
    """Echoes binary messages under `/connector`, and refuses the network `none`; or does what `view` does."""

    async def echo(request: web.Request) -> web.StreamResponse:
        if request.query["network"] == "none":
            raise web.HTTPForbidden
        messages = web.WebSocketResponse(protocols=("fanlight-connector",))
        await messages.prepare(request)
        async for message in messages:
            if message.type is WSMsgType.BINARY:
                await messages.send_bytes(message.data)
        return messages

    app = web.Application()
    app.router.add_get("/connector", view or echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def echoed(link: Link, data: bytes) -> bytes:
    """What comes back of data that is sent by a link, which is closed then."""
    transport, echo = await link.create_connection(lambda: Echo(len(data)), "broker", 443)
    for at in range(0, len(data), 30_000):
        transport.write(data[at : at + 30_000])
    async with asyncio.timeout(10):
        await echo.all.wait()
        transport.close()
        await echo.over.wait()
    return bytes(echo.heard)


class Echo(asyncio.Protocol):
    """Hears so much."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.heard = bytearray()
        self.all, self.over = asyncio.Event(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if len(self.heard) >= self._size:
            self.all.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.over.set()


@pytest.mark.parametrize("proxied", [False, True], ids=["directly", "through a proxy"])
async def test_a_websocket_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxied: bool) -> None:
    certificate = new_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate.path)
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.partition(b"\r\n")[0])
        host, _, port = head.split()[1].decode().rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            far_writer.transport.abort()

    data = bytes(range(256)) * 2000
    async with broker(tls) as port, server(proxy) as proxy_port:
        for name in ("http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        if proxied:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy_port}")
        endpoint = Endpoint.parse(f"wss://127.0.0.1:{port}/connector")
        async with dial(endpoint, "lab", certificate.path) as link:
            assert await echoed(link, data) == data
        assert asked == ([f"CONNECT 127.0.0.1:{port} HTTP/1.1".encode()] if proxied else [])
        with pytest.raises(DialError, match=r"cannot be reached: .*certificate"):
            async with dial(endpoint, "lab", None):
                pass


@pytest.mark.parametrize("scheme", ["ws", "tcp"])
async def test_what_waits_for_a_broker_that_does_not_read_is_bounded(scheme: str) -> None:
    async def view(request: web.Request) -> web.StreamResponse:
        messages = web.WebSocketResponse(protocols=("fanlight-connector",))
        await messages.prepare(request)
        assert request.transport is not None
        request.transport.pause_reading()
        await asyncio.Event().wait()
        return messages

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readline()
        await asyncio.Event().wait()

    async with server(listen) as plain, broker(None, view) as port:
        where = {"ws": f"ws://127.0.0.1:{port}/connector", "tcp": f"tcp://127.0.0.1:{plain}"}
        async with dial(Endpoint.parse(where[scheme]), "lab", None) as link:
            transport, _ = await link.create_connection(lambda: Echo(1), "broker", 443)
            flood, flooding = new_reading(link.turns)
            sent = 0
            async with asyncio.timeout(10):
                while flooding.reads:
                    transport.write(bytes(MARK))
                    flood.sent()
                    sent += MARK
                    await asyncio.sleep(0)
            assert sent < 1 << 20  # much of it in the kernel of the broker's host
            transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


async def test_what_a_broker_says_no_to() -> None:
    async with broker(None) as port:
        with pytest.raises(DialError, match="does not know this network"):
            async with dial(Endpoint.parse(f"ws://127.0.0.1:{port}/connector"), "none", None):
                pass
        with pytest.raises(DialError, match="nothing takes connectors"):
            async with dial(Endpoint.parse(f"ws://127.0.0.1:{port}/elsewhere"), "lab", None):
                pass


@pytest.mark.parametrize(
    "text", ["ws://127.0.0.1:1/connector", "tcp://127.0.0.1:1", "tcp://no-such.invalid:1"]
)
async def test_where_nobody_is(text: str) -> None:
    with pytest.raises(DialError, match="cannot be reached"):
        async with dial(Endpoint.parse(text), "lab", None):
            pass


async def test_the_plain_port_is_told_the_network_first() -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.readline())
        writer.close()

    async with server(listen) as port, dial(Endpoint.parse(f"tcp://127.0.0.1:{port}"), "lab", None):
        assert await heard == b"fanlight-connector lab\n"


def test_exceptions_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "desk.example.org")
    assert proxy_of(Endpoint.parse("wss://desk.example.org/connector")) is None
    assert proxy_of(Endpoint.parse("wss://other.example.org/connector")) == "http://proxy.example:3128"
    assert proxy_of(Endpoint.parse("tcp://other.example.org:22")) is None
