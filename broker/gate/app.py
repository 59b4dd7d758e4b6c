"""`make_gate` puts the gate together: an application of its own, for a listener of its own."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING

import structlog
from aiohttp import hdrs, web

from broker.errors import ApiError
from broker.forwarded import sender
from broker.gate import native, views
from broker.gate.core import Core, CoreError, CoreTokens
from broker.gate.entrance import Claim, Entrance
from broker.gate.gate import Gate
from broker.gate.host_keys import HostKeyError
from broker.gate.lines import authorized_lines
from broker.gate.policy import ForbiddenError
from broker.gate.pushes import AbsentError, Pushes
from broker.gate.rates import Rates, Seldom
from broker.gate.reports import ReportError
from broker.gate.requests import MAX_BODY
from broker.gate.routes import BODY, CALLER, CLAIM, GATE, Served
from broker.parts import SENDER
from broker.store.base import StoreError
from broker.views.base import read_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from broker.gate.routes import GateRoute
    from broker.parts import Parts

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["ROUTES", "make_gate"]

ROUTES: tuple[GateRoute, ...] = (*views.ROUTES, *native.ROUTES)
"""Everything that the gate answers."""
TOKEN, IDENTIFIER = "X-ONEGATE-TOKEN", "X-ONEGATE-VMID"
ADDRESS_ROOM = 10
"""An address may ask so many times as often as an instance."""
TOO_MANY = 429
LEFT = 499
"""The status of a request whose sender went away before the answer."""
UNKNOWN_PATH = "There is nothing like that at this gate."
REFUSALS: dict[type[Exception], int] = {
    ReportError: 400,
    HostKeyError: 400,
    ForbiddenError: 403,
    AbsentError: 500,
    CoreError: 500,
}
"""The status of what is refused (sheet E.3)."""


def make_gate(parts: Parts, *, monotonic: Callable[[], float] = time.monotonic) -> web.Application:
    """Build the gate; it listens to nothing.

    Args:
        parts: of the broker; settings and rules among them may change.
        monotonic: seconds.
    """
    settings = parts.settings
    keys = parts.keys

    async def lines(login: str) -> list[str]:
        if keys is None:
            return []
        return await asyncio.to_thread(authorized_lines, login, keys, settings.authorized_key_options)

    core = _core(parts)
    app = web.Application(
        middlewares=[_identify_sender, _tell, _check],
        handler_args={
            "access_log": None,
            "handler_cancellation": True,
            "auto_decompress": False,  # a small body does not become a large one
        },
    )
    app[GATE] = Served(
        gate=Gate(
            parts.instances,
            parts.reports,
            parts.nets,
            lambda: parts.gate_policy,
            core,
            lines,
            parts.rotations.note_served,
            parts.clock,
            lambda: parts.settings.gate_patience,
        ),
        pushes=Pushes(parts.reports, parts.host_keys, lambda: parts.gate_policy, parts.metrics),
        entrance=Entrance(
            parts.instances,
            parts.bans,
            Rates(settings.gate_rate, monotonic),
            Rates(ADDRESS_ROOM * settings.gate_rate, monotonic),
            legacy=lambda: parts.settings.gate_legacy_tokens,
        ),
        policy=lambda: parts.gate_policy,
        trusted=lambda: parts.settings.trusted_proxies,
        core=core,
        metrics=parts.metrics,
        crowded=Seldom(monotonic),
    )
    app.on_response_prepare.append(_headers)
    app.cleanup_ctx.append(_running)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _guarded(route))
    return app


def _core(parts: Parts) -> Core:
    policy = parts.gate_policy
    url, key = parts.settings.gate_core_url, parts.settings.gate_core_key.get_secret_value()
    if not url:
        return Core("", None)
    return Core(url, CoreTokens(key, url, policy.expire_delta, policy.expire_margin, parts.clock))


async def _running(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[GATE].core.close()


# -- what every request passes -----------------------------------------------------------------------------------------


@web.middleware
async def _identify_sender(request: web.Request, handler: Handler) -> web.StreamResponse:
    headers = request.headers
    request[SENDER] = sender(
        request.remote,
        request.secure,
        headers.getall("X-Forwarded-For", []),
        headers.getall("X-Forwarded-Proto", []),
        request.app[GATE].trusted(),
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(address=request[SENDER].address)
    return await handler(request)


@web.middleware
async def _tell(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in plain text, as clients print them, and write one line for each."""
    status, reason = LEFT, "the sender went away"
    try:
        response = await handler(request)
        status, reason = response.status, ""
    except (ConnectionError, TimeoutError):
        raise  # the client is gone: aiohttp closes
    except Exception as error:  # noqa: BLE001 - every error has its answer, and what nobody foresaw is logged
        answer = _answer(error)
        status, reason = answer.status, answer.message
        response = web.Response(status=status, text=reason, headers=answer.headers)
    finally:
        _count(request, status, reason)
    return response


def _count(request: web.Request, status: int, reason: str) -> None:
    request.app[GATE].metrics.gate_requests.labels(f"{status // 100}xx").inc()
    more: dict[str, int] = {}
    if status == TOO_MANY:
        unsaid = request.app[GATE].crowded.say()
        if unsaid is None:
            return
        more = {"unsaid": unsaid} if unsaid else {}
    resource = request.match_info.route.resource
    caller = request.get(CALLER)
    log = structlog.get_logger()
    write = log.warning if status >= 400 else log.debug
    write(
        "gate refused" if status >= 400 else "gate request",
        method=request.method,
        path=resource.canonical if resource is not None else "(unknown)",
        status=status,
        instance=caller.id if caller is not None else "",
        reason=reason,
        **more,
    )


@web.middleware
async def _check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only known paths pass."""
    if request.match_info.http_exception is not None:
        request.app[GATE].entrance.pace(request[SENDER].address)
        raise ApiError(400, UNKNOWN_PATH)
    return await handler(request)


async def _headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.pop("Server", None)


def _guarded(route: GateRoute) -> Handler:
    """A view behind the one point of authorisation: first who it is, then whether that is permitted."""
    if not route.permission:
        return _paced(route.handler)

    @functools.wraps(route.handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        served = request.app[GATE]
        request[CLAIM] = _claim(request)
        request[CALLER] = await served.entrance.admit(request[CLAIM])
        served.policy().check_permission(route.permission)
        request[BODY] = await read_body(request, MAX_BODY)
        if request[BODY]:  # it may have come slowly, and the token may have ended meanwhile
            request[CALLER] = await served.entrance.admit_still(request[CLAIM])
        return await route.handler(request)

    return guarded


def _paced(handler: Handler) -> Handler:
    """A view for everybody, at the pace of an address."""

    @functools.wraps(handler)
    async def paced(request: web.Request) -> web.StreamResponse:
        request.app[GATE].entrance.pace(request[SENDER].address)
        return await handler(request)

    return paced


def _claim(request: web.Request) -> Claim:
    """Who a request says that it comes from: the header names the instance, else the query, else the path."""
    headers = request.headers
    tokens, identifiers = headers.getall(TOKEN, []), headers.getall(IDENTIFIER, [])
    if len(tokens) != 1 or len(identifiers) > 1:
        return Claim("", "", request[SENDER].address)
    named = identifiers or [request.query.get("id") or request.match_info.get("id", "")]
    return Claim(named[0].strip(), tokens[0].strip(), request[SENDER].address)


def _answer(error: Exception) -> ApiError:
    """What an instance is told of an error."""
    match error:
        case ApiError():
            return error
        case StoreError():
            structlog.get_logger().error("store failed", reason=str(error))
            return ApiError(503, "The gate has a problem on its side.", {hdrs.RETRY_AFTER: "5"})
        case web.HTTPException():
            return ApiError(error.status, error.reason)
    for kind, status in REFUSALS.items():
        if isinstance(error, kind):
            return ApiError(status, str(error))
    structlog.get_logger().error("a request at the gate failed in a way nobody foresaw", exc_info=error)
    return ApiError(500, "The gate has a problem on its side.")
