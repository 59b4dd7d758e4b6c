"""Records of the gate that several brokers change at once: read, change, and write only over what was read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from broker.store.base import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from broker.store.base import Kind, Store

Item = TypeVar("Item")

__all__ = ["MAX_LISTED", "change", "forever", "paced", "read_all"]

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


async def read_all(store: Store, kind: Kind, read: Callable[[bytes], Item]) -> dict[str, Item]:
    """All records of a kind, by name, as `read` has them."""
    values = await store.newest(kind, MAX_LISTED)
    return {name: read(value) async for name, value in paced(values.items())}


async def change(
    store: Store, kind: Kind, key: str, work: Callable[[bytes | None], bytes], now: float
) -> bytes:
    """Change a record, or make it; returns what was written. What somebody else writes meanwhile is not lost.

    Args:
        store: where it is.
        kind: what sort of record.
        key: its name.
        work: gives the new value of an old one, None where there is none; may be called again. What it raises passes.
        now: Unix seconds.

    Raises:
        StoreError: the store does not answer, or others are quicker all the time.
    """
    for _ in range(TRIES):
        old = await store.get(kind, key)
        new = work(old)
        done = (
            await store.add(kind, key, new, forever(now))
            if old is None
            else await store.swap(kind, key, old, new, forever(now))
        )
        if done:
            return new
    raise StoreError("the store does not answer: too many changes of one record at once")
