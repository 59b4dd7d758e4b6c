"""The gate's listener with real connections: PROXY headers, slow senders, large ones."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from broker.app import make_app
from broker.gate import listener
from broker.gate.app import make_gate
from broker.gate.listener import GateListener
from broker.parts import PARTS
from broker.settings import Settings
from broker.views import base
from tests.broker.gate.test_proxy_header import header, tcp
from tests.cuts import every_cut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Door:
    """A gate that listens, with one instance whose token is good from 192.0.2.7 alone."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.request = (
            f"GET /vm HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nX-Onegate-Vmid: 1\r\nX-Onegate-Token: {token}\r\n"
        ).encode()

    async def send(self, *pieces: bytes) -> bytes:
        """Everything that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.fixture
def door(clock: Any, page_folder: Path) -> Any:
    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[Door]:
        chosen = Settings(store="sqlite://", gate_rate=0, ban_after=0, **settings)
        parts = make_app(chosen, clock=clock, webapp=page_folder)[PARTS]
        gate = GateListener(make_gate(parts), chosen.gate_proxy_protocol)
        await gate.runner.setup()
        try:
            await gate.open("127.0.0.1:0")
            _, token = await parts.instances.add({"name": "vm", "sources": ["192.0.2.7"]})
            yield Door(gate.port, token)
        finally:
            await gate.close()
            await parts.store.close()

    return opened


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


async def test_a_proxy_says_whose_connection_it_is(door: Any) -> None:
    async with door(gate_proxy_protocol="127.0.0.0/8") as gate:
        request = gate.request + b"\r\n"
        assert status(await gate.send(tcp("192.0.2.7"), request)) == 200
        assert status(await gate.send(tcp("::ffff:192.0.2.7") + request)) == 200
        assert status(await gate.send(tcp("192.0.2.8"), request)) == 401
        assert status(await gate.send(header(0x20, 0, b""), request)) == 401  # the proxy itself
        assert status(await gate.send(header(0x21, 0, b""), request)) == 401  # nobody knows who


async def test_its_header_may_come_in_any_pieces(door: Any) -> None:
    async with door(gate_proxy_protocol="127.0.0.0/8") as gate:
        whole = tcp("192.0.2.7", b"\x04\x00\x01x") + gate.request + b"\r\n"
        cuts = [pieces for pieces in every_cut(whole) if len(pieces) == 2][:40:4]
        for pieces in (*cuts, [whole], [whole[i : i + 1] for i in range(40)] + [whole[40:]]):
            assert status(await gate.send(*pieces)) == 200


async def test_what_a_client_writes_itself_is_not_believed(door: Any) -> None:
    forwarded = b"X-Forwarded-For: 192.0.2.7\r\n\r\n"
    async with door(gate_proxy_protocol="127.0.0.0/8", trusted_proxies="127.0.0.0/8") as gate:
        for first in (tcp("192.0.2.8"), header(0x21, 0, b"")):
            assert status(await gate.send(first, gate.request + forwarded)) == 401
        assert status(await gate.send(tcp("192.0.2.8") + tcp("192.0.2.7"), gate.request + b"\r\n")) == 400
    async with door() as gate:  # no proxy is named: the header is no HTTP
        assert status(await gate.send(tcp("192.0.2.7"), gate.request + b"\r\n")) == 400


@pytest.mark.parametrize(
    "first", [b"", b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n", tcp("192.0.2.7")[:11] + b"x"]
)
async def test_a_proxy_without_its_header_is_turned_away(door: Any, first: bytes) -> None:
    with structlog.testing.capture_logs() as lines:
        async with door(gate_proxy_protocol="127.0.0.0/8") as gate:
            assert await gate.send(first + gate.request + b"\r\n") == b""
    assert [row["reason"] for row in lines if row["event"] == "gate refused"] == [
        "no PROXY header, version 2"
    ]


async def test_a_proxy_that_says_nothing_is_turned_away_in_time(door: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(listener, "HEADER_TIMEOUT", 0.1)
    async with door(gate_proxy_protocol="127.0.0.0/8") as gate:
        assert await gate.send(tcp("192.0.2.7")[:20]) == b""


async def test_slow_and_enormous_bodies_end(door: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(base, "BODY_TIMEOUT", 0.2)
    monkeypatch.setattr(listener, "LINGERING", 0.1)
    async with door(gate_proxy_protocol="127.0.0.0/8") as gate:
        put = tcp("192.0.2.7") + gate.request.replace(b"GET", b"PUT")
        assert status(await gate.send(put + b"Content-Length: 9\r\n\r\nA=")) == 408
        assert status(await gate.send(put + b"Content-Length: 9999999999\r\n\r\nA=")) == 413
        chunked = b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 8
        assert status(await gate.send(put + chunked)) == 413
        bomb = base64.b64decode("H4sIAAAAAAAC/+3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA")
        packed = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(bomb), bomb)
        assert status(await gate.send(put + packed)) == 400  # it is not unpacked


async def test_a_body_on_get_is_read(door: Any) -> None:
    async with door(gate_proxy_protocol="127.0.0.0/8") as gate:
        body = b"Content-Length: 13\r\n\r\nextended=true"
        request = tcp("192.0.2.7") + gate.request.replace(b"Connection: close\r\n", b"") + body
        second = gate.request + b"\r\n"
        answers = await gate.send(request + second)
        assert answers.count(b"HTTP/1.1 200 OK") == 2
