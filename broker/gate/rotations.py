"""While a user's key is exchanged for another: which instances were served the new one, and where it was installed by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from broker.gate.records import Shelf
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from broker.store.base import Store

__all__ = ["Rotation", "Rotations"]

MAX_HOSTS = 1000


@dataclass(frozen=True)
class Rotation:
    """What is known of one new key.

    Attributes:
        key: the base64 of its public half.
        served: Unix seconds at which an instance was first served it, by the instance's id.
        hosts: where it was installed by hand, as `user@host`, each with the machines on the way.
    """

    key: str = ""
    served: Mapping[str, float] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Rotations:
    """Those of all users."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._clock = clock
        self._shelf = Shelf(store, clock, Kind.ROTATION, _read, _written)

    async def find(self, user: str, public: str) -> Rotation:
        """What is known of a user's new key; of another one nothing is.

        Args:
            user: whose.
            public: the new key as `TYPE BASE64`, with or without more.
        """
        return _of(await self._shelf.find(user), _key(public))

    async def note_served(self, user: str, lines: Sequence[str], identifier: str) -> None:
        """Remember that an instance was served these lines; writes only the first time for a new key.

        Args:
            user: a login.
            lines: what `authorized_lines` gave: a second one is the new key.
            identifier: the instance's.
        """
        if len(lines) < 2:
            return
        key = lines[-1].split(" ")[-2]  # a login, which stands behind it, has no blanks
        if identifier not in _of(await self._shelf.find(user), key).served:
            now = self._clock()
            await self._change(user, key, lambda row: replace(row, served={identifier: now, **row.served}))

    async def note_installed(self, user: str, public: str, host: str, via: Sequence[str]) -> None:
        """Remember that the new key was installed on a host, so that the old one can be removed there.

        Args:
            user: whose.
            public: the new key.
            host: as it was typed.
            via: the machines on the way.
        """

        def more(row: Rotation) -> Rotation:
            return replace(row, hosts=dict([*row.hosts.items(), (host, tuple(via))][-MAX_HOSTS:]))

        await self._change(user, _key(public), more)

    async def note_removed(self, user: str, public: str, host: str) -> None:
        """Forget a host: the old key is no longer there."""
        await self._change(
            user,
            _key(public),
            lambda row: replace(row, hosts={name: via for name, via in row.hosts.items() if name != host}),
        )

    async def end(self, user: str) -> None:
        """Forget what is known: the new key is the key."""
        await self._shelf.remove(user)

    async def _change(self, user: str, key: str, work: Callable[[Rotation], Rotation]) -> None:
        await self._shelf.change(user, lambda row: work(_of(row, key)))


def _key(public: str) -> str:
    return public.split(" ")[1]


def _of(row: Rotation, key: str) -> Rotation:
    """What a record says of a key; one of an earlier key says nothing."""
    return row if row.key == key else Rotation(key)


def _read(value: bytes | None) -> Rotation:
    if value is None:
        return Rotation()
    row = json.loads(value)
    return Rotation(row["key"], row["served"], {host: tuple(via) for host, via in row["hosts"].items()})


def _written(rotation: Rotation) -> bytes:
    return json.dumps(asdict(rotation)).encode()
