"""What every request passes before it reaches a view: who sent it, from which page, under which rules, one log line."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

import structlog
from aiohttp import hdrs, web

from broker.errors import ApiError
from broker.forwarded import origin_allowed, sender
from broker.parts import PARTS, SENDER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["check_origin", "identify_sender", "security_headers", "tell"]

LEFT = 499
"""The status of a request whose sender went away before the answer."""
TUNNELS = ("/websocket-tunnel", "/tunnel")
"""How routes end whose requests last as long as somebody looks: their time says nothing of ours."""
SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


@web.middleware
async def identify_sender(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who sent the request, as far as the front proxy can be believed."""
    request[SENDER] = sender(
        request.remote,
        request.secure,
        request.headers.getall("X-Forwarded-For", []),
        request.headers.getall("X-Forwarded-Proto", []),
        request.app[PARTS].settings.trusted_proxies,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(address=request[SENDER].address)
    return await handler(request)


@web.middleware
async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page sends: sockets and unsafe methods need our origin or a listed one.

    A request without `Origin` does not come from a page: a platform's backend passes.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    guarded = request.method not in SAFE or request.headers.get(hdrs.UPGRADE)
    if guarded and origin is not None:
        settings = request.app[PARTS].settings
        scheme = request[SENDER].scheme
        if not origin_allowed(origin, request.headers.get(hdrs.HOST, ""), scheme, settings.allowed_origins):
            structlog.get_logger().warning("origin refused", origin=origin[:200], path=_path(request))
            request.app[PARTS].door.note_origin(origin[:200], request[SENDER].address)
            raise ApiError(403, "This origin is not in allowed-origins.")
    return await handler(request)


async def security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers that every answer carries."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _policy(request.app[PARTS].settings.allowed_origins))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Cache-Control", "no-store")
    headers.pop("Server", None)


@functools.lru_cache(maxsize=4)
def _policy(origins: tuple[str, ...]) -> str:
    """What the page may load, and which sites may frame it."""
    ancestors = " ".join(("'self'", *origins))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            "media-src 'self' blob: data:",
            "connect-src 'self'",
            "frame-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
        )
    )


@web.middleware
async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request, without its query and without what a path may hold."""
    begun = time.monotonic()
    status = LEFT
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        took = time.monotonic() - begun
        path = _path(request)
        if not path.endswith(TUNNELS):
            request.app[PARTS].metrics.requests.labels(f"{status // 100}xx").observe(took)
        structlog.get_logger().debug(
            "request",
            method=request.method,
            path=path,
            status=status,
            ms=round(took * 1000, 1),
        )
    return response


def _path(request: web.Request) -> str:
    """The route's pattern: real paths may hold tokens and names."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(unknown)"
