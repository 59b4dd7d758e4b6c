"""Who may: tokens, what each of them opens, and the tunnels that are open on it.

A session is sealed with a key made from its token, and found by the token's hash: the store alone opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from broker.auth.base import Connection
from broker.sealing import seal, unseal
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.auth.base import Grant
    from broker.store.base import Store
    from broker.tunnel import Tunnel

__all__ = ["Session", "Sessions", "TokenHash", "hashed"]

TokenHash = str
"""Names a session where its token must not appear: the SHA-256 of the token, in hexadecimal."""

_TOKEN = re.compile(r"[0-9A-F]{64}", re.ASCII)
CLOSED_LIVES = 3600.0
"""Seconds that it is known that a session was closed: other brokers with its tunnels see the difference to one lost."""
MAX_CONNECTIONS = 64
"""Connections that one session gathers."""


@dataclass(frozen=True)
class Session:
    """What one token stands for.

    Attributes:
        token_hash: names it.
        user: who it is.
        source: data source of its connections.
        connections: what it opens, by identifier.
        expires: Unix seconds after which it is void whatever happens, or None.
        operator: whether it may see and end what others do.
        key_id: the key that signed for it.
        sealed: as the store has it.
    """

    token_hash: TokenHash
    user: str
    source: str
    connections: dict[str, Connection] = field(repr=False)
    expires: float | None = None
    operator: bool = False
    key_id: str = ""
    sealed: bytes = field(default=b"", repr=False, compare=False)

    @property
    def sources(self) -> tuple[str, ...]:
        """Data sources that have something for this session; its own is the first."""
        others = {row.source for row in self.connections.values() if row.source} - {self.source}
        return (self.source, *sorted(others))

    def of(self, source: str) -> dict[str, Connection]:
        """The connections of a data source."""
        return {name: row for name, row in self.connections.items() if (row.source or self.source) == source}


def hashed(token: str) -> TokenHash:
    """The hash that names a token's session."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """Every session of the deployment, and the tunnels of this broker."""

    def __init__(self, store: Store, clock: Callable[[], float], timeout: float) -> None:
        """Begin with what the store holds.

        Args:
            store: where sessions are.
            clock: Unix seconds.
            timeout: seconds without activity after which a session is gone.
        """
        self._store = store
        self._clock = clock
        self._timeout = timeout
        self._touched: dict[TokenHash, float] = {}
        self._tunnels: dict[str, Tunnel] = {}

    # -- tokens ----------------------------------------------------------------------------------------------------

    async def open(self, grant: Grant) -> tuple[str, Session]:
        """Make a session of a grant; returns its token, which is kept nowhere else."""
        token = secrets.token_bytes(32).hex().upper()
        connections = {connection.identifier: connection for connection in grant.connections}
        session = Session(
            hashed(token), grant.user, grant.source, connections, grant.expires, grant.operator, grant.key_id
        )
        session = replace(session, sealed=_seal(token, session))
        await self._store.put(Kind.TOKEN, session.token_hash, session.sealed, self._deadline(session))
        return token, session

    async def find(self, token: str) -> Session | None:
        """The session of a token, which counts as activity; None where it is unknown or expired."""
        if not _TOKEN.fullmatch(token):
            return None
        sealed = await self._store.get(Kind.TOKEN, hashed(token))
        session = _unseal(token, sealed) if sealed is not None else None
        if sealed is not None and session is None:
            structlog.get_logger().warning("a record of a token is not ours", session=hashed(token))
        if session is None or (session.expires is not None and session.expires <= self._clock()):
            return None
        await self._touch(session)
        return session

    async def add(self, token: str, session: Session, grant: Grant) -> Session | None:
        """Let a session open what another grant of the same person gives; None where that does not fit together."""
        added = {connection.identifier: connection for connection in grant.connections}
        fits = (
            (session.user, session.source, session.operator, session.key_id)
            == (grant.user, grant.source, grant.operator, grant.key_id)
            and session.user
            and grant.expires == session.expires
        )
        return await self._gather(token, session, added) if fits else None

    async def gain(self, token: str, session: Session, shared: Connection) -> Session | None:
        """Let a session open what came through a link as well; None where it has too many, or is over."""
        return await self._gather(token, session, {shared.identifier: shared})

    async def _gather(self, token: str, session: Session, more: dict[str, Connection]) -> Session | None:
        """Let a session open more beside what it opens by now; None where it has too many or the same, or is over."""
        found: Session | None = session
        while found is not None:
            if len(found.connections) + len(more) > MAX_CONNECTIONS or more.keys() & found.connections.keys():
                return None
            grown = replace(found, connections={**found.connections, **more})
            grown = replace(grown, sealed=_seal(token, grown))
            until = self._deadline(grown)
            if await self._store.swap(Kind.TOKEN, found.token_hash, found.sealed, grown.sealed, until):
                return grown
            found = await self.find(token)  # another request was quicker
        return None

    async def close(self, token_hash: TokenHash) -> bool:
        """End a session and its tunnels; False where there was none."""
        self._end_tunnels(token_hash)
        self._touched.pop(token_hash, None)
        if await self._store.get(Kind.TOKEN, token_hash) is None:
            return False
        # the word about it first: who looks in between shall not take the session for lost, and bring it back
        await self._store.put(Kind.CLOSED, token_hash, b"", self._clock() + CLOSED_LIVES)
        return await self._store.delete(Kind.TOKEN, token_hash)

    def _deadline(self, session: Session) -> float:
        idle = self._clock() + self._timeout
        return idle if session.expires is None else min(idle, session.expires)

    async def _touch(self, session: Session) -> None:
        """Put the time-out off; written down only when a tenth of it has passed."""
        now = self._clock()
        if now - self._touched.get(session.token_hash, 0.0) > self._timeout / 10:
            self._touched[session.token_hash] = now
            await self._store.extend(Kind.TOKEN, session.token_hash, self._deadline(session))

    # -- tunnels ---------------------------------------------------------------------------------------------------

    def enter(self, tunnel: Tunnel) -> None:
        """A tunnel is open."""
        self._tunnels[tunnel.identifier] = tunnel

    def leave(self, tunnel: Tunnel) -> None:
        """A tunnel is closed."""
        self._tunnels.pop(tunnel.identifier, None)

    def tunnel(self, identifier: str) -> Tunnel | None:
        """An open tunnel of this broker."""
        return self._tunnels.get(identifier)

    def tunnels(self, token_hash: TokenHash | None = None) -> list[Tunnel]:
        """The open tunnels of this broker, or of one session."""
        return [
            tunnel
            for tunnel in self._tunnels.values()
            if token_hash is None or hmac.compare_digest(tunnel.session.token_hash, token_hash)
        ]

    async def look_after(self) -> None:
        """Keep sessions with open tunnels, and end tunnels whose session is gone; called at an interval.

        Raises:
            StoreError: it does not answer; sessions that have an end ended all the same.
        """
        looking = {tunnel.session.token_hash: tunnel.session for tunnel in self.tunnels()}
        now = self._clock()
        over = {name for name, row in looking.items() if row.expires is not None and row.expires <= now}
        for token_hash in over:
            self._end_tunnels(token_hash)
        for token_hash in looking.keys() - over:
            if not await self._extend(looking[token_hash]):
                self._end_tunnels(token_hash)
        horizon = self._clock() - self._timeout
        self._touched = {name: when for name, when in self._touched.items() if when > horizon}

    def _end_tunnels(self, token_hash: TokenHash) -> None:
        for tunnel in self.tunnels(token_hash):
            tunnel.end_session()

    async def _extend(self, session: Session) -> bool:
        """Let a session with open tunnels live on; False where somebody closed it. What the store lost it is given."""
        if await self._store.extend(Kind.TOKEN, session.token_hash, self._deadline(session)):
            return True
        if await self._store.get(Kind.CLOSED, session.token_hash) is not None:
            return False
        await self._store.put(Kind.TOKEN, session.token_hash, session.sealed, self._deadline(session))
        return True

    def __len__(self) -> int:
        return len(self._tunnels)


# -- sealing ---------------------------------------------------------------------------------------------------------


def _seal(token: str, session: Session) -> bytes:
    plain = {
        "user": session.user,
        "source": session.source,
        "expires": session.expires,
        "operator": session.operator,
        "key_id": session.key_id,
        "connections": [
            [
                row.identifier,
                row.name,
                row.protocol,
                dict(row.parameters),
                row.join,
                row.share,
                row.public,
                row.follows,
                row.source,
                row.until,
            ]
            for row in session.connections.values()
        ],
    }
    return seal("session", token, session.token_hash, json.dumps(plain).encode())


def _unseal(token: str, sealed: bytes) -> Session | None:
    """What was sealed; None for a forged or foreign record."""
    name = hashed(token)
    text = unseal("session", token, name, sealed)
    if text is None:
        return None
    try:
        plain = json.loads(text)
        rows = [Connection(*row) for row in plain["connections"]]
        connections = {row.identifier: row for row in rows}
        return Session(
            name,
            plain["user"],
            plain["source"],
            connections,
            plain["expires"],
            plain["operator"],
            plain.get("key_id", ""),
            sealed,
        )
    except (ValueError, KeyError, TypeError):
        return None
