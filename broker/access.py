"""The one authorisation point: a route names who may use it, and nothing reaches a view otherwise."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import structlog

from broker.errors import denied
from broker.parts import PARTS, SESSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from broker.sessions import Session

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Identify = Callable[[web.Request], Awaitable[Session | None]]

__all__ = ["Route", "by_operator", "by_token", "guard", "token_of"]

TOKEN_HEADER = "Guacamole-Token"  # noqa: S105 - a header's name


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


def guard(route: Route) -> Handler:
    """The handler of a route, behind its rule."""
    if route.identify is None:
        return route.handler
    identify = route.identify

    @functools.wraps(route.handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        session = await identify(request)
        if session is None:
            structlog.get_logger().info("token refused", method=route.method, route=route.path)
            return await route.refuse(request)
        request[SESSION] = session
        return await route.handler(request)

    return guarded
