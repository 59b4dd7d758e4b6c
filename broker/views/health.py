"""Whether the broker lives, and whether it can serve."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from aiohttp import hdrs, web

from broker.access import Route
from broker.parts import PARTS
from broker.store.base import Kind, StoreError

__all__ = ["ROUTES"]


async def alive(_: web.Request) -> web.Response:
    """`/healthz`: the process answers."""
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """`/readyz`: proxyd and the store answer, and the broker is not draining."""
    parts = request.app[PARTS]
    checks = {"proxyd": await parts.gateway.reachable(), "store": await _store_answers(request)}
    checks["accepting"] = not parts.gateway.draining
    good = all(checks.values())
    return web.json_response(
        {"status": "ok" if good else "unavailable", **checks}, status=200 if good else 503
    )


async def _store_answers(request: web.Request) -> bool:
    with contextlib.suppress(StoreError, TimeoutError):
        async with asyncio.timeout(2):
            await request.app[PARTS].store.get(Kind.TOKEN, secrets.token_hex(8))
            return True
    return False


ROUTES = (Route(hdrs.METH_GET, "/healthz", alive), Route(hdrs.METH_GET, "/readyz", ready))
