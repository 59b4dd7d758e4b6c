"""The one authorisation point: every route, as everybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType

from broker.app import routes
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from broker.access import Route
    from tests.broker.conftest import Broker

TABLE = routes("/guacamole/")

PUBLIC = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/"), ("GET", "/guacamole"), ("GET", "/guacamole/"),
    ("GET", "/guacamole/{path:(?!api/).+}"), ("GET", "/guacamole/api/languages"),
    ("GET", "/guacamole/api/patches"), ("POST", "/guacamole/api/tokens"),
    ("DELETE", "/guacamole/api/tokens/{token}"), ("GET", "/guacamole/connect"),
}  # fmt: skip
"""Everything that asks nobody who they are. A new line here is a decision."""

SAMPLES = {"source": "hmac", "identifier": "abc", "token": "0" * 64, "path": "none.js"}


def address(route: Route) -> str:
    return re.sub(r"{(\w+)(:[^}]*)?}", lambda match: SAMPLES[match[1]], route.path)


def test_what_is_public_is_listed() -> None:
    assert {(route.method, route.path) for route in TABLE if route.identify is None} == PUBLIC


async def test_nothing_is_served_that_is_not_in_the_table(broker: Broker) -> None:
    served = {
        (route.method, route.resource.canonical) for route in broker.app.router.routes() if route.resource
    }
    listed = {(route.method, re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)) for route in TABLE}
    assert served == listed


GUARDED = [route for route in TABLE if route.identify is not None]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
async def test_nobody_gets_nothing(serve: Any, route: Route) -> None:
    """Without a token, with a wrong one, and with one that was given back."""
    async with Guacd() as daemon, serve(daemon) as broker:
        old = await broker.token(identifier="old")
        await broker.client.delete(f"/guacamole/api/tokens/{old}")
        for token in ("", "0" * 64, old, "\u20ac"):
            assert await outcome(broker, route, token) in {"403", "403/769", "1008/769", "400/768", "404/516"}
        assert daemon.peers == []


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
async def test_a_signed_user_gets_their_own(serve: Any, route: Route) -> None:
    async with Guacd() as daemon, serve(daemon) as broker:
        token = await broker.token(identifier="abc")
        expected = {"200", "204", "open"} if not route.path.endswith("/parameters") else {"403"}
        assert await outcome(broker, route, token) in expected


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
async def test_another_user_does_not_get_it(serve: Any, route: Route) -> None:
    """Paths that name a connection of somebody else are as good as unknown."""
    async with Guacd() as daemon, serve(daemon) as broker:
        await broker.token(identifier="abc")
        broker.platform.username = "bob"
        token = await broker.token(identifier="bobs-own")
        result = await outcome(broker, route, token)
        if "{identifier}" in route.path:
            assert result == "404"
        elif "tunnel" in route.path:
            assert result in {"1002/516", "404/516"}
        else:
            assert "alice" not in result
        assert daemon.peers == []


async def outcome(broker: Broker, route: Route, token: str) -> str:
    """What comes of a request: the HTTP status, with the wire code where there is one; `open` for a tunnel."""
    path = address(route)
    if path.endswith("websocket-tunnel"):
        async with broker.client.ws_connect(path, params=broker.tunnel_query(token)) as socket:
            message = await socket.receive()
            return "open" if message.type is WSMsgType.TEXT else f"{message.data}/{message.extra}"
    if path.endswith("tunnel"):
        return await http_tunnel(broker, route, token)
    answer = await broker.client.request(route.method, path, params={"token": token})
    assert "alice" not in await answer.text() or answer.status == 200
    return str(answer.status)


async def http_tunnel(broker: Broker, route: Route, token: str) -> str:
    answer = await broker.client.post("/guacamole/tunnel?connect", data=broker.tunnel_query(token))
    if route.method == "GET":
        headers = {"Guacamole-Tunnel-Token": answer.headers.get("Guacamole-Tunnel-Token", "x")}
        status = answer.status
        answer = await broker.client.get("/guacamole/tunnel?read:x:0", headers=headers)
        if status != 200 and answer.headers.get("Guacamole-Status-Code") == "516":
            return "404/516"
    code = answer.headers.get("Guacamole-Status-Code")
    return f"{answer.status}/{code}" if code else str(answer.status)
