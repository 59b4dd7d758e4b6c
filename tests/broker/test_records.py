"""What runs and what ran, and ending it from afar."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType

from broker.store import Kind, StoreError
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

BASE = "/guacamole/"
DATA = f"{BASE}api/session/data/hmac/"


def connect(broker: Broker, token: str, identifier: str = "abc") -> Any:
    return broker.client.ws_connect(f"{BASE}websocket-tunnel", params=broker.tunnel_query(token, identifier))


async def read(broker: Broker, token: str, path: str, **query: str) -> Any:
    answer = await broker.client.get(f"{DATA}{path}", params={"token": token, **query})
    assert answer.status == 200
    return await answer.json()


async def test_a_tunnel_runs_and_then_it_ran(relay: Broker) -> None:
    assert relay.daemon
    token = await relay.token()
    begun = relay.clock()
    async with connect(relay, token) as socket:
        peer = await relay.daemon.accepted()
        await socket.receive_str()
        active = await read(relay, token, "activeConnections")
        ((identifier, row),) = active.items()
        assert row == {
            "identifier": identifier,
            "connectionIdentifier": "abc",
            "startDate": round(begun * 1000),
            "remoteHost": "127.0.0.1",
            "username": "alice",
            "connectable": True,
        }
        (record,) = await relay.parts.records.running()
        assert (record.proxyd, record.target, record.end) == (peer.connection_id, "10.1.2.3", None)
        (past,) = await read(relay, token, "history/connections")
        assert (past["active"], past["endDate"]) == (True, None)
        relay.clock.now += 90
    await relay.idle()
    assert await relay.parts.records.running() == []
    assert await read(relay, token, "activeConnections") == {}
    (past,) = await read(relay, token, "connections/abc/history")
    assert (past["active"], past["endDate"] - past["startDate"]) == (False, 90_000)
    assert past["uuid"] == identifier


async def test_history_is_ones_own(relay: Broker) -> None:
    assert relay.daemon
    tokens = {}
    for user in ("alice", "bob"):
        relay.platform.username = user
        tokens[user] = await relay.token(identifier=f"of-{user}")
        async with connect(relay, tokens[user], f"of-{user}"):
            await relay.daemon.accepted()
        await relay.idle()
    for user, token in tokens.items():
        rows = await read(relay, token, "history/connections")
        assert [row["connectionIdentifier"] for row in rows] == [f"of-{user}"]
    relay.platform.username = "alice"
    again = await relay.token(identifier="later")
    assert len(await read(relay, again, "history/connections")) == 1


async def test_ones_own_is_found_among_thousands_of_others(
    relay: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.records.MAX_LISTED", 1)
    mine = await relay.token(identifier="mine")
    relay.platform.username = "bob"
    others = await relay.token(identifier="bobs")
    async with connect(relay, mine, "mine") as socket, connect(relay, others, "bobs") as other:
        tunnel = (await socket.receive_str())[6:-1]
        await other.receive_str()
        (row,) = await read(relay, mine, "history/connections")
        assert row["connectionIdentifier"] == "mine"
        query = {**relay.tunnel_query(mine, tunnel), "GUAC_TYPE": "a"}
        async with relay.client.ws_connect(f"{BASE}websocket-tunnel", params=query) as second:
            assert (await second.receive()).type is WSMsgType.TEXT
        patch = json.dumps([{"op": "remove", "path": f"/{tunnel}"}])
        answer = await relay.client.patch(f"{DATA}activeConnections", params={"token": mine}, data=patch)
        assert answer.status == 204
        answer = await relay.client.patch(f"{DATA}activeConnections", params={"token": others}, data=patch)
        assert answer.status == 404


@pytest.mark.parametrize("value", [b"", b"[1]", b"{}", b"\xff", b"[" * 9000])
async def test_a_forged_record_hides_no_other(relay: Broker, value: bytes, log_lines: Any) -> None:
    token = await relay.token()
    until = relay.clock() + 900
    for kind in (Kind.RUNNING, Kind.HISTORY, Kind.KEPT, Kind.BAN):
        await relay.parts.store.put(kind, "forged:1", value, until)
    await relay.parts.store.put(Kind.BAN, "address 127.0.0.1", value, until)
    async with connect(relay, token) as socket:
        await socket.receive_str()
        (row,) = (await read(relay, token, "activeConnections")).values()
        assert row["connectionIdentifier"] == "abc"
        assert len(await read(relay, token, "history/connections")) == 1
        assert await relay.parts.gateway.left_open() == []
        assert await relay.parts.bans.newest() == []
        patch = json.dumps([{"op": "remove", "path": "/forged:1"}])
        answer = await relay.client.patch(f"{DATA}activeConnections", params={"token": token}, data=patch)
        assert answer.status == 404
    await relay.token(identifier="unbanned")
    assert any(line["event"] == "a record is not ours" for line in log_lines)


async def test_a_tunnel_that_just_closed_is_not_said_to_run(relay: Broker) -> None:
    async with connect(relay, await relay.token()) as socket:
        await socket.receive_str()
        tunnels = relay.parts.sessions.tunnels()
    await relay.idle()
    assert await relay.parts.records.orders(tunnels) == []
    assert await relay.parts.records.running() == []


async def test_history_is_searched_and_ordered(relay: Broker) -> None:
    assert relay.daemon
    for identifier in ("one", "two", "three"):
        token = await relay.token(identifier=identifier)
        async with connect(relay, token, identifier):
            await relay.daemon.accepted()
        await relay.idle()
        relay.clock.now += 1

    async def names(**query: str) -> list[str]:
        return [row["connectionName"] for row in await read(relay, token, "history/connections", **query)]

    assert await names() == ["three", "two", "one"]
    assert await names(order="startDate") == ["one", "two", "three"]
    assert await names(contains="tw") == ["two"]
    assert await names(contains="nobody") == []


async def test_nothing_is_kept_where_that_is_wanted(serve: Any) -> None:
    async with Guacd() as daemon, serve(daemon, history_days=0) as broker:
        async with connect(broker, await broker.token()) as socket:
            await socket.receive_str()
            assert len(await broker.parts.records.running()) == 1
        await broker.idle()
        assert await broker.parts.records.history() == []


async def test_a_broker_that_died_is_not_believed_for_long(relay: Broker) -> None:
    assert relay.daemon
    async with connect(relay, await relay.token()) as socket:
        await socket.receive_str()
        relay.clock.now += 61
        assert await relay.parts.records.running() == []
        await relay.parts.gateway.look_after()  # it lives after all
        assert len(await relay.parts.records.running()) == 1


@pytest.mark.parametrize("here", [True, False])
async def test_ending_ones_own(relay: Broker, here: bool) -> None:
    """Also where the tunnel belongs to another broker on the same store."""
    assert relay.daemon
    token = await relay.token()
    async with connect(relay, token) as socket:
        peer = await relay.daemon.accepted()
        await socket.receive_str()
        (tunnel,) = relay.parts.sessions.tunnels()
        if here:
            patch = json.dumps([{"op": "remove", "path": f"/{tunnel.identifier}"}])
            answer = await relay.client.patch(f"{DATA}activeConnections", params={"token": token}, data=patch)
            assert answer.status == 204
        else:
            assert await relay.parts.records.order_end(
                tunnel.identifier, "You ended this session from elsewhere."
            )
            await relay.parts.gateway.look_after()
        message = await socket.receive()
        assert "session: You ended this session from elsewhere." in message.data
        message = await socket.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1002, "523")
        assert await peer.until("disconnect")
        assert await peer.next() is None


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ("", 400), ("{}", 204), ("[]", 204), ("[1]", 400), ('[{"op": "add", "path": "/x"}]', 400),
        ('[{"op": "remove"}]', 400), ('[{"op": "remove", "path": 1}]', 400), ('[{"op": "remove", "path": "x"}]', 400),
        ('[{"op": "remove", "path": "/none"}]', 404), ("[" * 9000, 400), (b"\xff", 400),
    ],
)  # fmt: skip
async def test_patches_that_are_none(broker: Broker, patch: str | bytes, status: int) -> None:
    params = {"token": await broker.token()}
    answer = await broker.client.patch(f"{DATA}activeConnections", params=params, data=patch)
    assert answer.status == status


async def test_people_go_on_while_the_store_does_not(relay: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert relay.daemon
    token = await relay.token()
    put = relay.parts.store.put

    async def fail(kind: Kind, *rest: Any) -> None:
        if kind in {Kind.RUNNING, Kind.HISTORY}:
            raise StoreError("the disk is full")
        await put(kind, *rest)

    monkeypatch.setattr(relay.parts.store, "put", fail)
    async with connect(relay, token) as socket:
        peer = await relay.daemon.accepted()
        peer.send("sync", 1)
        await socket.receive_str()
        assert await socket.receive_str() == "4.sync,1.1;"
    await relay.idle()
