"""What an operator sees and does of instances: `api/operator/instances`. Times are milliseconds since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import hdrs, web

from broker.access import Route, by_operator
from broker.errors import ApiError, not_found
from broker.gate.host_keys import HostKeys
from broker.gate.instance import InstanceError
from broker.gate.records import paced
from broker.gate.reports import Report
from broker.gate.shown import described, legible, reported, shown_keys
from broker.parts import PARTS, SESSION
from broker.views.base import milliseconds, read_object

if TYPE_CHECKING:
    from broker.gate.instance import Instance

__all__ = ["ROUTES"]

MAX_BODY = 4096
MAX_ROWS = 200
"""Instances on the page at once; whoever looks for others filters."""
MAX_FINGERPRINTS = 16
TIMES = frozenset({"created", "booted", "until", "since", "reported"})


async def instances(request: web.Request) -> web.Response:
    """`instances`: where something is wrong first, then the newest; `contains` filters."""
    parts = request.app[PARTS]
    words = request.query.get("contains", "").lower().split()
    reports, keys = await parts.reports.all(), await parts.host_keys.all()
    rows = [
        _row(row, reports.get(row.id, Report()), keys.get(row.id, HostKeys()))
        async for row in paced(await parts.instances.all())
    ]
    found = [row for row in rows if all(word in _text(row) for word in words)]
    found.sort(key=lambda row: (not row["blocked"], not row["others"], not row["error"], -int(row["id"])))
    shown = milliseconds(found[:MAX_ROWS], TIMES)
    return web.json_response({"total": len(rows), "found": len(found), "rows": shown})


def _row(instance: Instance, report: Report, keys: HostKeys) -> dict[str, Any]:
    names = ("id", "name", "key_id", "owner", "addresses", "network")
    return {
        **{name: getattr(instance, name) for name in names},
        **reported(report),
        "pins": len(keys.pins),
        "others": len(keys.mismatches),
        "blocked": keys.blocked,
    }


def _text(row: dict[str, Any]) -> str:
    """What is looked through for words."""
    where = (*row["addresses"], row["network"], row["from"])
    said = (row["readiness"], row["agent"], row["error"], "changed" if row["blocked"] else "")
    return " ".join((row["id"], row["name"], row["key_id"], row["owner"], *where, *said)).lower()


async def instance(request: web.Request) -> web.Response:
    """`instances/{identifier}`: one, with what it said, a legible line each, and its host keys."""
    parts = request.app[PARTS]
    found = await parts.instances.find(request.match_info["identifier"])
    if found is None:
        raise not_found("instance")
    said = await parts.reports.find(found.id)
    keys = await parts.host_keys.find(found.id)
    shown = {"report": reported(said), "host_keys": shown_keys(keys)}
    whole = milliseconds(described(found, parts.clock()) | shown, TIMES)
    return web.json_response(whole | {"attributes": legible(said.attributes)})


async def decide(request: web.Request) -> web.Response:
    """`POST instances/{identifier}/host-keys`: `{"accept": [fingerprints]}` of keys it showed, or `{"dismiss": [...]}`."""
    parts = request.app[PARTS]
    given = await read_object(request, MAX_BODY)
    identifier = request.match_info["identifier"]
    (decision, fingerprints), *more = given.items() or {"": []}.items()
    if more or decision not in {"accept", "dismiss"} or not _texts(fingerprints):
        raise ApiError(400, "Either accept or dismiss is a list of fingerprints.")
    if await parts.instances.find(identifier) is None:
        raise not_found("instance")
    work = parts.host_keys.accept if decision == "accept" else parts.host_keys.dismiss
    keys = await work(identifier, fingerprints)
    _log(
        request,
        "host keys accepted" if decision == "accept" else "host keys dismissed",
        fingerprints=", ".join(fingerprints),
        blocked=keys.blocked,
    )
    return web.json_response(milliseconds(shown_keys(keys), TIMES))


def _texts(value: Any) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_FINGERPRINTS:
        return False
    return all(isinstance(row, str) and row.isascii() and row.isprintable() for row in value)


async def revoke(request: web.Request) -> web.Response:
    """`DELETE instances/{identifier}/tokens`: end all of its tokens."""
    try:
        await request.app[PARTS].instances.revoke(request.match_info["identifier"])
    except InstanceError:
        raise not_found("instance") from None
    _log(request, "tokens of an instance revoked")
    return web.Response(status=204)


async def remove(request: web.Request) -> web.Response:
    """`DELETE instances/{identifier}`: forget it and all that is known of it."""
    if not await request.app[PARTS].instances.remove(request.match_info["identifier"]):
        raise not_found("instance")
    _log(request, "instance removed")
    return web.Response(status=204)


def _log(request: web.Request, event: str, **facts: Any) -> None:
    structlog.get_logger().warning(
        event, operator=request[SESSION].user, instance=request.match_info["identifier"], **facts
    )


ROUTES = tuple(
    Route(method, f"api/operator/instances{path}", view, by_operator)
    for method, path, view in (
        (hdrs.METH_GET, "", instances),
        (hdrs.METH_GET, "/{identifier}", instance),
        (hdrs.METH_POST, "/{identifier}/host-keys", decide),
        (hdrs.METH_DELETE, "/{identifier}/tokens", revoke),
        (hdrs.METH_DELETE, "/{identifier}", remove),
    )
)
