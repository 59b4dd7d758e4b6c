"""The one authorisation point: a table of routes and roles, walked in full, sockets included."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiohttp import WSMsgType

from broker.app import routes
from broker.links import Signer
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.access import Route
    from tests.broker.conftest import Broker

BASE = "/guacamole/"
TABLE = routes(BASE)
SECRET = bytes(range(32))

NOBODY, STALE, OWNER, OTHER, JOINER, OPERATOR, PLATFORM = (
    "nobody", "stale", "owner", "other", "joiner", "operator", "platform"
)  # fmt: skip
ROLES = (NOBODY, STALE, OWNER, OTHER, JOINER, OPERATOR, PLATFORM)

PUBLIC = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "healthz"), ("GET", "/"), ("GET", "/guacamole"), ("GET", ""),
    ("GET", "{path:(?!api/).+}"), ("GET", "api/languages"), ("GET", "api/patches"), ("GET", "connect"),
    ("POST", "api/tokens"), ("DELETE", "api/tokens/{token}"), ("GET", "connector"), ("GET", "connector/releases/{name}"),
}  # fmt: skip
"""Everything that asks nobody who they are. A new line here is a decision."""


class Row(NamedTuple):
    """What comes of a request, by who asks: an HTTP status, with a wire code where there is one."""

    nobody: str
    owner: str
    other: str
    joiner: str
    operator: str
    platform: str = ""
    """Of a request that a platform signed and that has no token; empty is what nobody gets."""


class Rows:
    """Rows that many routes share. Paths name the owner's tunnel and connection, `hmac` and `abc`."""

    OWN_TOKEN = Row("403", "2xx", "2xx", "2xx", "2xx")
    OWN_SOURCE = Row("403", "2xx", "2xx", "404", "404")
    OWN_CONNECTION = Row("403", "2xx", "404", "404", "404")
    NEVER = Row("403", "403", "404", "404", "404")
    NOT_THERE = Row("403", "404", "404", "404", "404")
    OPERATORS = Row("403", "403", "403", "403", "2xx")
    PLATFORMS = Row("403", "403", "403", "403", "403", "2xx")


EXPECTED: dict[tuple[str, str], Row] = {
    ("HEAD", "api/session"): Rows.OWN_TOKEN,
    ("DELETE", "api/session"): Rows.OWN_TOKEN,
    **{
        ("GET", f"api/session/data/{{source}}/{path}"): Rows.OWN_SOURCE
        for path in (
            "self", "self/permissions", "self/effectivePermissions", "connections", "connectionGroups/ROOT",
            "connectionGroups/ROOT/tree", "users", "userGroups", "sharingProfiles", "schema/userAttributes",
            "schema/userGroupAttributes", "schema/connectionAttributes", "schema/connectionGroupAttributes",
            "schema/sharingProfileAttributes", "schema/protocols", "activeConnections", "history/connections",
            "history/users",
        )
    },
    ("GET", "api/session/data/{source}/connections/{identifier}"): Rows.OWN_CONNECTION,
    ("GET", "api/session/data/{source}/connections/{identifier}/history"): Rows.OWN_CONNECTION,
    ("GET", "api/session/data/{source}/connections/{identifier}/sharingProfiles"): Rows.OWN_CONNECTION,
    ("GET", "api/session/data/{source}/connections/{identifier}/parameters"): Rows.NEVER,
    ("GET", "api/session/data/{source}/history/connections/{identifier}/logs/{name}"): Rows.NOT_THERE,
    ("PATCH", "api/session/data/{source}/activeConnections"): Rows.OWN_CONNECTION,
    ("POST", "api/session/data/{source}/commands"): Rows.OWN_CONNECTION,
    ("GET", "api/session/tunnels"): Rows.OWN_TOKEN,
    ("GET", "api/session/gateways"): Rows.OWN_TOKEN,
    ("DELETE", "api/session/gateways/{identifier}"): Rows.NOT_THERE,
    ("GET", "api/session/tunnels/{tunnel}/protocol"): Rows.OWN_CONNECTION,
    ("GET", "api/session/tunnels/{tunnel}/activeConnection/connection/sharingProfiles"): Rows.OWN_CONNECTION,
    ("GET", "api/session/tunnels/{tunnel}/activeConnection/sharingCredentials/{profile}"): Rows.OWN_CONNECTION,
    ("GET", "api/session/tunnels/{tunnel}/activeConnection/sharingCredentials"): Rows.OWN_CONNECTION,
    ("DELETE", "api/session/tunnels/{tunnel}/activeConnection/sharingCredentials"): Rows.OWN_CONNECTION,
    ("DELETE", "api/session/tunnels/{tunnel}/activeConnection/sharingCredentials/{profile}"): Rows.NOT_THERE,
    ("GET", "api/session/tunnels/{tunnel}/streams/{index}/{filename}"): Rows.OWN_CONNECTION,
    ("POST", "api/session/tunnels/{tunnel}/streams/{index}/{filename}"): Rows.OWN_CONNECTION,
    ("GET", "websocket-tunnel"): Row("1008/769", "open", "1002/516", "1002/516", "1002/516"),
    ("POST", "tunnel"): Row("403/769", "2xx", "404/516", "404/516", "404/516"),
    ("GET", "tunnel"): Row("404/516", "2xx", "404/516", "404/516", "404/516"),
    ("GET", "operator"): Rows.OPERATORS,
    ("GET", "api/operator/status"): Rows.OPERATORS,
    ("GET", "api/operator/running"): Rows.OPERATORS,
    ("DELETE", "api/operator/running/{identifier}"): Rows.OPERATORS,
    ("POST", "api/operator/running/{identifier}/message"): Rows.OPERATORS,
    ("GET", "api/operator/history"): Rows.OPERATORS,
    ("GET", "api/operator/networks"): Rows.OPERATORS,
    ("POST", "api/operator/networks/{name}/keys"): Rows.OPERATORS,
    ("DELETE", "api/operator/networks/{name}/keys"): Rows.OPERATORS,
    ("DELETE", "api/operator/networks/{name}"): Rows.OPERATORS,
    ("DELETE", "api/operator/networks/{name}/held"): Rows.OPERATORS,
    ("POST", "api/operator/networks/{name}/test"): Rows.OPERATORS,
    ("GET", "api/operator/networks/{name}/firewall"): Rows.OPERATORS,
    ("GET", "api/instances"): Rows.PLATFORMS,
    ("POST", "api/instances"): Rows.PLATFORMS,
    ("GET", "api/instances/{identifier}"): Rows.PLATFORMS,
    ("PATCH", "api/instances/{identifier}"): Rows.PLATFORMS,
    ("DELETE", "api/instances/{identifier}"): Rows.PLATFORMS,
    ("POST", "api/instances/{identifier}/tokens"): Rows.PLATFORMS,
    ("DELETE", "api/instances/{identifier}/tokens"): Rows.PLATFORMS,
    ("GET", "api/instances/{identifier}/report"): Rows.PLATFORMS,
    ("GET", "api/vnets"): Rows.PLATFORMS,
    ("GET", "api/vnets/{identifier}"): Rows.PLATFORMS,
    ("PUT", "api/vnets/{identifier}"): Rows.PLATFORMS,
    ("DELETE", "api/vnets/{identifier}"): Rows.PLATFORMS,
    ("GET", "api/operator/instances"): Rows.OPERATORS,
    ("GET", "api/operator/instances/{identifier}"): Rows.OPERATORS,
    ("POST", "api/operator/instances/{identifier}/host-keys"): Rows.OPERATORS,
    ("DELETE", "api/operator/instances/{identifier}/tokens"): Rows.OPERATORS,
    ("DELETE", "api/operator/instances/{identifier}"): Rows.OPERATORS,
    ("GET", "api/operator/refusals"): Rows.OPERATORS,
    ("GET", "api/operator/bans"): Rows.OPERATORS,
    ("DELETE", "api/operator/bans/{subject}"): Rows.OPERATORS,
}  # fmt: skip


def name(route: Route) -> tuple[str, str]:
    return route.method, route.path.removeprefix(BASE) if route.path != BASE else ""


GUARDED = [route for route in TABLE if route.identify is not None]


def test_what_is_public_is_listed() -> None:
    assert {name(route) for route in TABLE if route.identify is None} == PUBLIC


def test_every_guarded_route_has_a_row() -> None:
    assert {name(route) for route in GUARDED} == set(EXPECTED)


async def test_nothing_is_served_that_is_not_in_the_table(broker: Broker) -> None:
    served = {
        (route.method, route.resource.canonical) for route in broker.app.router.routes() if route.resource
    }
    assert served == {(route.method, re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)) for route in TABLE}


class World:
    """An owner with an open tunnel, somebody else with one, a joiner of the owner's, and an operator."""

    def __init__(
        self, broker: Broker, daemon: Guacd, tokens: dict[str, str], tunnel: str, signer: Signer
    ) -> None:
        self.broker = broker
        self.signer = signer
        self.daemon = daemon
        self.tokens = tokens
        self.tunnel = tunnel
        self.sessions = self.opened()

    def opened(self) -> int:
        """Sessions that the daemon was asked for; the broker also asks it how it is."""
        return sum(bool(peer.selected) for peer in self.daemon.peers)

    def path(self, route: Route) -> str:
        known = "instances" in route.path or "vnets" in route.path
        identifier = "1" if known else self.tunnel if "operator" in route.path else "abc"
        samples = {
            "source": "hmac", "identifier": identifier, "token": "0" * 64,
            "tunnel": self.tunnel, "profile": "watch", "index": "0", "filename": "f", "subject": "address 192.0.2.9", "name": "f",
        }  # fmt: skip
        return re.sub(r"{(\w+)}", lambda match: samples[match[1]], route.path)


@asynccontextmanager
async def world(serve: Any, tmp_path: Path) -> AsyncIterator[World]:
    ring = tmp_path / "ring.toml"
    secret = base64.b64encode(SECRET).decode()
    ring.write_text(f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\noperator = true\ninstances = true\n')
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Guacd())
        origin = "https://desk.example"
        broker = await stack.enter_async_context(
            serve(daemon, key_ring=ring, public_origin=origin, ban_after=1)
        )
        signer = Signer(f"{origin}/guacamole/", "portal", SECRET, clock=broker.clock)

        async def redeem(body: str) -> str:
            return (await (await broker.post_form(body)).json())["authToken"]

        async def open_tunnel(query: dict[str, str]) -> str:
            socket = await stack.enter_async_context(
                broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query)
            )
            await daemon.accepted()
            return re.sub(r"^0\.,36\.|;$", "", await socket.receive_str())

        tokens = {NOBODY: "0" * 64, PLATFORM: "", STALE: await broker.token(identifier="abc")}
        await broker.client.delete(f"{BASE}api/tokens/{tokens[STALE]}")
        tokens[OWNER] = await broker.token(identifier="abc")
        tunnel = await open_tunnel(broker.tunnel_query(tokens[OWNER]))
        broker.platform.username = "bob"
        tokens[OTHER] = await broker.token(identifier="bobs-own")
        await open_tunnel(broker.tunnel_query(tokens[OTHER], "bobs-own"))
        path = f"{BASE}api/session/tunnels/{tunnel}/activeConnection/sharingCredentials/control"
        shared = await (await broker.client.get(path, params={"token": tokens[OWNER]})).json()
        tokens[JOINER] = await redeem(f"key={shared['values']['key']}")
        joined = next(iter((await broker.parts.sessions.find(tokens[JOINER])).connections))
        await open_tunnel({**broker.tunnel_query(tokens[JOINER], joined), "GUAC_DATA_SOURCE": "hmac-shared"})
        operator = signer.token("ssh", "", "", cnx={}, sub="olga", role="operator")
        tokens[OPERATOR] = await redeem(f"jwt={operator}")
        for _ in range(2):
            await broker.parts.bans.failed("address 192.0.2.9", "bad-signature")
        await broker.parts.networks.new_key("f", ["tcp://127.0.0.1:4830"])
        await broker.parts.instances.add({"name": "vm"}, key_id="portal")
        await broker.parts.nets.put("1", {}, key_id="portal")
        yield World(broker, daemon, tokens, tunnel, signer)


def expected(route: Route, role: str) -> str:
    row = EXPECTED[name(route)]
    return row.nobody if role in {NOBODY, STALE} else str(getattr(row, role)) or row.nobody


def ends(route: Route, role: str) -> bool:
    """Whether something is over then: each such request gets a world of its own."""
    return route.method in {"DELETE", "PATCH"} and expected(route, role) == "2xx"


@pytest.mark.parametrize("role", ROLES)
async def test_the_table(serve: Any, tmp_path: Path, role: str) -> None:
    walked = [route for route in GUARDED if not ends(route, role)]
    async with world(serve, tmp_path) as here:
        got = {name(route): await outcome(here, route, role) for route in walked}
        assert got == {name(route): expected(route, role) for route in walked}
        if role in {NOBODY, STALE, PLATFORM}:
            assert here.opened() == here.sessions  # nothing of theirs reached the daemon


@pytest.mark.parametrize(
    ("route", "role"),
    [(route, role) for route in GUARDED for role in ROLES if ends(route, role)],
    ids=lambda value: value if isinstance(value, str) else " ".join(name(value)),
)
async def test_the_table_where_something_ends(serve: Any, tmp_path: Path, route: Route, role: str) -> None:
    async with world(serve, tmp_path) as here:
        assert await outcome(here, route, role) == expected(route, role)


async def outcome(here: World, route: Route, role: str) -> str:
    """What comes of a request; `open` for a socket."""
    client, token = here.broker.client, here.tokens[role]
    path = here.path(route)
    query = here.broker.tunnel_query(token)
    if path.endswith("websocket-tunnel"):
        async with client.ws_connect(path, params=query) as socket:
            message = await socket.receive()
            return "open" if message.type is WSMsgType.TEXT else f"{message.data}/{message.extra}"
    if path.endswith("/tunnel"):
        return await http_tunnel(client, route, query)
    if "/streams/" in path and route.method == "GET":
        return await download(here, path, token)
    body = json.dumps([{"op": "remove", "path": f"/{here.tunnel}"}]) if route.method == "PATCH" else None
    if path.endswith("/message"):
        body = json.dumps({"text": "Hello."})
    if path.endswith("/commands"):
        body = json.dumps({"connections": ["abc"], "command": "true"})
    if "/networks/" in path:
        body = json.dumps({"target": "db:22"})
    if "api/instances" in path:
        body = json.dumps({"name": "renamed"} if route.path.endswith(("instances", "{identifier}")) else {})
    if path.endswith("/host-keys"):
        body = json.dumps({"dismiss": ["SHA256:x"]})
    if role is PLATFORM:
        signed = here.signer.call(route.method, path.removeprefix(BASE), (body or "").encode())
        return status(await client.request(route.method, path, headers={"Authorization": signed}, data=body))
    answer = await client.request(route.method, path, params={"token": token}, data=body)
    return status(answer)


def status(answer: Any) -> str:
    code = answer.headers.get("Guacamole-Status-Code")
    text = f"{answer.status // 100}xx" if answer.ok else str(answer.status)
    return f"{text}/{code}" if code else text


async def http_tunnel(client: Any, route: Route, query: dict[str, str]) -> str:
    answer = await client.post(f"{BASE}tunnel?connect", data=query)
    if route.method == "POST":
        return status(answer)
    headers = {"Guacamole-Tunnel-Token": answer.headers.get("Guacamole-Tunnel-Token", "x")}
    return status(await client.get(f"{BASE}tunnel?read:x:0", headers=headers))


async def download(here: World, path: str, token: str) -> str:
    """Until the daemon was asked for the file."""
    owner = next(peer for peer in here.daemon.peers if peer.selected)
    getting = asyncio.create_task(here.broker.client.get(path, params={"token": token}), name="get")
    asked = asyncio.create_task(owner.until("ack"), name="asked")
    await asyncio.wait({getting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if asked.done():
        owner.send("end", 0)
    else:
        asked.cancel()
    return status(await getting)
