"""What the broker remembers between requests, and across restarts: small records that expire."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

__all__ = ["GROUPED", "Kind", "Store", "StoreError"]


class Kind(Enum):
    """The kinds of record; each has keys of its own."""

    TOKEN = "token"  # noqa: S105 - a kind of record, not a secret
    """Who holds a token: sealed, under the token's hash."""
    CLOSED = "closed"
    """Sessions that were closed on purpose, by their token's hash."""
    NONCE = "nonce"
    """Signed requests that were redeemed: the replay store."""
    RUNNING = "running"
    """Connections that are open now."""
    PUBLIC = "public"
    """Those of them that others may join by a name; the key begins with a hash of it."""
    HISTORY = "history"
    """Connections that were open; the key begins with a hash of the person."""
    ORDER = "order"
    """Tunnels that an operator wants ended, with the reason."""
    MESSAGE = "message"
    """What operators tell people whose tunnels another broker has."""
    KEPT = "kept"
    """Sessions that outlive their tunnels; the key begins with a hash of the person."""
    SHARED = "shared"
    """Which links lead to a session; the key begins with the session's name."""
    USES = "uses"
    """How often a link was used: a counter each."""
    SHARE = "share"
    """Links that let another person join a running connection."""
    FAILURES = "failures"
    """Refused requests by address, user or key: a counter each."""
    BAN = "ban"
    """Addresses, users and keys that are kept out for a while."""
    NETWORK = "network"
    """Private networks with the keys of their connectors."""
    NETWORK_KEY = "network-key"
    """Keys for connectors that wait to be shown, once."""
    TURN = "turn"
    """Which connector of a network may restart into an update."""
    HELD = "held"
    """Which update failed at a connector, and is held back from its whole network."""
    CONNECTOR = "connector"
    """Connectors, those that are there and those that were; the key begins with the network."""
    INSTANCE = "instance"
    """Instances that the gate knows, with the hashes of their tokens."""
    PLACE = "place"
    """Which instance is at an address."""
    GROUP = "group"
    """Which instances belong to a service or to a virtual router."""
    REPORT = "report"
    """What instances say of themselves."""
    VNET = "vnet"
    """Virtual networks, as platforms describe them."""
    HOST_KEYS = "host-keys"
    """Pinned host keys of instances, and what else was shown."""
    ROTATION = "rotation"
    """Users' keys that are exchanged: who was served the new one."""


GROUPED = frozenset({Kind.PUBLIC, Kind.HISTORY, Kind.KEPT, Kind.SHARED, Kind.CONNECTOR})
"""Kinds whose keys are `group:rest`."""


class StoreError(Exception):
    """The store does not answer."""


class Store(Protocol):
    """Records by kind and key. Expiry is in Unix seconds; an expired record is as good as none.

    Every method raises `StoreError` where the store does not answer.
    """

    async def add(self, kind: Kind, key: str, value: bytes, expires: float) -> bool:
        """Put a record where none is; False if there was one. Atomic: of two callers one gets True."""

    async def put(self, kind: Kind, key: str, value: bytes, expires: float) -> None:
        """Put or replace a record."""

    async def swap(self, kind: Kind, key: str, old: bytes, new: bytes, expires: float) -> bool:
        """Put a record in the place of one that is still as it was read; False if it is another by now, or gone. Atomic."""

    async def get(self, kind: Kind, key: str) -> bytes | None:
        """The record's value."""

    async def extend(self, kind: Kind, key: str, expires: float) -> bool:
        """Let a record live until `expires`; False if there is none."""

    async def delete(self, kind: Kind, key: str) -> bool:
        """Remove a record; False if there was none."""

    async def count(self, kind: Kind, key: str, expires: float) -> int:
        """Add one to a counter, which begins at zero and lives until `expires`, and return it."""

    async def newest(self, kind: Kind, limit: int, group: str = "") -> dict[str, bytes]:
        """Records of a kind by key, the one that was put last first; of one group only, for kinds that have groups."""

    async def close(self) -> None:
        """Give back what was opened."""
