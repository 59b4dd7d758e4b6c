"""A person's logins at gateways: `api/session/gateways`."""

from __future__ import annotations

from aiohttp import hdrs, web

from broker.access import Route, by_token
from broker.errors import not_found
from broker.gateway_logins import end_logins, list_logins, uses_gateways
from broker.keeping import gateway_owner
from broker.parts import PARTS, SESSION

__all__ = ["ROUTES"]


async def gateways(request: web.Request) -> web.Response:
    """`GET api/session/gateways`: where the person is signed in, since when, and how many sessions use it."""
    session, fleet = request[SESSION], request.app[PARTS].gateway.fleet
    logins = await list_logins(fleet, gateway_owner(session)) if uses_gateways(session) else []
    return web.json_response(
        [
            {"id": row.id, "gateway": row.gateway, "sessions": row.sessions, "since": row.since * 1000}
            for row in logins
        ]
    )


async def sign_out(request: web.Request) -> web.Response:
    """`DELETE api/session/gateways/{identifier}`: sign out; sessions behind the gateway lose their way."""
    session, fleet = request[SESSION], request.app[PARTS].gateway.fleet
    identifier = request.match_info["identifier"]
    if not uses_gateways(session) or not await end_logins(fleet, gateway_owner(session), identifier):
        raise not_found("gateway login")
    return web.Response(status=204)


ROUTES = (
    Route(hdrs.METH_GET, "api/session/gateways", gateways, by_token),
    Route(hdrs.METH_DELETE, "api/session/gateways/{identifier}", sign_out, by_token),
)
