"""Which instances belong together: the nodes of a service, the machines of a virtual router."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from broker.gate.records import Shelf
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from broker.store.base import Store

__all__ = ["MAX_MEMBERS", "Groups"]

MAX_MEMBERS = 500
"""Instances of one group that are known, the newest."""


class Groups:
    """The ids in each group."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._shelf = Shelf(store, clock, Kind.GROUP, _read, _written)

    async def members(self, group: str) -> list[str]:
        """Ids of a group, in the order in which they came."""
        return await self._shelf.find(group)

    async def move(self, identifier: str, had: Collection[str], now: Collection[str]) -> None:
        """Let an instance be in these groups, and no longer in those that it had."""
        for group in set(had) - set(now):
            await self._change(group, identifier, there=False)
        for group in now:
            await self._change(group, identifier, there=True)

    async def _change(self, group: str, identifier: str, *, there: bool) -> None:
        def changed(members: list[str]) -> list[str]:
            others = [row for row in members if row != identifier]
            return [*others, *([identifier] if there else [])][-MAX_MEMBERS:]

        before = await self.members(group)
        if (identifier in before) is not there:
            await self._shelf.change(group, changed)


def _read(value: bytes | None) -> list[str]:
    return list(json.loads(value)) if value is not None else []


def _written(members: list[str]) -> bytes:
    return json.dumps(members).encode()
