"""Records of the gate that several brokers change at once: read, change, and write only over what was read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from broker.store.base import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from broker.store.base import Kind, Store

Item = TypeVar("Item")

__all__ = ["MAX_LISTED", "Shelf", "forever", "paced"]

MAX_LISTED = 10_000
"""Instances that are listed."""
BATCH = 64
"""Records after which everything else gets its turn."""
TRIES = 32
"""How often a change is begun anew because somebody else was quicker."""


def forever(now: float) -> float:
    """When a record expires that is there until it is removed."""
    return now + 50 * 365 * 86400.0


async def paced(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Thousands of them, without keeping sessions waiting meanwhile."""
    for number, item in enumerate(items, 1):
        if number % BATCH == 0:
            await asyncio.sleep(0)
        yield item


class Shelf(Generic[Item]):
    """The records of one kind, each there until it is removed."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        kind: Kind,
        read: Callable[[bytes | None], Item],
        write: Callable[[Item], bytes],
    ) -> None:
        """Say how they are kept.

        Args:
            store: where they are.
            clock: Unix seconds.
            kind: what sort of record.
            read: a record as it was written, None where there is none. What it raises passes.
            write: the reverse.
        """
        self._store = store
        self._clock = clock
        self._kind = kind
        self._read = read
        self._write = write

    async def find(self, key: str) -> Item:
        """The record of a name."""
        return self._read(await self._store.get(self._kind, key))

    async def all(self) -> dict[str, Item]:
        """All records, by name."""
        values = await self._store.newest(self._kind, MAX_LISTED)
        return {name: self._read(value) async for name, value in paced(values.items())}

    async def change(self, key: str, work: Callable[[Item], Item]) -> Item:
        """Change a record, or make it; returns it as it is now. What somebody else writes meanwhile is not lost.

        Args:
            key: its name.
            work: gives the new record of an old one; may be called again. What it raises passes.

        Raises:
            StoreError: the store does not answer, or others are quicker all the time.
        """
        for _ in range(TRIES):
            old = await self._store.get(self._kind, key)
            changed = work(self._read(old))
            new, until = self._write(changed), forever(self._clock())
            done = (
                await self._store.add(self._kind, key, new, until)
                if old is None
                else await self._store.swap(self._kind, key, old, new, until)
            )
            if done:
                return changed
        raise StoreError("the store does not answer: too many changes of one record at once")

    async def remove(self, key: str) -> None:
        """Forget a record."""
        await self._store.delete(self._kind, key)
