"""Whether the broker lives, whether it can serve, and what a front proxy makes of requests."""

from __future__ import annotations

import asyncio
import json

from aiohttp import hdrs, web

from broker.access import Route
from broker.parts import PARTS, SENDER
from broker.views.base import store_answers

__all__ = ["BELOW", "ROUTES"]

PAUSE = 0.5
"""Seconds between the two parts of the deep answer: a front that buffers delivers them together."""


async def alive(request: web.Request) -> web.StreamResponse:
    """`/healthz`: the process answers; with `deep=1` it says what arrived here of the request."""
    if request.query.get("deep") == "1":
        return await _deep(request)
    return web.json_response({"status": "ok"})


async def _deep(request: web.Request) -> web.StreamResponse:
    """For whoever stands before the front: `fanlight check` compares this with what it sent."""
    seen = {
        "time": round(request.app[PARTS].clock() * 1000),
        "host": request.headers.get(hdrs.HOST, "")[:255],
        "scheme": request[SENDER].scheme,
        "address": request[SENDER].address,
        "forwarded": _forwarded(request),
        "upgrade": request.headers.get(hdrs.UPGRADE, "").lower() == "websocket",
    }
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
    await response.prepare(request)
    await response.write(json.dumps(seen)[:-1].encode())
    await asyncio.sleep(PAUSE)
    await response.write(b', "status": "ok"}')
    await response.write_eof()
    return response


def _forwarded(request: web.Request) -> str:
    """Whether forwarded headers came, and whether they were believed."""
    if not request.headers.getall("X-Forwarded-For", []):
        return "none"
    return "ignored" if request[SENDER].address == request.remote else "believed"


async def ready(request: web.Request) -> web.Response:
    """`/readyz`: proxyd and the store answer, and the broker is not draining."""
    parts = request.app[PARTS]
    checks = {"proxyd": await parts.gateway.reachable(), "store": await store_answers(parts.store)}
    checks["accepting"] = not parts.gateway.draining
    good = all(checks.values())
    return web.json_response(
        {"status": "ok" if good else "unavailable", **checks}, status=200 if good else 503
    )


ROUTES = (Route(hdrs.METH_GET, "/healthz", alive), Route(hdrs.METH_GET, "/readyz", ready))
BELOW = (Route(hdrs.METH_GET, "healthz", alive),)
"""Below the base path, where a front proxy passes requests on."""
