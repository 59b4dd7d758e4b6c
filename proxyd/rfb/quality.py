"""How good JPEG rectangles shall be: arithmetic on what was drawn and how far viewers lag; the caller brings the clock.

Little motion is shown well at once. Much motion is shown at a level that text survives, and what lags gets worse still,
step by step; what has come to rest is drawn exactly anyway (`proxyd.rfb.rest`).
"""

from __future__ import annotations

import math

__all__ = ["Quality"]

CALM, MOVING = 6, 3
"""Levels of RFB's coarse scale while little and while much is moving."""
MUCH, LITTLE = 200_000.0, 80_000.0
"""Bytes of JPEG a second above which much is moving, and below which it is little again."""
MEMORY = 0.5
"""Seconds in which the memory of bytes fades to 1/e."""
LATE, PROMPT = 0.15, 0.05
"""Lag in seconds above which the level falls, and below which it rises again."""
STILL = 0.4
"""Seconds without any JPEG after which nothing moves."""
FALL_EVERY, RISE_EVERY = 0.3, 1.0
"""Seconds between steps."""


class Quality:
    """The level to ask a server for."""

    def __init__(self, fixed: int | None = None) -> None:
        """Begin with the level of motion: the first picture is a large one.

        Args:
            fixed: the level where viewers keep up, instead of one that follows the motion.
        """
        self._fixed = fixed
        self._moving = True
        self._rate = MUCH
        self._steps = 0
        self._drew_at = self._stepped_at = -math.inf
        self._faded_at = 0.0

    def fix(self, level: int | None) -> None:
        """Keep to a level where viewers keep up; None follows the motion."""
        self._fixed = level

    def drew(self, size: int, now: float) -> None:
        """A frame held `size` bytes of JPEG."""
        self._fade(now)
        self._rate += size / MEMORY
        self._drew_at = now

    def moving(self, now: float) -> bool:
        """Whether much is moving."""
        self._fade(now)
        if self._rate > MUCH:
            self._moving = True
        elif self._rate < LITTLE:
            self._moving = False
        return self._moving and now - self._drew_at < STILL

    def level(self, lag: float, now: float) -> int:
        """The level for what is drawn next, 0 to 9.

        Args:
            lag: seconds that the slowest viewer is behind.
            now: seconds of any steady clock.
        """
        best = self._fixed if self._fixed is not None else MOVING if self.moving(now) else CALM
        since = now - self._stepped_at
        if lag > LATE and since >= FALL_EVERY and self._steps < best:
            self._steps += 1
            self._stepped_at = now
        elif lag < PROMPT and since >= RISE_EVERY and self._steps:
            self._steps -= 1
            self._stepped_at = now
        return max(best - self._steps, 0)

    def _fade(self, now: float) -> None:
        self._rate *= math.exp((self._faded_at - now) / MEMORY)
        self._faded_at = now
