"""Who is kept out for a while: the longer, the more often they failed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.rows import read_row, written
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.store.base import Store

__all__ = ["Ban", "Bans", "retry_after"]

WINDOW = 600.0
"""Seconds without a failure after which earlier ones are forgotten."""
MAX_LISTED = 1000


@dataclass(frozen=True)
class Ban:
    """One ban.

    Attributes:
        subject: `address 192.0.2.9` or `user portal alice`.
        reason: of the last failure.
        failures: how many there were.
        until: Unix seconds.
    """

    subject: str
    reason: str
    failures: int
    until: float


class Bans:
    """Counts failures and bans; what it knows is in the store, shared by all brokers.

    Attributes:
        after: failures that are forgiven; 0 bans nobody.
        longest: seconds of the longest ban.
    """

    def __init__(self, store: Store, clock: Callable[[], float], after: int, longest: float) -> None:
        """Set the rules.

        Args:
            store: where counts and bans are.
            clock: Unix seconds.
            after: as in the attribute.
            longest: as in the attribute.
        """
        self._store = store
        self._clock = clock
        self.after = after
        self.longest = longest

    async def remaining(self, subject: str) -> float:
        """Seconds that the subject is still banned; 0 where it is not."""
        if not self.after:
            return 0.0
        record = await self._store.get(Kind.BAN, subject)
        ban = read_row(Ban, record) if record is not None else None
        return max(0.0, ban.until - self._clock()) if ban is not None else 0.0

    async def failed(self, subject: str, reason: str) -> None:
        """A request of the subject was refused: a second's ban for the first failure too many, then twice as long each."""
        if not self.after:
            return
        failures = await self._store.count(Kind.FAILURES, subject, self._clock() + WINDOW)
        excess = failures - self.after
        if excess > 0:
            seconds = min(2.0 ** min(excess - 1, 32), self.longest)
            ban = Ban(subject, reason, failures, self._clock() + seconds)
            await self._store.put(Kind.BAN, subject, written(ban), ban.until)

    async def newest(self) -> list[Ban]:
        """The bans in force, the last one first."""
        records = (await self._store.newest(Kind.BAN, MAX_LISTED)).values()
        return [ban for ban in (read_row(Ban, record) for record in records) if ban is not None]

    async def lift(self, subject: str) -> bool:
        """Forget a subject's ban and failures; False where it had no ban."""
        await self._store.delete(Kind.FAILURES, subject)
        return await self._store.delete(Kind.BAN, subject)


def retry_after(seconds: float) -> str:
    """The value of `Retry-After`."""
    return str(max(1, math.ceil(seconds)))
