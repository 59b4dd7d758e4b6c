"""What clients read of a session: `api/session/data/...` (sheet 9.2). Everything here is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from broker.access import Route, by_token
from broker.errors import denied, not_found
from broker.parts import PARTS, SESSION

if TYPE_CHECKING:
    from broker.auth.base import Connection
    from broker.sessions import Session

__all__ = ["ROUTES"]

ROOT = "ROOT"
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
    """The session, if the data source in the path is its own."""
    session = request[SESSION]
    if request.match_info["source"] != session.source:
        raise not_found("data source")
    return session


def _connection(request: web.Request) -> Connection:
    connection = _session(request).connections.get(request.match_info["identifier"])
    if connection is None:
        raise not_found("connection")
    return connection


def _open_tunnels(request: web.Request, identifier: str) -> int:
    tunnels = request.app[PARTS].sessions.tunnels(request[SESSION].token_hash)
    return sum(tunnel.connection.identifier == identifier for tunnel in tunnels)


def _described(request: web.Request, connection: Connection) -> dict[str, Any]:
    return {
        "name": connection.name,
        "identifier": connection.identifier,
        "parentIdentifier": ROOT,
        "protocol": connection.protocol,
        "attributes": {},
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
            "connectionPermissions": {identifier: ["READ"] for identifier in session.connections},
            "connectionGroupPermissions": {ROOT: ["READ"]},
            "userPermissions": {session.user: ["READ"]},
        }
    )


async def connections(request: web.Request) -> web.Response:
    """`connections`: by identifier."""
    rows = _session(request).connections
    return web.json_response({key: _described(request, row) for key, row in rows.items()})


async def connection(request: web.Request) -> web.Response:
    """`connections/{identifier}`."""
    return web.json_response(_described(request, _connection(request)))


async def parameters(request: web.Request) -> web.Response:
    """`connections/{identifier}/parameters`: they may hold secrets, so nobody reads them."""
    _connection(request)
    raise denied()


async def tree(request: web.Request) -> web.Response:
    """`connectionGroups/ROOT/tree`: the connections as a tree of one level."""
    rows = _session(request).connections
    return web.json_response(
        {
            **_root(),
            "childConnections": [_described(request, row) for row in rows.values()],
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
        "activeConnections": nothing_by_id,
    }
    prefix = "api/session/data/{source}/"
    return tuple(Route(hdrs.METH_GET, prefix + path, view, by_token) for path, view in views.items())


ROUTES = _rows()
