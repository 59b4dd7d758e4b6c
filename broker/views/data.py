"""What clients read of a session: `api/session/data/...` (sheet 9.2). All they can change is to end what they run."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from broker.access import Route, by_token
from broker.errors import ApiError, denied, not_found
from broker.parts import PARTS, SESSION
from broker.views.base import read_body

if TYPE_CHECKING:
    from broker.auth.base import Connection
    from broker.recordings import Recordings
    from broker.records import Record
    from broker.sessions import Session

__all__ = ["ROUTES"]

ROOT = "ROOT"
MAX_PATCH = 65536
ENDED = "You ended this session from elsewhere."
EMPTY_PERMISSIONS: dict[str, Any] = {
    "connectionPermissions": {},
    "connectionGroupPermissions": {},
    "sharingProfilePermissions": {},
    "activeConnectionPermissions": {},
    "userPermissions": {},
    "userGroupPermissions": {},
    "systemPermissions": [],
}


def _session(request: web.Request) -> Session:
    """The session, if the data source in the path is one of its own."""
    session = request[SESSION]
    if request.match_info["source"] not in session.sources:
        raise not_found("data source")
    return session


def _connections(request: web.Request) -> dict[str, Connection]:
    """The connections of the data source in the path."""
    return _session(request).of(request.match_info["source"])


def _connection(request: web.Request) -> Connection:
    connection = _connections(request).get(request.match_info["identifier"])
    if connection is None:
        raise not_found("connection")
    return connection


def _open_tunnels(request: web.Request, identifier: str) -> int:
    tunnels = request.app[PARTS].sessions.tunnels(request[SESSION].token_hash)
    return sum(tunnel.connection.identifier == identifier for tunnel in tunnels)


async def _described(request: web.Request, connection: Connection) -> dict[str, Any]:
    read_only = {"read-only": "true"} if connection.parameters.get("read-only") == "true" else {}
    shared = connection.share or connection.join or connection.follows  # it runs already
    introductions = request.app[PARTS].introductions
    state = {} if shared else await introductions.state(request[SESSION].key_id, connection)
    return {
        "name": connection.name,
        "identifier": connection.identifier,
        "parentIdentifier": ROOT,
        "protocol": connection.protocol,
        "attributes": read_only | state,
        "activeConnections": _open_tunnels(request, connection.identifier),
    }


async def itself(request: web.Request) -> web.Response:
    """`self`: who one is."""
    session = _session(request)
    return web.json_response({"username": session.user, "disabled": False, "attributes": {}})


async def permissions(request: web.Request) -> web.Response:
    """`self/permissions` and `self/effectivePermissions`."""
    session = _session(request)
    return web.json_response(
        {
            **EMPTY_PERMISSIONS,
            "connectionPermissions": {identifier: ["READ"] for identifier in _connections(request)},
            "connectionGroupPermissions": {ROOT: ["READ"]},
            "userPermissions": {session.user: ["READ"]},
        }
    )


async def connections(request: web.Request) -> web.Response:
    """`connections`: by identifier."""
    rows = _connections(request)
    return web.json_response({key: await _described(request, row) for key, row in rows.items()})


async def connection(request: web.Request) -> web.Response:
    """`connections/{identifier}`."""
    return web.json_response(await _described(request, _connection(request)))


async def parameters(request: web.Request) -> web.Response:
    """`connections/{identifier}/parameters`: they may hold secrets, so nobody reads them."""
    _connection(request)
    raise denied()


async def tree(request: web.Request) -> web.Response:
    """`connectionGroups/ROOT/tree`: the connections as a tree of one level."""
    rows = _connections(request)
    return web.json_response(
        {
            **_root(),
            "childConnections": [await _described(request, row) for row in rows.values()],
            "childConnectionGroups": [],
        }
    )


async def group(request: web.Request) -> web.Response:
    """`connectionGroups/ROOT`."""
    _session(request)
    return web.json_response(_root())


def _root() -> dict[str, Any]:
    return {
        "name": ROOT,
        "identifier": ROOT,
        "type": "ORGANIZATIONAL",
        "activeConnections": 0,
        "attributes": {},
    }


async def nothing_by_id(request: web.Request) -> web.Response:
    """A directory that our data sources do not have: an empty map."""
    _session(request)
    return web.json_response({})


async def nothing_listed(request: web.Request) -> web.Response:
    """A list that our data sources do not have."""
    _session(request)
    return web.json_response([])


async def nothing_of_a_connection(request: web.Request) -> web.Response:
    """Sharing profiles of a connection: none."""
    _connection(request)
    return web.json_response({})


# -- what runs and what ran ------------------------------------------------------------------------------------------


async def active(request: web.Request) -> web.Response:
    """`activeConnections`: the tunnels of this token, of every broker."""
    session = _session(request)
    running = await request.app[PARTS].records.running()
    return web.json_response(
        {
            record.identifier: {
                "identifier": record.identifier,
                "connectionIdentifier": record.connection,
                "startDate": round(record.start * 1000),
                "remoteHost": record.address,
                "username": record.user,
                "connectable": True,
            }
            for record in running
            if record.session == session.token_hash
        }
    )


async def end(request: web.Request) -> web.Response:
    """`PATCH activeConnections`: `[{"op": "remove", "path": "/<identifier>"}]` ends tunnels of this token."""
    session = _session(request)
    parts = request.app[PARTS]
    for identifier in _removals(await read_body(request, MAX_PATCH)):
        record = await parts.records.find(identifier)
        if record is None or record.session != session.token_hash:
            raise not_found("active connection")
        await parts.gateway.end(identifier, ENDED)
    return web.Response(status=204)


def _removals(body: bytes) -> list[str]:
    """The identifiers that a JSON patch removes."""
    try:
        operations = [(row["op"], row["path"]) for row in json.loads(body)]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ApiError(400, "A JSON patch is expected.") from None
    if any(op != "remove" or not isinstance(path, str) or path[:1] != "/" for op, path in operations):
        raise ApiError(400, "Active connections can be removed, nothing else.")
    return [path[1:] for _, path in operations]


async def history(request: web.Request) -> web.Response:
    """`history/connections`: what this person opened from this data source, `contains` and `order` as asked."""
    session = _session(request)
    records = await request.app[PARTS].records.history_of(session)
    words = request.query.getall("contains", [])
    matching = [
        row for row in records if all(word in f"{row.user} {row.name} {row.address}" for word in words)
    ]
    oldest_first = request.query.get("order", "-startDate") == "startDate"
    matching.sort(key=lambda row: row.start, reverse=not oldest_first)
    return await _told(request, matching)


async def history_of(request: web.Request) -> web.Response:
    """`connections/{identifier}/history`."""
    session, identifier = _session(request), _connection(request).identifier
    records = await request.app[PARTS].records.history_of(session)
    return await _told(request, [row for row in records if row.connection == identifier])


async def _told(request: web.Request, records: list[Record]) -> web.Response:
    """Records as clients read them, with what was recorded."""
    recordings = request.app[PARTS].recordings

    def tell() -> list[dict[str, Any]]:
        return [_past(record, recordings) for record in records]

    return web.json_response(await asyncio.to_thread(tell) if recordings.offered else tell())


def _past(record: Record, recordings: Recordings) -> dict[str, Any]:
    return {
        "identifier": record.identifier,
        "uuid": record.identifier,
        "connectionIdentifier": record.connection,
        "connectionName": record.name,
        "sharingProfileIdentifier": None,
        "sharingProfileName": None,
        "startDate": round(record.start * 1000),
        "endDate": round(record.end * 1000) if record.end is not None else None,
        "remoteHost": record.address,
        "username": record.user,
        "active": record.end is None,
        "attributes": {},
        "logs": {
            name: {"type": kind, "description": None} for name, (kind, _) in recordings.of(record).items()
        },
    }


def _rows() -> tuple[Route, ...]:
    views = {
        "self": itself,
        "self/permissions": permissions,
        "self/effectivePermissions": permissions,
        "connections": connections,
        "connections/{identifier}": connection,
        "connections/{identifier}/parameters": parameters,
        "connections/{identifier}/sharingProfiles": nothing_of_a_connection,
        "connectionGroups/ROOT": group,
        "connectionGroups/ROOT/tree": tree,
        "users": nothing_by_id,
        "userGroups": nothing_by_id,
        "sharingProfiles": nothing_by_id,
        "schema/userAttributes": nothing_listed,
        "schema/userGroupAttributes": nothing_listed,
        "schema/connectionAttributes": nothing_listed,
        "schema/connectionGroupAttributes": nothing_listed,
        "schema/sharingProfileAttributes": nothing_listed,
        "schema/protocols": nothing_by_id,
        "activeConnections": active,
        "connections/{identifier}/history": history_of,
        "history/connections": history,
        "history/users": nothing_listed,
    }
    prefix = "api/session/data/{source}/"
    return (
        *(Route(hdrs.METH_GET, prefix + path, view, by_token) for path, view in views.items()),
        Route(hdrs.METH_PATCH, f"{prefix}activeConnections", end, by_token),
    )


ROUTES = _rows()
