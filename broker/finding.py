"""Which connection is meant: one of the token's own, a tunnel that is to be joined, or a session that is known by a name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from broker.auth.base import Connection
    from broker.records import Records
    from broker.sessions import Session

__all__ = ["NO_CONNECTION", "find_connection", "own_connection"]

NO_CONNECTION = "This token opens no such connection."


async def find_connection(session: Session, records: Records, kind: str, identifier: str) -> Connection:
    """The connection to open.

    Args:
        session: whose.
        records: what runs.
        kind: `c` for a connection of the token's, `a` for one of its tunnels.
        identifier: of either.

    Raises:
        StatusError: there is none, or what it would join does not run (RESOURCE_NOT_FOUND).
    """
    if kind == "c":
        connection = own_connection(session, identifier)
        return await _followed(records, connection) if connection.follows else connection
    record = await records.find(identifier)
    if record is not None and record.session == session.token_hash:
        own = session.connections.get(record.connection)
        if own is not None:
            return replace(own, join=f"{record.daemon}{record.proxyd}")
    raise StatusError(Status.RESOURCE_NOT_FOUND, NO_CONNECTION)


async def _followed(records: Records, connection: Connection) -> Connection:
    """The connection as a way into the running session that it names."""
    record = await records.named(connection.follows)
    if record is not None and record.public == connection.follows:
        return replace(connection, join=f"{record.daemon}{record.proxyd}")
    raise StatusError(Status.RESOURCE_NOT_FOUND, "The session to join is not running.", Hop.SESSION)


def own_connection(session: Session, identifier: str) -> Connection:
    """A connection by its id, or by its id without the first two characters (sheet A.3).

    Raises:
        StatusError: the token opens no such one (RESOURCE_NOT_FOUND).
    """
    exact = session.connections.get(identifier)
    if exact is not None:
        return exact
    for candidate, connection in session.connections.items():
        if identifier and candidate[2:] == identifier:
            return connection
    raise StatusError(Status.RESOURCE_NOT_FOUND, NO_CONNECTION)
