"""The HTTP tunnel, in front of a scripted daemon."""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from broker import polling
from proxyd.wire.instruction import encode
from tests.fakes.guacd import Guacd, Peer

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

PATH = "/guacamole/tunnel"


class Browser:
    """An HTTP tunnel as guacamole-common-js drives it: the next read is opened while the last one runs."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.headers: dict[str, str] = {}
        self.identifier = ""

    async def open(self, **changes: str) -> Any:
        query = {**self._broker.tunnel_query(await self._broker.token()), **changes}
        answer = await self._broker.client.post(f"{PATH}?connect", data=urlencode(query))
        if answer.status == 200:
            self.identifier = await answer.text()
            self.headers = {"Guacamole-Tunnel-Token": answer.headers["Guacamole-Tunnel-Token"]}
        return answer

    async def read(self, number: int = 0) -> Any:
        return await self._broker.client.get(f"{PATH}?read:{self.identifier}:{number}", headers=self.headers)

    async def write(self, data: bytes) -> Any:
        return await self._broker.client.post(
            f"{PATH}?write:{self.identifier}",
            data=data,
            headers={**self.headers, "Content-Type": "application/octet-stream"},
        )


@pytest.fixture
async def browser(relay: Broker) -> Browser:
    return Browser(relay)


async def opened(relay: Broker, browser: Browser) -> Peer:
    assert relay.daemon
    assert (await browser.open()).status == 200
    return await relay.daemon.accepted()


async def test_a_whole_session(relay: Broker, browser: Browser) -> None:
    peer = await opened(relay, browser)
    uuid.UUID(browser.identifier)
    assert len(base64.b64decode(browser.headers["Guacamole-Tunnel-Token"])) == 32
    assert peer.said["size"] == ("1280", "800", "96")

    reading = await browser.read()
    assert reading.headers["Content-Type"] == "application/octet-stream"
    assert reading.headers["Cache-Control"] == "no-cache"
    peer.send("size", 0, 1280, 800)
    assert await reading.content.readuntil(b";") == b"4.size,1.0,4.1280,3.800;"
    answer = await browser.write(encode("key", 97, 1) + encode("key", 97, 0))
    assert (answer.status, await answer.read()) == (200, b"")
    assert (await peer.until("key")).args == ("97", "1")

    peer.send("disconnect")
    peer.close()
    assert await reading.content.read() == b"10.disconnect;0.;"
    after = await browser.read(1)
    assert after.status == 404
    assert after.headers["Guacamole-Status-Code"] == "516"


async def test_a_waiting_reader_takes_over_after_a_message(relay: Broker, browser: Browser) -> None:
    peer = await opened(relay, browser)
    first = await browser.read(0)
    peer.send("sync", 1)
    assert await first.content.readuntil(b";") == encode("sync", 1)
    second = asyncio.create_task(browser.read(1), name="second reader")
    polled = next(iter(relay.parts.polled._tunnels.values()))
    async with asyncio.timeout(5):
        while not polled._waiting:
            await asyncio.sleep(0.01)
    assert not first.content.at_eof()
    peer.send("sync", 2)
    assert await first.content.read() == encode("sync", 2) + b"0.;"
    peer.send("sync", 3)
    assert await (await second).content.readuntil(b";") == encode("sync", 3)


async def test_nothing_is_lost_over_many_readers(relay: Broker, browser: Browser) -> None:
    peer = await opened(relay, browser)
    wire = b"".join(encode("sync", number) for number in range(500))

    async def talk() -> None:
        for position in range(0, len(wire), 97):
            peer.send_raw(wire[position : position + 97])
            await asyncio.sleep(0)
        peer.send("disconnect")
        peer.close()

    talking = asyncio.create_task(talk(), name="talk")
    seen = b""
    number = 0
    following = asyncio.create_task(browser.read(number), name="read")
    while not seen.endswith(encode("disconnect")):
        answer = await following
        number += 1
        following = asyncio.create_task(browser.read(number), name="read")
        seen += (await answer.content.read()).removesuffix(b"0.;")
    following.cancel()
    await talking
    assert seen == wire + encode("disconnect")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"token": "x"}, 403, "769"),
        ({"GUAC_ID": ""}, 400, "768"),
        ({"GUAC_ID": "other"}, 404, "516"),
        ({"GUAC_TYPE": "x"}, 400, "768"),
        ({"GUAC_DATA_SOURCE": "other"}, 404, "516"),
        ({"GUAC_WIDTH": "wide"}, 400, "768"),
    ],
    ids=str,
)
async def test_connects_that_fail(
    relay: Broker, browser: Browser, change: dict[str, str], status: int, code: str
) -> None:
    answer = await browser.open(**change)
    assert (answer.status, answer.headers["Guacamole-Status-Code"]) == (status, code)
    assert answer.headers["Guacamole-Error-Message"]
    assert relay.daemon
    assert relay.daemon.peers == []


async def test_no_daemon(broker: Broker) -> None:
    answer = await Browser(broker).open()
    assert (answer.status, answer.headers["Guacamole-Status-Code"]) == (502, "520")


@pytest.mark.parametrize("operation", ["read", "write"])
async def test_without_its_token_a_tunnel_is_nobodys(relay: Broker, browser: Browser, operation: str) -> None:
    await opened(relay, browser)
    for headers, status, code in (({}, 400, "768"), ({"Guacamole-Tunnel-Token": "x"}, 404, "516")):
        browser.headers = headers  # type: ignore[assignment]
        answer = await (browser.read() if operation == "read" else browser.write(b"3.nop;"))
        assert (answer.status, answer.headers["Guacamole-Status-Code"]) == (status, code)


@pytest.mark.parametrize("drains", [False, True])
async def test_what_another_broker_may_have(relay: Broker, browser: Browser, drains: bool) -> None:
    """A balancer asks the next one for what a broker that drains does not have, not for what it has itself."""
    await opened(relay, browser)
    token = await relay.token()
    (mine,) = relay.parts.sessions.tunnels()
    if drains:
        relay.parts.gateway.draining = True
    elsewhere = 503 if drains else 404
    assert (await browser.write(b"3.nop;")).status == 200
    browser.headers = {"Guacamole-Tunnel-Token": "another broker's"}
    assert (await browser.write(b"3.nop;")).status == elsewhere
    path = "/guacamole/api/session/tunnels/{}/protocol"
    for name, status in ((uuid.uuid4(), elsewhere), (mine.identifier, 404)):  # that one is somebody else's
        answer = await relay.client.get(path.format(name), params={"token": token})
        assert answer.status == status
    assert (await browser.open()).status == (503 if drains else 200)


async def test_another_operation(relay: Broker, browser: Browser) -> None:
    await opened(relay, browser)
    answer = await relay.client.post(f"{PATH}?delete:x", headers=browser.headers)
    assert answer.status == 400


async def test_a_browser_that_talks_nonsense(relay: Broker, browser: Browser) -> None:
    peer = await opened(relay, browser)
    answer = await browser.write(b"nonsense")
    assert (answer.status, answer.headers["Guacamole-Status-Code"]) == (400, "768")
    assert await peer.next() is None
    after = await browser.read()
    assert (after.status, after.headers["Guacamole-Status-Code"]) == (400, "768")


async def test_a_daemon_that_dies(relay: Broker, browser: Browser) -> None:
    peer = await opened(relay, browser)
    reading = await browser.read()
    peer.die()
    assert (await reading.content.read()).endswith(b"10.disconnect;0.;")
    after = await browser.read(1)
    assert (after.status, after.headers["Guacamole-Status-Code"]) == (502, "515")


async def test_a_write_that_is_too_large(relay: Broker, browser: Browser) -> None:
    await opened(relay, browser)
    answer = await browser.write(encode("nop") * 50_000)
    assert answer.status == 413


async def test_a_silent_browser_is_given_up(
    relay: Broker, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await opened(relay, browser)
    await relay.parts.polled.sweep()
    assert len(relay.parts.polled) == 1
    monkeypatch.setattr(polling, "SILENCE", -1.0)
    await relay.parts.polled.sweep()
    assert await peer.next() is None
    assert (len(relay.parts.polled), len(relay.parts.sessions)) == (0, 0)
    assert (await browser.read()).status == 404


async def test_logging_out_ends_the_tunnel(relay: Broker, browser: Browser) -> None:
    peer = await opened(relay, browser)
    (tunnel,) = relay.parts.sessions.tunnels()
    reading = await browser.read()
    await relay.parts.sessions.close(tunnel.session.token_hash)
    assert await reading.content.read() == b"0.;"
    after = await browser.read(1)
    assert after.headers["Guacamole-Status-Code"] == "523"
    assert await peer.until("disconnect")
    assert await peer.next() is None


async def test_a_page_of_another_site(relay: Broker) -> None:
    answer = await relay.client.post(f"{PATH}?connect", data="x", headers={"Origin": "https://evil.example"})
    assert answer.status == 403


async def test_a_unix_socket(serve: Any, tmp_path: Any) -> None:
    path = str(tmp_path / "proxyd.sock")
    async with Guacd(path=path) as daemon, serve(guacd_hostname=f"unix:{path}") as broker:
        assert (await Browser(broker).open()).status == 200
        await daemon.accepted()
