"""Open tunnels and the files that go through them, as the stock client does it."""

from __future__ import annotations

import asyncio
import base64
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from proxyd.wire.instruction import InstructionParser, encode
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.broker.conftest import Broker
    from tests.fakes.guacd import Peer

PREFIX = "/guacamole/api/session/tunnels"


class Page:
    """A page with an open tunnel."""

    def __init__(self, broker: Broker, token: str, socket: Any, peer: Peer, identifier: str) -> None:
        self.broker = broker
        self.token = token
        self.socket = socket
        self.peer = peer
        self.identifier = identifier

    async def get(self, path: str, **options: Any) -> Any:
        return await self.broker.client.get(f"{PREFIX}{path}", params={"token": self.token}, **options)

    def stream(self, index: int | str, name: str = "report.csv") -> str:
        return f"/{self.identifier}/streams/{index}/{name}"

    async def post(self, index: int, data: Any) -> Any:
        return await self.broker.client.post(
            f"{PREFIX}{self.stream(index)}", params={"token": self.token}, data=data
        )


@asynccontextmanager
async def open_page(relay: Broker, identifier: str = "abc") -> AsyncIterator[Page]:
    assert relay.daemon
    token = await relay.token(identifier=identifier)
    async with relay.client.ws_connect(
        "/guacamole/websocket-tunnel", params=relay.tunnel_query(token, identifier)
    ) as socket:
        peer = await relay.daemon.accepted()
        (first,) = InstructionParser().feed((await socket.receive_str()).encode())
        yield Page(relay, token, socket, peer, first.args[0])


@pytest.fixture
async def page(relay: Broker) -> AsyncIterator[Page]:
    async with open_page(relay) as page:
        yield page


async def test_open_tunnels_are_listed(page: Page) -> None:
    answer = await page.get("")
    assert await answer.json() == [page.identifier]
    answer = await page.get(f"/{page.identifier}/protocol")
    assert (await answer.json())["name"] == "ssh"


async def test_a_download(page: Page) -> None:
    data = os.urandom(40000)
    page.peer.send("file", 2, "text/csv", "report.csv")
    assert (await page.socket.receive_str()).startswith("4.file")
    getting = asyncio.create_task(page.get(page.stream(2), headers={}), name="get")
    for start in range(0, len(data), 6048):
        assert (await page.peer.until("ack")).args == ("2", "OK", "0")
        page.peer.send("blob", 2, base64.b64encode(data[start : start + 6048]).decode())
        page.peer.send("sync", start)
        assert (await page.socket.receive_str()).startswith("4.sync")
    await page.peer.until("ack")
    page.peer.send("end", 2)
    assert await page.socket.receive_str() == "3.end,1.2;"
    answer = await getting
    assert await answer.read() == data
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="report.csv"')
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.txt", "filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        ("%C3%A9.txt", "filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ("a%22%0D%0Ab", "filename=\"a__b\"; filename*=UTF-8''a%22_b"),
        ("..%5C..%5Cx", "filename=\".._.._x\"; filename*=UTF-8''.._.._x"),
    ],
)
async def test_names_are_made_harmless(page: Page, name: str, shown: str) -> None:
    from yarl import URL

    url = URL(f"{PREFIX}{page.stream(2, name)}?token={page.token}", encoded=True)
    getting = asyncio.create_task(page.broker.client.get(url), name="get")
    await page.peer.until("ack")
    page.peer.send("end", 2)
    answer = await getting
    assert answer.headers["Content-Disposition"] == f"attachment; {shown}"
    assert await answer.read() == b""


async def test_a_download_that_breaks_off_does_not_look_whole(page: Page) -> None:
    getting = asyncio.create_task(page.get(page.stream(2)), name="get")
    await page.peer.until("ack")
    page.peer.send("blob", 2, "AAAA")
    answer = await getting
    page.peer.die()
    with pytest.raises(aiohttp.ClientError):
        await answer.read()


async def test_an_upload_in_parts(page: Page) -> None:
    """Several requests, one stream; the page sends the end."""
    data = os.urandom(30000)

    async def instance() -> bytes:
        taken = b""
        while len(taken) < len(data):
            taken += base64.b64decode((await page.peer.until("blob")).args[1])
            page.peer.send("ack", 0, "OK", 0)
        return taken

    taking = asyncio.create_task(instance(), name="instance")
    for start in range(0, len(data), 10000):
        assert (await page.post(0, data[start : start + 10000])).status == 204
    assert await taking == data
    await page.socket.send_str("3.end,1.0;")
    assert (await page.peer.next()).opcode == "end"  # type: ignore[union-attr]


async def test_an_upload_that_is_refused(page: Page) -> None:
    posting = asyncio.create_task(page.post(0, b"x" * 100), name="post")
    await page.peer.until("blob")
    page.peer.send("ack", 0, "No room", Status.CLIENT_FORBIDDEN.code)
    answer = await posting
    assert answer.status == 403
    body = await answer.json()
    assert (body["type"], body["statusCode"]) == ("STREAM_ERROR", Status.CLIENT_FORBIDDEN.code)


@pytest.mark.parametrize("index", ["x", "-1", "1.5", "9" * 30, "\u0661"])
async def test_an_index_that_is_none(page: Page, index: str) -> None:
    assert (await page.get(page.stream(index))).status == 400


async def test_a_type_that_is_none(page: Page) -> None:
    answer = await page.broker.client.get(
        f"{PREFIX}{page.stream(0)}", params={"token": page.token, "type": "text/html\r\nX: y"}
    )
    assert answer.status == 400


async def test_somebody_elses_tunnel_is_as_good_as_none(relay: Broker, page: Page) -> None:
    async with open_page(relay, "other") as other:
        for path in (
            f"/{other.identifier}/protocol",
            other.stream(0).replace(page.identifier, other.identifier),
            "/none/protocol",
        ):
            assert (await page.get(path)).status == 404
        assert (await page.post(0, b"")).status == 204
        other.token = page.token
        assert (await other.post(0, b"x")).status == 404
    assert encode("nop")
