"""Recordings of a person's own sessions: `api/session/data/.../history/connections/.../logs/...` (sheet 9.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from broker.access import Route, by_token
from broker.errors import not_found
from broker.parts import PARTS, SESSION

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ROUTES"]


async def recording(request: web.Request) -> web.FileResponse:
    """`history/connections/{identifier}/logs/{name}`: a recording, as its daemon wrote it."""
    path = await _find(request)
    if path is None:
        raise not_found("recording")
    headers = {
        hdrs.CONTENT_TYPE: "application/octet-stream",
        hdrs.CONTENT_DISPOSITION: "attachment",
        "Content-Security-Policy": "sandbox",
    }
    return web.FileResponse(path, headers=headers)


async def _find(request: web.Request) -> Path | None:
    session, parts = request[SESSION], request.app[PARTS]
    identifier, name = request.match_info["identifier"], request.match_info["name"]
    if request.match_info["source"] != session.source:
        return None
    for record in await parts.records.history_of(session):
        if record.identifier == identifier:
            found = await asyncio.to_thread(parts.recordings.of, record)
            return found[name][1] if name in found else None
    return None


ROUTES = (
    Route(
        hdrs.METH_GET,
        "api/session/data/{source}/history/connections/{identifier}/logs/{name}",
        recording,
        by_token,
    ),
)
