"""The one authorisation point: a route names who may use it, and nothing reaches a view otherwise."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import structlog

from broker.admission import Platform
from broker.auth.jwt import Call
from broker.errors import denied
from broker.parts import PARTS, PLATFORM, SENDER, SESSION
from broker.views.base import read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from broker.sessions import Session

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Identify = Callable[[web.Request], Awaitable[Session | Platform | None]]

__all__ = ["Route", "by_operator", "by_platform", "by_token", "guard", "token_of"]

TOKEN_HEADER = "Guacamole-Token"  # noqa: S105 - a header's name
MAX_CALL = 1 << 18
"""Bytes of the body of a platform's request."""


async def _refuse(_: web.Request) -> web.StreamResponse:
    raise denied()


class Route(NamedTuple):
    """One row of the table of routes.

    Attributes:
        method: HTTP method.
        path: below the base path.
        handler: the view.
        identify: finds out whose request it is; None lets everybody in.
        refuse: the answer to those who are nobody.
    """

    method: str
    path: str
    handler: Handler
    identify: Identify | None = None
    refuse: Handler = _refuse


def token_of(request: web.Request) -> str:
    """The token sent along: the header first, then the query (sheet 9.1)."""
    return request.headers.get(TOKEN_HEADER) or request.query.get("token", "")


async def by_token(request: web.Request) -> Session | None:
    """Whose token the request carries."""
    return await request.app[PARTS].sessions.find(token_of(request))


async def by_operator(request: web.Request) -> Session | None:
    """Whose token the request carries, if it is an operator's."""
    session = await by_token(request)
    return session if session is not None and session.operator else None


async def by_platform(request: web.Request) -> Platform:
    """Which platform signed the request with a key that may describe instances.

    Raises:
        RefusedError: none did.
    """
    scheme, _, token = ", ".join(request.headers.getall("Authorization", [])).partition(" ")
    call = Call(
        request.method,
        request.raw_path,
        token.strip() if scheme.lower() == "bearer" else "",
        request[SENDER].address,
    )
    return await request.app[PARTS].door.hear(call, lambda: read_body(request, MAX_CALL))


def guard(route: Route) -> Handler:
    """The handler of a route, behind its rule."""
    if route.identify is None:
        return route.handler
    identify = route.identify

    @functools.wraps(route.handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        who = await identify(request)
        if who is None:
            structlog.get_logger().info("token refused", method=route.method, route=route.path)
            return await route.refuse(request)
        if isinstance(who, Platform):
            request[PLATFORM] = who
        else:
            request[SESSION] = who
        return await route.handler(request)

    return guarded
