"""Links that let another person watch or control a running session (sheet section 12).

A link's key is kept nowhere; the store has its hash, and what it joins, sealed with the key. Links die with the session that is shared, and
with them everybody who came through them. While the owner is away they lead nowhere: proxyd sees to that.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import structlog

from broker.auth.base import Connection, Grant
from broker.sealing import seal, unseal
from broker.store.base import Kind
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.sessions import Sessions
    from broker.store.base import Store
    from broker.tunnel import Tunnel

__all__ = ["PROFILES", "Link", "Share", "Sharing", "share_name"]

PROFILES = {"watch": "Watch", "control": "Control"}
"""Identifier and name of what a link permits."""
KEY_BYTES = 33
"""44 characters of URL-safe base64, as the original's keys have."""
MAX_SHARES = 32
"""Links of one tunnel."""
ENDED = "The person who shared this session ended it."


@dataclass(frozen=True)
class Share:
    """What one link joins.

    Attributes:
        proxyd: the connection's whole name: the daemon's address, and how the daemon calls it.
        user: who shares.
        source: the data source it comes from.
        name, protocol: of the connection.
        read_only: whether the link lets people watch only.
        expires: Unix seconds.
        uses: how often it may be used; 0 is as often as people like.
    """

    proxyd: str
    user: str
    source: str
    name: str
    protocol: str
    read_only: bool
    expires: float
    uses: int = 0


class Link(NamedTuple):
    """A link as its owner sees it later: all but the key, which is kept nowhere.

    Attributes:
        identifier: what it can be ended by.
        profile: what it permits.
        expires: Unix seconds.
        uses: how often it may be used; 0 is as often as people like.
    """

    identifier: str
    profile: str
    expires: float
    uses: int


class Sharing:
    """The links of all brokers on one store."""

    def __init__(self, store: Store, sessions: Sessions, clock: Callable[[], float]) -> None:
        """Begin with what the store holds.

        Args:
            store: where links are.
            sessions: the tunnels of this broker.
            clock: Unix seconds.
        """
        self._store = store
        self._sessions = sessions
        self._clock = clock

    async def share(
        self, tunnel: Tunnel, profile: str, seconds: float, uses: int = 0
    ) -> tuple[str, float] | None:
        """A new link to a tunnel's session: its key, and when it ends; None where it has too many.

        The key's `share_name` is what the link can be ended by.
        """
        if len(await self._found(tunnel)) >= MAX_SHARES:
            return None
        key = secrets.token_urlsafe(KEY_BYTES)
        share = Share(
            proxyd=f"{tunnel.daemon}{tunnel.connection_id}",
            user=tunnel.session.user,
            source=tunnel.session.source,
            name=tunnel.connection.name,
            protocol=tunnel.connection.protocol,
            read_only=profile == "watch",
            expires=self._clock() + seconds,
            uses=uses,
        )
        name = share_name(key)
        told = json.dumps([profile, share.expires, uses]).encode()
        await self._store.put(Kind.SHARED, f"{tunnel.connection_id}:{name}", told, share.expires)
        sealed = seal("share", key, name, json.dumps(asdict(share)).encode())
        await self._store.put(Kind.SHARE, name, sealed, share.expires)
        return key, share.expires

    async def redeem(self, key: str) -> Grant | None:
        """What a link gives to whoever has it; None for one that is unknown or over."""
        name = share_name(key)
        record = await self._store.get(Kind.SHARE, name)
        if record is None:
            return None
        plain = unseal("share", key, name, record)
        if plain is None:
            structlog.get_logger().warning("a record of a link is not ours", link=name)
            return None
        share = Share(**json.loads(plain))
        if share.uses and await self._store.count(Kind.USES, name, share.expires) > share.uses:
            return None
        connection = Connection(
            identifier=str(uuid.uuid4()),
            name=share.name,
            protocol=share.protocol,
            parameters={"read-only": "true" if share.read_only else "false"},
            join=share.proxyd,
            share=name,
            until=share.expires,
        )
        return Grant(
            source=f"{share.source.removesuffix('-shared')}-shared",
            user="",
            connections=(connection,),
            key_id="",
            nonce="",
            nonce_expires=0.0,
            expires=share.expires,
            subject=f"shared by {share.user}",
        )

    async def valid(self, name: str) -> bool:
        """Whether the link of this name still leads somewhere."""
        return await self._store.get(Kind.SHARE, name) is not None

    async def revoke(self, tunnel: Tunnel, only: str = "") -> int:
        """End every link of a tunnel, or the one of this name, and who came through; returns how many there were."""
        ended = set(await self._found(tunnel))
        if only:
            ended &= {only}
        for name in ended:
            await self._store.delete(Kind.SHARE, name)
            await self._store.delete(Kind.SHARED, f"{tunnel.connection_id}:{name}")
        self._dismiss(ended)
        return len(ended)

    async def links(self, tunnel: Tunnel) -> list[Link]:
        """The links that lead to a tunnel's session, the oldest first."""
        found = [_link(name, told) for name, told in (await self._found(tunnel)).items()]
        return [link for link in reversed(found) if link is not None]

    async def _found(self, tunnel: Tunnel) -> dict[str, bytes]:
        """What is told of each link to a tunnel's session, whichever tunnel gave it away, by its name."""
        if tunnel.connection.share:
            return {}  # who came through a link gave none away
        found = await self._store.newest(Kind.SHARED, MAX_SHARES, tunnel.connection_id)
        return {key.partition(":")[2]: value for key, value in found.items()}

    async def look_after(self) -> None:
        """End tunnels whose link is over or was ended elsewhere; called at an interval."""
        shares = {tunnel.connection.share for tunnel in self._sessions.tunnels()} - {""}
        self._dismiss({name for name in shares if not await self.valid(name)})

    def _dismiss(self, ended: set[str]) -> None:
        for tunnel in self._sessions.tunnels():
            if tunnel.connection.share in ended:
                tunnel.end(Status.SESSION_CLOSED, ENDED)


def _link(name: str, told: bytes) -> Link | None:
    try:
        profile, expires, uses = json.loads(told)
        return Link(name, str(profile), float(expires), int(uses))
    except (ValueError, TypeError):
        return None


def share_name(key: str) -> str:
    """The hash that names a link where its key must not appear."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
