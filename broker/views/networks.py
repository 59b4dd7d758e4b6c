"""What an operator sees and does of private networks: `api/operator/networks`. Times are milliseconds since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from aiohttp import hdrs, web

from broker.access import Route, by_operator
from broker.errors import ApiError, not_found
from broker.networks.registry import NetworkError
from broker.networks.shown import firewall_of, shown, target_of, tried
from broker.parts import PARTS, SESSION
from broker.views.base import milliseconds, read_object

if TYPE_CHECKING:
    from broker.networks.registry import PrivateNetwork

__all__ = ["ROUTES"]

MAX_BODY = 4096
MAX_ENDPOINTS = 16
TIMES = frozenset({"created", "until", "since", "seen"})


async def networks(request: web.Request) -> web.Response:
    """`networks`: all of them, with their keys and connectors."""
    parts = request.app[PARTS]
    now, found = parts.clock(), parts.networks
    rows = [
        shown(row, await found.connectors(row.name), await found.rollouts.find(row.name), now)
        for row in await found.all()
    ]
    return web.json_response(milliseconds(rows, TIMES))


async def new_key(request: web.Request) -> web.Response:
    """`POST networks/{name}/keys`: make a key from `{"endpoints": [...], "overlap": seconds, "first": bool}`; the answer alone has it."""
    parts = request.app[PARTS]
    given = await read_object(request, MAX_BODY)
    endpoints, overlap = given.get("endpoints", []), given.get("overlap", 0)
    if not isinstance(endpoints, list) or not all(isinstance(row, str) for row in endpoints):
        raise ApiError(400, "endpoints is a list of texts.")
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or len(endpoints) > MAX_ENDPOINTS:
        raise ApiError(400, "overlap is a number of seconds.")
    try:
        network, key = await parts.networks.new_key(
            request.match_info["name"], endpoints, overlap, first=given.get("first") is True
        )
    except NetworkError as error:
        raise ApiError(400, f"{error}.") from None
    text = await parts.networks.show_once(network.name)
    structlog.get_logger().warning(
        "new key of a network",
        operator=request[SESSION].user,
        network=network.name,
        generation=key.generation,
    )
    return web.json_response({"generation": key.generation, "fingerprint": key.fingerprint, "text": text})


async def revoke(request: web.Request) -> web.Response:
    """`DELETE networks/{name}/keys`: end all keys; connectors are cut off."""
    parts = request.app[PARTS]
    network = await _network(request)
    await parts.networks.revoke(network.name)
    await parts.relays.look()
    structlog.get_logger().warning(
        "keys of a network revoked", operator=request[SESSION].user, network=network.name
    )
    return web.Response(status=204)


async def remove(request: web.Request) -> web.Response:
    """`DELETE networks/{name}`: forget a network; connectors are cut off."""
    parts = request.app[PARTS]
    network = await _network(request)
    await parts.networks.remove(network.name)
    await parts.relays.look()
    structlog.get_logger().warning("network removed", operator=request[SESSION].user, network=network.name)
    return web.Response(status=204)


async def retry(request: web.Request) -> web.Response:
    """`DELETE networks/{name}/held`: let connectors try an update again that failed at one of them."""
    network = await _network(request)
    if await request.app[PARTS].networks.rollouts.retry(network.name):
        structlog.get_logger().warning(
            "held update released", operator=request[SESSION].user, network=network.name
        )
    return web.Response(status=204)


async def test(request: web.Request) -> web.Response:
    """`POST networks/{name}/test`: try `{"target": "HOST:PORT"}` from every connector, in stages."""
    parts = request.app[PARTS]
    network = await _network(request)
    try:
        host, port = target_of(str((await read_object(request, MAX_BODY)).get("target", "")))
    except ValueError as error:
        raise ApiError(400, f"{error}.") from None
    return web.json_response(await tried(parts.networks, parts.relays, network.name, host, port))


async def firewall(request: web.Request) -> web.Response:
    """`networks/{name}/firewall`: what a firewall before the connectors has to let out."""
    return web.json_response([row._asdict() for row in await firewall_of(await _network(request))])


async def _network(request: web.Request) -> PrivateNetwork:
    found = await request.app[PARTS].networks.find(request.match_info["name"])
    if found is None:
        raise not_found("network")
    return found


ROUTES = tuple(
    Route(method, f"api/operator/networks{path}", view, by_operator)
    for method, path, view in (
        (hdrs.METH_GET, "", networks),
        (hdrs.METH_POST, "/{name}/keys", new_key),
        (hdrs.METH_DELETE, "/{name}/keys", revoke),
        (hdrs.METH_DELETE, "/{name}", remove),
        (hdrs.METH_DELETE, "/{name}/held", retry),
        (hdrs.METH_POST, "/{name}/test", test),
        (hdrs.METH_GET, "/{name}/firewall", firewall),
    )
)
