"""Flow control of one viewer as arithmetic; the caller brings the clock.

A frame is in flight from `sent` until the browser has shown it and echoed its timestamp. How many may be in flight
follows the queueing delay: what an echo took beyond the shortest one seen lately. While echoes come back as fast as the
path allows, one more frame may overlap; when they linger, the next frame waits. So a long path keeps its frame rate and
a narrow one gets fewer, newer frames and no backlog (the idea of TCP Vegas, on frames).
"""

from __future__ import annotations

from collections import deque

__all__ = ["Pacer"]

MAX_IN_FLIGHT = 12
"""Frames; 12 at 30 a second cover a path of 400 ms."""
GROW_BELOW = 0.02
"""Seconds of queueing delay under which one more frame may overlap."""
SHRINK_ABOVE = 0.06
"""Seconds of queueing delay above which one frame less may."""
OVERLAP_BELOW = 0.35
"""Seconds an echo may take at most for frames to overlap: beyond, a second frame would show an old picture."""
BASELINE_WINDOW = 10.0
"""Seconds for which the shortest echo counts as the path's own delay."""


class Pacer:
    """What one viewer has been sent, and what it has shown. Times in seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._flight: deque[tuple[int, float]] = deque()
        self._window = 1.0
        self._baseline = float("inf")
        self._next_baseline = float("inf")
        self._baseline_until = 0.0
        self._last_delay = 0.0

    @property
    def in_flight(self) -> int:
        """Frames sent and not yet shown."""
        return len(self._flight)

    def sent(self, timestamp: int, now: float) -> None:
        """A frame that ends with `sync timestamp` was handed to the network."""
        self._flight.append((timestamp, now))

    def shown(self, timestamp: int, now: float) -> bool:
        """The viewer echoed `timestamp`. False where no frame in flight bears it (old echoes are normal)."""
        if not any(stamp == timestamp for stamp, _ in self._flight):
            return False
        while True:
            stamp, at = self._flight.popleft()
            if stamp == timestamp:
                break
        self._measure(now - at, now)
        return True

    def _measure(self, duration: float, now: float) -> None:
        if now >= self._baseline_until:  # two half-windows: an old minimum is forgotten, never the newest one
            self._baseline = self._next_baseline
            self._next_baseline = float("inf")
            self._baseline_until = now + BASELINE_WINDOW / 2
        self._next_baseline = min(self._next_baseline, duration)
        self._baseline = min(self._baseline, self._next_baseline)
        self._last_delay = duration - self._baseline
        if self._last_delay < GROW_BELOW and duration < OVERLAP_BELOW:
            self._window = min(self._window + 1 / self._window, MAX_IN_FLIGHT)
        elif self._last_delay > SHRINK_ABOVE:
            self._window = max(self._window / 2, 1.0)

    def lag(self, now: float) -> float:
        """Seconds the picture shown is behind, beyond the path's own delay."""
        if not self._flight:
            return 0.0
        return max(self._overdue(now), 0.0)

    def quality_delay(self, now: float) -> float:
        """Seconds of queueing delay to judge the link by: the last echo's, or what the oldest frame exceeds already."""
        return max(self._last_delay, self.lag(now))

    def ready(self, now: float) -> bool:
        """Whether another frame would be useful now."""
        if not self._flight:
            return True
        return len(self._flight) < int(self._window) and self._overdue(now) < SHRINK_ABOVE

    def _overdue(self, now: float) -> float:
        path_delay = 0.0 if self._baseline == float("inf") else self._baseline
        return now - self._flight[0][1] - path_delay
