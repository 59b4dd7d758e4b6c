"""Whose session runs where, so that somebody who comes back finds theirs.

A record is a hint where to ask: the daemon compares the owner's word, which is made from what the token grants and
kept nowhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from broker.rows import read_row, written
from broker.store.base import Kind, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.auth.base import Connection
    from broker.sessions import Session
    from broker.store.base import Store

__all__ = ["Identity", "Keeping", "Kept", "gateway_owner", "identify"]

LOOKS = frozenset(
    {
        "autoretry", "color-depth", "color-scheme", "compress-level", "detach-timeout", "encodings", "font-name",
        "font-size", "locale", "quality-level", "scrollback", "server-alive-interval", "timeout", "timezone",
    }
)  # fmt: skip
"""Parameters that may differ between two links to one session; any other makes another session."""
SECRETS = re.compile(r"password|passphrase|private-key|secret")
"""Names of parameters that not even the name of a record is made from."""
GRACE = 90.0
"""Seconds that a record outlives what it speaks of: brokers say at an interval that a session is looked at."""
MAX_LISTED = 1000


class Identity(NamedTuple):
    """What makes two requests ask for one session.

    Attributes:
        key: names the record: a hash of the person, a colon, a hash of the connection.
        word: for the daemon: a hash of the same, secrets included.
    """

    key: str
    word: str

    @property
    def person(self) -> str:
        """The first part of the key."""
        return self.key.partition(":")[0]


def person(session: Session) -> str:
    """A hash of who it is: a user as one key signs for it; without a name, the token."""
    return (
        _hash("person", session.key_id, session.user) if session.user else _hash("token", session.token_hash)
    )


def gateway_owner(session: Session) -> str:
    """Whose logins at gateways a session uses: a name for operators to read, and a hash that nobody else has."""
    return f"{session.user}#{person(session)[:32]}"


def identify(session: Session, connection: Connection, name: str) -> Identity:
    """What this person's session to this connection is known by.

    Args:
        session: whose.
        connection: where to.
        name: of a session beside the first; usually empty.
    """
    who = person(session)
    rows = sorted((key, value) for key, value in connection.parameters.items() if key not in LOOKS)
    known = [row for row in rows if not SECRETS.search(row[0])]
    what = _hash("connection", connection.protocol, name, json.dumps(known))
    return Identity(f"{who}:{what}", _hash("owner", who, connection.protocol, name, json.dumps(rows)))


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(["fanlight", *parts]).encode()).hexdigest()


@dataclass(frozen=True)
class Kept:
    """One session that its owner may come back to.

    Attributes:
        key: see `Identity`.
        proxyd: the daemon's name of the connection.
        daemon: the daemon's address.
        session: hash of the token that was used last.
        user, source: whose it is.
        connection, name, protocol, target: what it shows.
        address: of the browser that looked last.
        seconds: how long it is kept.
        created: Unix seconds.
        detached: Unix seconds since when nobody looks; None while somebody does.
        over: the daemon has said that it ended.
        look: made anew whenever somebody comes to look: who leaves knows by it whether they were the last.
    """

    key: str
    proxyd: str
    daemon: str
    session: str
    user: str
    source: str
    connection: str
    name: str
    protocol: str
    target: str
    address: str
    seconds: int
    created: float
    detached: float | None = None
    over: bool = False
    look: str = ""

    @classmethod
    def begun(
        cls, identity: Identity, session: Session, connection: Connection, where: tuple[str, str], **more: Any
    ) -> Kept:
        """The record of a session that somebody has begun.

        Args:
            identity: what it is known by.
            session: whose it is.
            connection: what it shows.
            where: the daemon's address, and the daemon's name of the connection.
            more: `address`, `seconds` and `created`.
        """
        daemon, proxyd = where
        return cls(
            key=identity.key,
            proxyd=proxyd,
            daemon=daemon,
            session=session.token_hash,
            user=session.user,
            source=session.source,
            connection=connection.identifier,
            name=connection.name,
            protocol=connection.protocol,
            target=connection.parameters.get("hostname", ""),
            look=str(uuid.uuid4()),
            **more,
        )

    def seen_by(self, session: Session, connection: Connection) -> Kept:
        """The record of a session that somebody has come back to."""
        return replace(
            self,
            session=session.token_hash,
            connection=connection.identifier,
            detached=None,
            over=False,
            look=str(uuid.uuid4()),
        )


class Keeping:
    """The records of all brokers on one store. A store that does not answer costs nobody their session."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._store = store
        self._clock = clock

    async def find(self, key: str) -> Kept | None:
        """The record of this name."""
        try:
            value = await self._store.get(Kind.KEPT, key)
        except StoreError as error:
            structlog.get_logger().error("not looked up", reason=str(error))
            return None
        return read_row(Kept, value) if value is not None else None

    async def add(self, kept: Kept, earlier: Kept | None) -> bool:
        """Record a session in the place of the one that was found; False where another window was quicker."""
        row, until = written(kept), self._until(kept)
        try:
            if earlier is None:
                return await self._store.add(Kind.KEPT, kept.key, row, until)
            return await self._store.swap(Kind.KEPT, kept.key, written(earlier), row, until)
        except StoreError as error:
            structlog.get_logger().error("not recorded", reason=str(error))
            return True  # `looked_at` makes up for it

    async def put(self, kept: Kept) -> None:
        """Record a session."""
        try:
            await self._store.put(Kind.KEPT, kept.key, written(kept), self._until(kept))
        except StoreError as error:
            structlog.get_logger().error("not recorded", reason=str(error))

    async def looked_at(self, kept: Kept) -> None:
        """Somebody still looks: called at an interval for each that is open here; raises StoreError."""
        value = await self._store.get(Kind.KEPT, kept.key)
        record = read_row(Kept, value) if value is not None else None
        if record is None or (record.proxyd == kept.proxyd and record.detached is not None):
            await self.put(kept)  # the store lost it, or who came later, to another broker, has left before
        else:
            await self._store.extend(Kind.KEPT, kept.key, self._until(kept))

    async def left(self, kept: Kept, *, over: bool) -> bool:
        """The last window of this broker is closed; `over` if the session is.

        Returns:
            Whether nobody looks any more: False where somebody came to another broker meanwhile, as far as is known.
        """
        gone = replace(kept, detached=self._clock(), over=over)
        try:
            return await self._store.swap(
                Kind.KEPT, kept.key, written(kept), written(gone), self._until(gone)
            )
        except StoreError as error:
            structlog.get_logger().error("not recorded", reason=str(error))
            return False

    async def forget(self, kept: Kept) -> None:
        """The session is gone."""
        record = await self.find(kept.key)
        if record is not None and record.proxyd == kept.proxyd:
            await self._store.delete(Kind.KEPT, kept.key)

    async def of(self, who: str) -> list[Kept]:
        """One person's sessions, the last to change first; see `person`."""
        return _running(await self._store.newest(Kind.KEPT, MAX_LISTED, who))

    async def detached(self) -> list[Kept]:
        """Everybody's sessions that nobody looks at."""
        return [kept for kept in _running(await self._store.newest(Kind.KEPT, MAX_LISTED)) if kept.detached]

    def _until(self, kept: Kept) -> float:
        return (kept.detached or self._clock()) + kept.seconds + GRACE


def _running(records: dict[str, bytes]) -> list[Kept]:
    found = [read_row(Kept, value) for value in records.values()]
    return [kept for kept in found if kept is not None and not kept.over]
