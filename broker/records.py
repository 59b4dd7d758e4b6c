"""What runs and what ran: one record a tunnel, in the store, for people and operators to read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.commands import EXEC
from broker.rows import read_row, written
from broker.store.base import Kind
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from broker.sessions import Session
    from broker.store.base import Store
    from broker.tunnel import Tunnel

__all__ = ["Record", "Records"]

LIVES = 60.0
"""Seconds after which what a broker said of its running tunnels is void, should it not say it again."""
MAX_LISTED = 1000
"""Records of one answer; the original's limit as well."""
ORDER_LIVES = 300.0


@dataclass(frozen=True)
class Record:
    """One tunnel.

    Attributes:
        identifier: the tunnel's.
        session: hash of the token it was opened with; shown to nobody.
        user, source: whose it is.
        connection, name, protocol: what it shows.
        target: address of the instance.
        address: of the browser.
        proxyd: the daemon's name of the connection.
        daemon: the daemon's address, where there are several.
        public: the name under which others may join it; empty for most.
        start: Unix seconds.
        end: Unix seconds; None while it runs, or where its broker died.
        status: how it ended.
        command: what was run without a terminal; empty for a session.
        outcome: what became of that: `exit 0`, `timed-out`, `cancelled`.
    """

    identifier: str
    session: str
    user: str
    source: str
    connection: str
    name: str
    protocol: str
    target: str
    address: str
    proxyd: str
    start: float
    end: float | None = None
    status: str = ""
    daemon: str = ""
    public: str = ""
    command: str = ""
    outcome: str = ""

    @classmethod
    def of(cls, tunnel: Tunnel) -> Record:
        """The record of an open tunnel."""
        session, connection = tunnel.session, tunnel.connection
        return cls(
            tunnel.identifier,
            session.token_hash,
            session.user,
            session.source,
            connection.identifier,
            connection.name,
            connection.protocol,
            connection.parameters.get("hostname", ""),
            tunnel.address,
            tunnel.connection_id,
            tunnel.opened,
            daemon=tunnel.daemon,
            public=connection.public,
            command=connection.parameters.get("command", "") if connection.protocol == EXEC else "",
            outcome=tunnel.outcome,
        )

    @property
    def key(self) -> str:
        """What the history has it by: whose it is, a colon, the identifier."""
        return f"{_person(self.user, self.source, self.session)}:{self.identifier}"

    @property
    def public_key(self) -> str:
        """By what it is found under its public name: a hash of that, a colon, the identifier."""
        return f"{_hash(self.public)}:{self.identifier}"


def _person(user: str, source: str, token_hash: str) -> str:
    """Names a person in the store: anonymous ones have no past beyond their token."""
    return _hash(json.dumps([user, source])) if user else token_hash


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Records:
    """The records of all brokers on one store."""

    def __init__(self, store: Store, clock: Callable[[], float], keep: float) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
            keep: seconds that ended ones are kept.
        """
        self._store = store
        self._clock = clock
        self._keep = keep

    async def opened(self, tunnel: Tunnel) -> None:
        """A tunnel was opened."""
        record = Record.of(tunnel)
        await self._run(record)
        await self._remember(record)

    async def closed(self, tunnel: Tunnel) -> None:
        """A tunnel is over."""
        ended = replace(Record.of(tunnel), end=self._clock(), status=(tunnel.status or Status.SUCCESS).name)
        await self._store.delete(Kind.RUNNING, tunnel.identifier)
        if ended.public:
            await self._store.delete(Kind.PUBLIC, ended.public_key)
        await self._remember(ended)

    async def find(self, identifier: str) -> Record | None:
        """What runs under this name."""
        value = await self._store.get(Kind.RUNNING, identifier)
        return read_row(Record, value) if value is not None else None

    async def named(self, public: str) -> Record | None:
        """What runs and may be joined under this public name, opened last."""
        found = await self._store.newest(Kind.PUBLIC, 1, _hash(public))
        return next(iter(_read(found.values())), None)

    async def running(self) -> list[Record]:
        """What runs, the newest first."""
        return _read((await self._store.newest(Kind.RUNNING, MAX_LISTED)).values())

    async def history(self) -> list[Record]:
        """What runs and what ran, the last to change first."""
        return _read((await self._store.newest(Kind.HISTORY, MAX_LISTED)).values())

    async def history_of(self, session: Session) -> list[Record]:
        """What runs and what ran of one person, the last to change first."""
        whose = _person(session.user, session.source, session.token_hash)
        return _read((await self._store.newest(Kind.HISTORY, MAX_LISTED, whose)).values())

    # -- ending from afar --------------------------------------------------------------------------------------------

    async def order_end(self, identifier: str, reason: str) -> bool:
        """Have whichever broker it belongs to end a tunnel; False where none runs under that name."""
        if await self._store.get(Kind.RUNNING, identifier) is None:
            return False
        await self._store.put(Kind.ORDER, identifier, reason.encode(), self._clock() + ORDER_LIVES)
        await self._store.delete(Kind.RUNNING, identifier)
        return True

    async def orders(self, tunnels: Iterable[Tunnel]) -> list[tuple[Tunnel, str]]:
        """Say of our tunnels that they still run; returns those that shall end, each with the reason."""
        ending = []
        for tunnel in tunnels:
            if not await self._store.extend(Kind.RUNNING, tunnel.identifier, self._clock() + LIVES):
                reason = await self._store.get(Kind.ORDER, tunnel.identifier)
                if reason is not None:
                    ending.append((tunnel, reason.decode("utf-8", "replace")))
                elif tunnel.status is None:  # the store lost it, or it was void for a while
                    await self._run(Record.of(tunnel))
            elif tunnel.connection.public:
                key = Record.of(tunnel).public_key
                await self._store.extend(Kind.PUBLIC, key, self._clock() + LIVES)
        return ending

    # -- speaking from afar ------------------------------------------------------------------------------------------

    async def order_words(self, identifier: str, text: str) -> bool:
        """Have whichever broker it belongs to show a person a text; False where none runs under that name."""
        if await self._store.get(Kind.RUNNING, identifier) is None:
            return False
        await self._store.put(Kind.MESSAGE, identifier, text.encode(), self._clock() + ORDER_LIVES)
        return True

    async def words(self) -> dict[str, str]:
        """What waits to be told, by tunnel."""
        waiting = await self._store.newest(Kind.MESSAGE, MAX_LISTED)
        return {identifier: text.decode("utf-8", "replace") for identifier, text in waiting.items()}

    async def said(self, identifier: str) -> None:
        """It was told."""
        await self._store.delete(Kind.MESSAGE, identifier)

    async def _run(self, record: Record) -> None:
        value, until = written(record), self._clock() + LIVES
        await self._store.put(Kind.RUNNING, record.identifier, value, until)
        if record.public:
            await self._store.put(Kind.PUBLIC, record.public_key, value, until)

    async def _remember(self, record: Record) -> None:
        if self._keep:
            await self._store.put(Kind.HISTORY, record.key, written(record), self._clock() + self._keep)


def _read(values: Iterable[bytes]) -> list[Record]:
    rows = (read_row(Record, value) for value in values)
    return [row for row in rows if row is not None]
