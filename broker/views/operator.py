"""What an operator sees and does: the page `operator`, and `api/operator/...` behind it.

The interface speaks JSON; times are milliseconds since 1970.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import hdrs, web

from broker.access import Route, by_operator
from broker.errors import ApiError, not_found
from broker.pages import page
from broker.parts import PARTS, SESSION
from broker.views.base import COOKIE, read_body, store_answers

if TYPE_CHECKING:
    from broker.keeping import Kept
    from broker.records import Record
    from broker.sessions import Session

__all__ = ["ROUTES"]

HOUR = 3600.0
MAX_BODY = 4096
MAX_LINE = 200
"""Characters of what a person is shown."""
DEFAULT_REASON = "An operator ended this session."


async def by_operators_cookie(request: web.Request) -> Session | None:
    """Whose cookie or token the request for the page carries, if it is an operator's."""
    session = await request.app[PARTS].sessions.find(request.cookies.get(COOKIE, ""))
    return session if session is not None and session.operator else await by_operator(request)


async def operators_page(request: web.Request) -> web.Response:
    """`operator`: the page; its script asks for everything else with the operator's token."""
    return web.Response(text=page(request, "operator.html"), content_type="text/html")


async def status(request: web.Request) -> web.Response:
    """`status`: the numbers on top of the page, and whether all is well."""
    parts = request.app[PARTS]
    running = await parts.records.running()
    here = len(parts.sessions)
    await parts.gateway.fleet.look()
    recent = [row for row in parts.door.refusals if row.when > parts.clock() - HOUR]
    return web.json_response(
        {
            "versions": {name: version(name) for name in ("fanlight", "aiohttp")}
            | {"python": platform.python_version()},
            "sessions": len(running),
            "people": len({(row.user, row.source) for row in running}),
            "refusedInTheLastHour": len(recent),
            "proxyd": [
                {
                    "address": str(daemon.address),
                    "reachable": not daemon.misses,
                    "sessions": daemon.load.sessions if daemon.load is not None else here,
                    "room": daemon.load.room if daemon.load is not None else None,
                    "draining": daemon.load is not None and daemon.load.draining,
                    "workers": daemon.load.workers if daemon.load is not None else (),
                }
                for daemon in parts.gateway.fleet.daemons
            ],
            "store": await store_answers(parts.store),
            "draining": parts.gateway.draining,
            "keys": len(parts.ring),
            "bans": len(await parts.bans.newest()),
            "problems": [f"{file}: {reason}" for file, reason in parts.extensions.current.problems],
        }
    )


async def running(request: web.Request) -> web.Response:
    """`running`: who is connected to what since when, of every broker, and who is away; `contains` filters."""
    parts = request.app[PARTS]
    looked_at = [_shown(record) for record in await parts.records.running()]
    away = [_shown_away(kept) for kept in await parts.gateway.left_open()]
    return web.json_response(_matching(request, looked_at + away))


async def history(request: web.Request) -> web.Response:
    """`history`: what runs and what ran; `contains` filters."""
    rows = [_shown(record) for record in await request.app[PARTS].records.history()]
    return web.json_response(_matching(request, rows))


def _matching(request: web.Request, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of which every word of `contains` is part."""
    words = request.query.get("contains", "").lower().split()
    return [row for row in shown if all(word in " ".join(map(str, row.values())).lower() for word in words)]


def _shown(record: Record) -> dict[str, Any]:
    row = asdict(record)
    del row["session"], row["public"]
    row["reference"] = record.proxyd[1:5].upper()
    row["start"] = round(record.start * 1000)
    row["end"] = round(record.end * 1000) if record.end is not None else None
    row["away"] = None
    return row


def _shown_away(kept: Kept) -> dict[str, Any]:
    """A session that its owner may come back to, as a row beside those that are looked at; it can be ended alike."""
    names = ("user", "source", "connection", "name", "protocol", "target", "address", "proxyd", "daemon")
    return {
        **{name: getattr(kept, name) for name in names},
        "identifier": kept.proxyd.removeprefix("$"),
        "reference": kept.proxyd[1:5].upper(),
        "start": round(kept.created * 1000),
        "end": None,
        "status": "",
        "away": round((kept.detached or 0) * 1000),
    }


async def end(request: web.Request) -> web.Response:
    """`DELETE running/{identifier}`: end a session; the body may hold `{"reason": ...}`, which the person is shown."""
    identifier = request.match_info["identifier"]
    reason = _line(await read_body(request, MAX_BODY), "reason", DEFAULT_REASON)
    if not await request.app[PARTS].gateway.end(identifier, reason):
        raise not_found("running session")
    structlog.get_logger().warning(
        "ended by an operator", operator=request[SESSION].user, tunnel=identifier, reason=reason
    )
    return web.Response(status=204)


async def say(request: web.Request) -> web.Response:
    """`POST running/{identifier}/message`: show a person `{"text": ...}` while their session goes on."""
    identifier = request.match_info["identifier"]
    text = _line(await read_body(request, MAX_BODY), "text", "")
    if not await request.app[PARTS].gateway.say(identifier, text):
        raise not_found("running session")
    structlog.get_logger().info("told by an operator", operator=request[SESSION].user, tunnel=identifier)
    return web.Response(status=204)


def _line(body: bytes, name: str, default: str) -> str:
    """A line for a person, out of a JSON object."""
    try:
        given = json.loads(body or b"{}").get(name, default)
    except (ValueError, AttributeError, RecursionError):
        raise ApiError(400, "A JSON object is expected.") from None
    if not isinstance(given, str) or not given.isprintable() or not 0 < len(given) <= MAX_LINE:
        raise ApiError(400, f"{name} is a line of up to {MAX_LINE} characters.")
    return given


async def refusals(request: web.Request) -> web.Response:
    """`refusals`: the last requests that this broker refused, and why; the newest first."""
    rows = [row._asdict() | {"when": round(row.when * 1000)} for row in request.app[PARTS].door.refusals]
    return web.json_response(rows[::-1])


async def bans(request: web.Request) -> web.Response:
    """`bans`: who is kept out, why, and until when."""
    rows = await request.app[PARTS].bans.newest()
    return web.json_response([asdict(ban) | {"until": round(ban.until * 1000)} for ban in rows])


async def lift(request: web.Request) -> web.Response:
    """`DELETE bans/{subject}`: let somebody in again."""
    subject = request.match_info["subject"]
    if not await request.app[PARTS].bans.lift(subject):
        raise not_found("ban")
    structlog.get_logger().warning("ban lifted", operator=request[SESSION].user, subject=subject)
    return web.Response(status=204)


_VIEWS = (
    (hdrs.METH_GET, "status", status),
    (hdrs.METH_GET, "running", running),
    (hdrs.METH_DELETE, "running/{identifier}", end),
    (hdrs.METH_POST, "running/{identifier}/message", say),
    (hdrs.METH_GET, "history", history),
    (hdrs.METH_GET, "refusals", refusals),
    (hdrs.METH_GET, "bans", bans),
    (hdrs.METH_DELETE, "bans/{subject}", lift),
)

ROUTES = (
    Route(hdrs.METH_GET, "operator", operators_page, by_operators_cookie),
    *(Route(method, f"api/operator/{path}", view, by_operator) for method, path, view in _VIEWS),
)
