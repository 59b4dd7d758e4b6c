"""`api/session/data/{source}/commands`: one command on several connections, told as it happens, a line of JSON each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import hdrs, web

from broker.access import Route, by_token
from broker.commands import parse_order, run_everywhere
from broker.errors import ApiError, not_found
from broker.parts import PARTS, SENDER, SESSION
from broker.views.base import read_body

__all__ = ["ROUTES"]

MAX_ORDER = 65536
LINES = "application/x-ndjson"
STILL_HERE = 10.0
"""Seconds between empty lines, for proxies that take silence for the end."""


async def run(request: web.Request) -> web.StreamResponse:
    """`POST commands`: run a command on connections of this token; who closes the connection stops it everywhere."""
    session = request[SESSION]
    if request.match_info["source"] not in session.sources:
        raise not_found("data source")
    try:
        order = parse_order(await read_body(request, MAX_ORDER))
    except ValueError as error:
        raise ApiError(400, str(error)) from None
    unknown = [one for one in order.connections if one not in session.of(request.match_info["source"])]
    if unknown:
        raise not_found("connection")
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: LINES, "X-Accel-Buffering": "no"})
    await response.prepare(request)
    turn = asyncio.Lock()

    async def write(line: bytes) -> None:
        async with turn:
            await response.write(line)

    async def tell(event: dict[str, Any]) -> None:
        await write(json.dumps(event, ensure_ascii=False).encode() + b"\n")

    async def keep_alive() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(STILL_HERE)
                await write(b"\n")

    gateway = request.app[PARTS].gateway
    alive = asyncio.create_task(keep_alive(), name="keep a command's answer alive")
    try:
        await run_everywhere(gateway, session, order, request[SENDER].address, tell)
        await response.write_eof()
    except* ConnectionError:  # whoever asked is gone, and every command was told to stop
        pass
    finally:
        alive.cancel()
    return response


ROUTES = (Route(hdrs.METH_POST, "api/session/data/{source}/commands", run, by_token),)
