"""What platforms say of virtual networks: `api/vnets`, each request signed; each key counts its own ids."""

from __future__ import annotations

import structlog
from aiohttp import hdrs, web

from broker.access import Route, by_platform
from broker.errors import ApiError, not_found
from broker.gate.nets import NetError
from broker.gate.shown import described_net
from broker.parts import PARTS, PLATFORM
from broker.views.base import as_object

__all__ = ["ROUTES"]


async def nets(request: web.Request) -> web.Response:
    """`api/vnets`: the virtual networks that this key described."""
    found = await request.app[PARTS].nets.all(_key(request))
    return web.json_response([described_net(row) for row in found])


async def net(request: web.Request) -> web.Response:
    """`api/vnets/{identifier}`: one of them."""
    found = await request.app[PARTS].nets.find(request.match_info["identifier"], _key(request))
    if found is None:
        raise not_found("virtual network")
    return web.json_response(described_net(found))


async def put(request: web.Request) -> web.Response:
    """`PUT api/vnets/{identifier}`: describe it in whole; what was said of it before is forgotten."""
    given = as_object(request[PLATFORM].body)
    try:
        made = await request.app[PARTS].nets.put(
            request.match_info["identifier"], given, key_id=_key(request)
        )
    except NetError as error:
        raise ApiError(400, f"{error}.") from None
    _log(request, "virtual network described")
    return web.json_response(described_net(made))


async def remove(request: web.Request) -> web.Response:
    """`DELETE api/vnets/{identifier}`: forget it."""
    if not await request.app[PARTS].nets.remove(request.match_info["identifier"], _key(request)):
        raise not_found("virtual network")
    _log(request, "virtual network removed")
    return web.Response(status=204)


def _key(request: web.Request) -> str:
    return request[PLATFORM].entry.key.key_id


def _log(request: web.Request, event: str) -> None:
    structlog.get_logger().info(event, key_id=_key(request), vnet=request.match_info["identifier"])


ROUTES = tuple(
    Route(method, f"api/vnets{path}", view, by_platform)
    for method, path, view in (
        (hdrs.METH_GET, "", nets),
        (hdrs.METH_GET, "/{identifier}", net),
        (hdrs.METH_PUT, "/{identifier}", put),
        (hdrs.METH_DELETE, "/{identifier}", remove),
    )
)
