"""What platforms say and ask of their instances: `api/instances`, each request signed by a key of the ring.

A key sees and touches what it described itself; another's is not there. Times are milliseconds since 1970.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import hdrs, web

from broker.access import Route, by_platform
from broker.auth.base import RefusedError
from broker.errors import ApiError, not_found
from broker.gate.instance import InstanceError
from broker.gate.permits import check_described
from broker.gate.shown import described, reported, shown_keys
from broker.parts import PARTS, PLATFORM
from broker.views.base import as_object, milliseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.gate.instance import Instance

    Handler = Callable[[web.Request], Awaitable[web.Response]]

__all__ = ["ROUTES"]

TIMES = frozenset({"created", "booted", "until", "since", "reported"})


def _answered(view: Handler) -> Handler:
    """A view whose refusals are noted, and whose errors are answered."""

    @functools.wraps(view)
    async def answered(request: web.Request) -> web.Response:
        try:
            return await view(request)
        except RefusedError as error:
            request.app[PARTS].door.refuse(request[PLATFORM], error)
            raise
        except InstanceError as error:
            if error.missing:
                raise not_found("instance") from None
            raise ApiError(409 if error.taken else 400, f"{error}.") from None

    return answered


@_answered
async def instances(request: web.Request) -> web.Response:
    """`api/instances`: those that this key described."""
    parts = request.app[PARTS]
    now = parts.clock()
    return web.json_response([_shown(row, now) for row in await parts.instances.all(_key(request))])


@_answered
async def add(request: web.Request) -> web.Response:
    """`POST api/instances`: describe an instance; the answer alone has its token."""
    parts = request.app[PARTS]
    given = as_object(request[PLATFORM].body)
    identifier = given.pop("id", "")
    if not isinstance(identifier, str):
        raise ApiError(400, "id is a text.")
    made, token = await parts.instances.add(
        given, identifier=identifier, key_id=_key(request), permit=_permit(request)
    )
    _log(request, "instance described", made.id)
    return web.json_response(_shown(made, parts.clock()) | {"token": token})


@_answered
async def instance(request: web.Request) -> web.Response:
    """`api/instances/{identifier}`: one of them."""
    return web.json_response(_shown(await _existing(request), request.app[PARTS].clock()))


@_answered
async def change(request: web.Request) -> web.Response:
    """`PATCH api/instances/{identifier}`: describe it anew; fields that are not given stay."""
    parts = request.app[PARTS]
    changed = await parts.instances.change(
        _id(request), as_object(request[PLATFORM].body), key_id=_key(request), permit=_permit(request)
    )
    _log(request, "instance described anew", changed.id)
    return web.json_response(_shown(changed, parts.clock()))


@_answered
async def remove(request: web.Request) -> web.Response:
    """`DELETE api/instances/{identifier}`: forget it and all that is known of it."""
    if not await request.app[PARTS].instances.remove(_id(request), _key(request)):
        raise not_found("instance")
    _log(request, "instance removed", _id(request))
    return web.Response(status=204)


@_answered
async def new_token(request: web.Request) -> web.Response:
    """`POST api/instances/{identifier}/tokens`: another token, after `{"overlap": seconds, "rebuilt": true}`."""
    given = as_object(request[PLATFORM].body)
    overlap, rebuilt = given.get("overlap", 0), given.get("rebuilt", False)
    if isinstance(overlap, bool) or not isinstance(overlap, int | float):
        raise ApiError(400, "overlap is a number of seconds.")
    if not isinstance(rebuilt, bool):
        raise ApiError(400, "rebuilt is true or false.")
    token = await request.app[PARTS].instances.new_token(
        _id(request), overlap=overlap, rebuilt=rebuilt, key_id=_key(request)
    )
    _log(request, "instance rebuilt" if rebuilt else "new token of an instance", _id(request))
    return web.json_response({"token": token})


@_answered
async def revoke(request: web.Request) -> web.Response:
    """`DELETE api/instances/{identifier}/tokens`: end all of its tokens."""
    await request.app[PARTS].instances.revoke(_id(request), _key(request))
    _log(request, "tokens of an instance revoked", _id(request))
    return web.Response(status=204)


@_answered
async def report(request: web.Request) -> web.Response:
    """`api/instances/{identifier}/report`: what it said last, in its own words, and its host keys."""
    parts = request.app[PARTS]
    found = await _existing(request)
    said = await parts.reports.find(found.id)
    keys = shown_keys(await parts.host_keys.find(found.id))
    shown = milliseconds(reported(said) | {"host_keys": keys}, TIMES)
    return web.json_response(shown | {"attributes": said.attributes})


def _key(request: web.Request) -> str:
    return request[PLATFORM].entry.key.key_id


def _id(request: web.Request) -> str:
    return request.match_info["identifier"]


async def _existing(request: web.Request) -> Instance:
    found = await request.app[PARTS].instances.find(_id(request), _key(request))
    if found is None:
        raise not_found("instance")
    return found


def _permit(request: web.Request) -> Callable[[Instance], None]:
    parts, limits = request.app[PARTS], request[PLATFORM].entry.limits
    return lambda row: check_described(row, limits, parts.door.rules.targets, parts.jumps)


def _shown(row: Instance, now: float) -> dict[str, Any]:
    shown: dict[str, Any] = milliseconds(described(row, now), TIMES)
    return shown


def _log(request: web.Request, event: str, identifier: str) -> None:
    structlog.get_logger().info(event, key_id=_key(request), instance=identifier)


ROUTES = tuple(
    Route(method, f"api/instances{path}", view, by_platform)
    for method, path, view in (
        (hdrs.METH_GET, "", instances),
        (hdrs.METH_POST, "", add),
        (hdrs.METH_GET, "/{identifier}", instance),
        (hdrs.METH_PATCH, "/{identifier}", change),
        (hdrs.METH_DELETE, "/{identifier}", remove),
        (hdrs.METH_POST, "/{identifier}/tokens", new_token),
        (hdrs.METH_DELETE, "/{identifier}/tokens", revoke),
        (hdrs.METH_GET, "/{identifier}/report", report),
    )
)
