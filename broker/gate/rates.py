"""How often somebody may ask: a bucket each, in memory. Pure."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Rates", "Seldom", "neighbourhood"]

MAX_KNOWN = 20_000
"""Askers that are remembered; beyond, those that asked longest ago begin anew."""
QUIET = 1.0
"""Seconds between two lines about too many requests."""
BURST = 20.0
"""Seconds of asking that may come at once."""


class Rates:
    """Counts askers."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        """Set the rate.

        Args:
            rate: how often a second; 0 is no limit.
            clock: monotonic seconds.
        """
        self._rate = rate
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, asker: str) -> float:
        """Count one; returns 0, or the seconds after which it may be asked again, and counts nothing then."""
        if not self._rate:
            return 0.0
        now, most = self._clock(), max(1.0, self._rate * BURST)
        left, at = self._known.pop(asker, (most, now))
        left = min(most, left + (now - at) * self._rate)
        granted = left >= 1
        self._known[asker] = (left - 1 if granted else left, now)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return 0.0 if granted else (1 - left) / self._rate


class Seldom:
    """Holds log lines about those who ask too often to one in a while: they shall not fill the disk."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin.

        Args:
            clock: monotonic seconds.
        """
        self._clock = clock
        self._quiet_until = float("-inf")
        self._kept = 0

    def say(self) -> int | None:
        """Whether a line is written now, and for how many that were kept back; None where it is kept back itself."""
        if self._clock() < self._quiet_until:
            self._kept += 1
            return None
        kept, self._kept = self._kept, 0
        self._quiet_until = self._clock() + QUIET
        return kept


def neighbourhood(address: str) -> str:
    """What counts as one address: of version 6 the network of 64 bits, which one machine may have to itself."""
    try:
        value = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if value.version == 4 else str(ipaddress.ip_network((value, 64), strict=False))
