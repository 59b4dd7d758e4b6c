"""What an operator sees and does."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from broker.links import Signer
from broker.networks.registry import Connector
from broker.tunnel import MESSAGE
from broker.views.base import COOKIE
from proxyd.wire.instruction import encode
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.broker.conftest import Broker

SECRET = bytes(range(32))
ORIGIN = "https://desk.example"
BASE = "/guacamole/"


class Operator:
    """An operator's browser."""

    def __init__(self, broker: Broker, token: str) -> None:
        self.broker = broker
        self._headers = {"Guacamole-Token": token}

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.broker.client.get(
            f"{BASE}api/operator/{path}", headers=self._headers, params=query
        )
        assert answer.status == 200
        return await answer.json()

    async def post(self, path: str, body: dict[str, Any]) -> int:
        url = f"{BASE}api/operator/{path}"
        return int((await self.broker.client.post(url, headers=self._headers, json=body)).status)

    async def delete(self, path: str, body: str = "") -> int:
        from yarl import URL

        url = URL(f"{BASE}api/operator/{path}", encoded=True)
        answer = await self.broker.client.delete(url, headers=self._headers, data=body)
        return int(answer.status)


def operators_token(signer: Signer) -> str:
    return signer.token("", "", "", cnx={}, sub="olga", role="operator")


@asynccontextmanager
async def operating(serve: Any, tmp_path: Path, **settings: Any) -> AsyncIterator[Operator]:
    ring = tmp_path / "ring.toml"
    secret = base64.b64encode(SECRET).decode()
    ring.write_text(f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\noperator = true\n')
    async with Guacd() as daemon, serve(daemon, key_ring=ring, public_origin=ORIGIN, **settings) as broker:
        signer = Signer(f"{ORIGIN}{BASE}", "portal", SECRET, clock=broker.clock)
        text = operators_token(signer)
        body = await (await broker.post_form(f"jwt={text}")).json()
        assert body["username"] == "olga"
        yield Operator(broker, body["authToken"])


@pytest.fixture
async def operator(serve: Any, tmp_path: Path) -> AsyncIterator[Operator]:
    async with operating(serve, tmp_path, ban_after=2) as operator:
        yield operator


async def open_tunnel(broker: Broker, user: str, identifier: str) -> Any:
    broker.platform.username = user
    token = await broker.token(identifier=identifier)
    return broker.client.ws_connect(f"{BASE}websocket-tunnel", params=broker.tunnel_query(token, identifier))


async def test_extensions_that_are_skipped_are_named(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "extensions").mkdir()
    (tmp_path / "extensions" / "broken.jar").write_bytes(b"PK")
    async with operating(serve, tmp_path, extension_directory=tmp_path / "extensions") as operator:
        assert (await operator.get("status"))["problems"] == ["broken.jar: it is no zip archive"]


async def test_the_numbers_on_top(operator: Operator) -> None:
    broker = operator.broker
    async with AsyncExitStack() as stack:
        for user, identifier in (("alice", "a"), ("alice", "b"), ("bob", "c")):
            socket = await stack.enter_async_context(await open_tunnel(broker, user, identifier))
            await socket.receive_str()
        await broker.post_form("signature=x")
        numbers = await operator.get("status")
        assert numbers.pop("versions").keys() == {"fanlight", "aiohttp", "python"}
        assert numbers == {
            "sessions": 3,
            "people": 2,
            "refusedInTheLastHour": 1,
            "proxyd": [
                {
                    "address": str(broker.parts.gateway.fleet.daemons[0].address),
                    "reachable": True,
                    "sessions": 3,
                    "room": None,
                    "draining": False,
                    "workers": [],
                }
            ],
            "store": True,
            "problems": [],
            "draining": False,
            "keys": 2,
            "bans": 0,
        }
    for refused in (1, 1, 0):
        broker.clock.now += 1300
        assert (await operator.get("status"))["refusedInTheLastHour"] == refused


async def test_who_is_connected_to_what(operator: Operator) -> None:
    broker = operator.broker
    assert broker.daemon
    async with await open_tunnel(broker, "alice", "a") as hers:
        await hers.receive_str()
        alice = await broker.daemon.accepted()
        async with await open_tunnel(broker, "bob", "b") as his:
            await his.receive_str()
            rows = await operator.get("running")
            assert [row["user"] for row in rows] == ["bob", "alice"]
            assert rows[1]["proxyd"] == alice.connection_id
            assert rows[1]["reference"] == alice.connection_id[1:5].upper()
            assert (rows[1]["target"], rows[1]["protocol"], rows[1]["address"]) == (
                "10.1.2.3",
                "ssh",
                "127.0.0.1",
            )
            assert "session" not in rows[0]
            assert [row["user"] for row in await operator.get("running", contains="ALICE ssh")] == ["alice"]
            reference = rows[1]["reference"]
            assert [row["user"] for row in await operator.get("running", contains=reference)] == ["alice"]
            assert await operator.get("running", contains="nobody") == []
    await broker.idle()
    assert {row["status"] for row in await operator.get("history", contains="alice")} == {"SUCCESS"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [("", "An operator ended this session."), ('{"reason": "Maintenance at noon."}', "Maintenance at noon.")],
)
async def test_ending_a_session_tells_the_person_why(operator: Operator, body: str, reason: str) -> None:
    async with await open_tunnel(operator.broker, "alice", "a") as socket:
        await socket.receive_str()
        (row,) = await operator.get("running")
        assert await operator.delete(f"running/{row['identifier']}", body) == 204
        assert f"session: {reason} (ref {row['reference']})" in await socket.receive_str()
    await operator.broker.idle()
    assert await operator.delete(f"running/{row['identifier']}") == 404
    (past,) = await operator.get("history")
    assert past["status"] == "SESSION_CLOSED"


async def test_a_word_to_a_person_whose_session_goes_on(operator: Operator) -> None:
    """Shown at once, between whole instructions, though the daemon is silent."""
    broker = operator.broker
    assert broker.daemon
    async with await open_tunnel(broker, "alice", "a") as socket:
        await socket.receive_str()
        peer = await broker.daemon.accepted()
        (row,) = await operator.get("running")
        for text in ("Maintenance at noon.", "Please save your work."):
            assert await operator.post(f"running/{row['identifier']}/message", {"text": text}) == 204
            assert await socket.receive_str() == encode("msg", MESSAGE, text).decode()
        peer.send("sync", 1)
        assert "sync" in await socket.receive_str()
    await broker.idle()
    assert await operator.post(f"running/{row['identifier']}/message", {"text": "x"}) == 404


async def test_a_word_over_http(operator: Operator) -> None:
    broker = operator.broker
    token = await broker.token(identifier="a")
    answer = await broker.client.post(f"{BASE}tunnel?connect", data=broker.tunnel_query(token, "a"))
    headers = {"Guacamole-Tunnel-Token": answer.headers["Guacamole-Tunnel-Token"]}
    (row,) = await operator.get("running")
    assert await operator.post(f"running/{row['identifier']}/message", {"text": "Hello."}) == 204
    reading = await broker.client.get(f"{BASE}tunnel?read:x:0", headers=headers)
    assert encode("msg", MESSAGE, "Hello.") in await reading.content.readany()


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "a\nb"}, {"text": "x" * 201}, {"text": 1}])
async def test_words_that_are_none(operator: Operator, body: dict[str, Any]) -> None:
    assert await operator.post("running/x/message", body) == 400


@pytest.mark.parametrize(
    "body",
    ["x", "[]", '{"reason": 1}', '{"reason": ""}', '{"reason": "a\\nb"}', '{"reason": "%s"}' % ("x" * 201)],
)
async def test_reasons_that_are_none(operator: Operator, body: str) -> None:
    assert await operator.delete("running/x", body) == 400


async def test_refused_requests_and_why(operator: Operator) -> None:
    await operator.broker.post_form("signature=x&guac.username=mallory&guac.hostname=10.9.9.9")
    await operator.broker.post_form("")
    (row,) = await operator.get("refusals")
    assert (row["reason"], row["user"], row["target"], row["address"]) == (
        "bad-signature",
        "mallory",
        "10.9.9.9",
        "127.0.0.1",
    )
    assert row["when"] == round(operator.broker.clock() * 1000)


async def test_letting_somebody_in_again(operator: Operator) -> None:
    for _ in range(4):
        await operator.broker.post_form("signature=x")
    (ban,) = await operator.get("bans")
    assert (ban["subject"], ban["reason"]) == ("address 127.0.0.1", "bad-signature")
    assert await operator.delete("bans/address%20127.0.0.1") == 204
    assert await operator.get("bans") == []
    assert await operator.delete("bans/address%20127.0.0.1") == 404
    assert (await operator.broker.post_form("signature=x")).status == 403


async def test_the_page_is_for_operators(operator: Operator) -> None:
    """A link leads to it; whoever is somebody else gets a page that says no."""
    broker = operator.broker
    broker.clock.now += 1
    signer = Signer(f"{ORIGIN}{BASE}", "portal", SECRET, clock=broker.clock)
    opened = await broker.client.get(f"{BASE}connect?jwt={operators_token(signer)}", allow_redirects=False)
    assert (opened.status, opened.headers["Location"]) == (303, f"{BASE}operator")
    cookies = {COOKIE: opened.cookies[COOKIE].value}
    answer = await broker.client.get(f"{BASE}operator", cookies=cookies)
    assert (answer.status, answer.content_type) == (200, "text/html")
    again = await broker.post_form("session=cookie", cookies=cookies)
    assert (await again.json())["username"] == "olga"
    cookies = {COOKIE: await broker.token()}
    answer = await broker.client.get(f"{BASE}operator", cookies=cookies, headers={"Accept": "text/html"})
    assert (answer.status, answer.content_type) == (403, "text/html")


async def test_refused_origins_are_shown_with_the_setting(operator: Operator) -> None:
    headers = {"Origin": "https://portal.example"}
    assert (await operator.broker.post_form("signature=x", headers=headers)).status == 403
    (row,) = await operator.get("refusals")
    assert row["reason"] == "origin-not-allowed"
    assert row["detail"] == "https://portal.example is not in allowed-origins"


async def test_a_key_must_be_allowed_to_make_operators(serve: Any, tmp_path: Path) -> None:
    async with operating(serve, tmp_path) as operator:
        ring = tmp_path / "ring.toml"
        ring.write_text(ring.read_text().replace("operator = true", ""))
        operator.broker.parts.ring.reload()
        signer = Signer(f"{ORIGIN}{BASE}", "portal", SECRET, clock=operator.broker.clock)
        text = operators_token(signer)
        assert await operator.broker.refused(f"jwt={text}") == "user-not-allowed"


async def test_a_network_is_given_a_key_and_taken_away_again(operator: Operator) -> None:
    async def send(method: str, path: str, body: Any = None) -> Any:
        url = f"{BASE}api/operator/networks{path}"
        answer = await operator.broker.client.request(method, url, headers=operator._headers, json=body)
        return answer.status, await answer.json() if answer.status != 204 else None

    endpoint = "wss://127.0.0.1:8443/guacamole/connector"
    status, made = await send("POST", "/lab/keys", {"endpoints": [endpoint], "first": True})
    assert (status, made["generation"]) == (200, 1)
    assert made["text"].startswith("-----BEGIN FANLIGHT CONNECTOR KEY-----")
    (network,) = await operator.get("networks")
    assert (network["name"], network["state"], network["endpoints"]) == ("lab", "pending", [endpoint])
    assert network["keys"][0]["fingerprint"] == made["fingerprint"]
    assert "PRIVATE" not in str(network)
    (rule,) = await operator.get("networks/lab/firewall")
    assert rule["nftables"] == ["ip daddr 127.0.0.1 tcp dport 8443 ct state new,established accept"]
    assert (await send("POST", "/lab/test", {"target": "db:22"})) == (200, [])
    for path, body, says in (
        ("/lab/test", {"target": "db"}, "HOST:PORT"),
        ("/lab/test", [], "object"),
        ("/Lab/keys", {"endpoints": [endpoint]}, "called by"),
        ("/lab/keys", {"endpoints": [endpoint], "first": True}, "there is a network lab already"),
        ("/lab/keys", {"overlap": 1e9}, "24 hours"),
        ("/lab/keys", {"overlap": "1"}, "seconds"),
        ("/lab/keys", {"endpoints": ["x"]}, "not of the form"),
    ):
        status, answer = await send("POST", path, body)
        assert status == 400, path
        assert says in answer["message"] or says == "HOST:PORT", answer
    rollouts = operator.broker.parts.networks.rollouts
    connector = Connector("lab", "m1", connected=True, since=0, seen=0, host="gw1", version="1.0.0")
    await rollouts.take_turn(connector, "p1", "2.0.0")
    await rollouts.came(connector, "p2")
    (network,) = await operator.get("networks")
    assert (network["held"], network["update"][:27]) == ("2.0.0", "2.0.0 is held back: gw1 wen")
    assert (await send("DELETE", "/lab/held"))[0] == 204
    assert (await operator.get("networks"))[0]["update"] == ""
    assert (await send("DELETE", "/lab/keys"))[0] == 204
    assert not (await operator.get("networks"))[0]["keys"][0]["good"]
    assert (await send("DELETE", "/lab"))[0] == 204
    assert (await send("GET", "/lab/firewall"))[0] == 404
