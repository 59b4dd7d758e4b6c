"""What a stock client reads of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

PREFIX = "/guacamole/api/session/data/hmac"
CONNECTION = {
    "name": "abc",
    "identifier": "abc",
    "parentIdentifier": "ROOT",
    "protocol": "ssh",
    "attributes": {},
    "activeConnections": 0,
}


async def get(broker: Broker, path: str, prefix: str = PREFIX) -> tuple[int, Any]:
    answer = await broker.client.get(f"{prefix}/{path}", headers={"Guacamole-Token": await broker.token()})

    return answer.status, await answer.json()


async def test_who_one_is(broker: Broker) -> None:
    assert await get(broker, "self") == (200, {"username": "alice", "disabled": False, "attributes": {}})


@pytest.mark.parametrize("path", ["self/permissions", "self/effectivePermissions"])
async def test_what_one_may(broker: Broker, path: str) -> None:
    status, body = await get(broker, path)
    assert status == 200
    assert body["connectionPermissions"] == {"abc": ["READ"]}
    assert body["connectionGroupPermissions"] == {"ROOT": ["READ"]}
    assert body["systemPermissions"] == []
    assert len(body) == 7


async def test_connections(broker: Broker) -> None:
    assert await get(broker, "connections") == (200, {"abc": CONNECTION})
    assert await get(broker, "connections/abc") == (200, CONNECTION)
    assert (await get(broker, "connections/other"))[0] == 404


async def test_the_tree(broker: Broker) -> None:
    status, body = await get(broker, "connectionGroups/ROOT/tree")
    assert status == 200
    assert (body["identifier"], body["type"], body["childConnectionGroups"]) == ("ROOT", "ORGANIZATIONAL", [])
    assert body["childConnections"] == [CONNECTION]
    status, body = await get(broker, "connectionGroups/ROOT")
    assert "childConnections" not in body


async def test_open_tunnels_are_counted(relay: Broker) -> None:
    assert relay.daemon
    token = await relay.token()
    async with relay.client.ws_connect("/guacamole/websocket-tunnel", params=relay.tunnel_query(token)):
        await relay.daemon.accepted()
        answer = await relay.client.get(f"{PREFIX}/connections/abc", params={"token": token})
        assert (await answer.json())["activeConnections"] == 1


async def test_parameters_are_nobodys(broker: Broker) -> None:
    status, body = await get(broker, "connections/abc/parameters")
    assert (status, body["type"]) == (403, "PERMISSION_DENIED")
    assert (await get(broker, "connections/other/parameters"))[0] == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("users", {}),
        ("userGroups", {}),
        ("activeConnections", {}),
        ("connections/abc/sharingProfiles", {}),
        ("schema/protocols", {}),
        ("schema/connectionAttributes", []),
    ],
)
async def test_what_our_sources_do_not_have(broker: Broker, path: str, expected: Any) -> None:
    assert await get(broker, path) == (200, expected)


@pytest.mark.parametrize(
    "path", ["self", "connections", "connectionGroups/ROOT/tree", "users", "schema/protocols"]
)
async def test_another_data_source(broker: Broker, path: str) -> None:
    status, body = await get(broker, path, "/guacamole/api/session/data/postgresql")
    assert (status, body["type"]) == (404, "NOT_FOUND")


async def test_unknown_paths(broker: Broker) -> None:
    assert (await get(broker, "nonsense"))[0] == 404
