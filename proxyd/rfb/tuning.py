"""The picture's quality over a connection's life: the level while things move, and exact touch-ups of what rests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxyd.display.ops import Image, Size
from proxyd.rfb.quality import LATE, Quality
from proxyd.rfb.rest import REST, REST_AMID_MOTION, RestingAreas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.display.ops import Op, Rect

__all__ = ["Tuning"]


class Tuning:
    """Decides; the caller asks the server. Times are seconds of any steady clock.

    Attributes:
        level: JPEG level to ask for, 0 to 9; None asks for no JPEG, which is exact.
    """

    def __init__(self, *, lossless: bool, fixed: int | None = None) -> None:
        """Begin.

        Args:
            lossless: never ask for JPEG.
            fixed: a level instead of one that follows the motion.
        """
        self._lossless = lossless
        self._quality = Quality(fixed)
        self._areas = RestingAreas()
        self._touching: Rect | None = None
        self.level = None if lossless else self._quality.level(0.0, 0.0)

    def fix(self, level: int | None, lag: float, now: float) -> None:
        """Keep to a level from now on; None follows the motion."""
        self._quality.fix(level)
        if self._touching is None:
            self._resume(lag, now)

    def drew(self, ops: Sequence[Op], now: float) -> None:
        """Operations of a frame came."""
        if self._lossless:
            return
        for op in ops:
            if isinstance(op, Size):
                self._areas.resize(op.width, op.height)
        self._areas.drew(ops, now)
        size = sum(len(op.data) for op in ops if isinstance(op, Image) and op.mimetype == "image/jpeg")
        if size:
            self._quality.drew(size, now)

    def completed(self, lag: float, now: float) -> None:
        """The frame is complete; `level` is for the next one."""
        if self._touching is not None:
            # also where it came as JPEG again: this server cannot do better
            self._areas.exact(self._touching)
        self._resume(lag, now)

    def interrupted(self, lag: float, now: float) -> None:
        """More than the touch-up is wanted now."""
        if self._touching is not None:
            self._resume(lag, now)

    def due(self, now: float) -> float:
        """When the next touch-up may be due; infinite while there is nothing to touch up."""
        return math.inf if self._touching is not None else self._areas.due(self._patience(now))

    def touch_up(self, lag: float, now: float) -> Rect | None:
        """The region to ask for in full now, at `level`; None if there is none, or viewers have enough to do."""
        if self._touching is not None or lag > LATE:
            return None
        self._touching = self._areas.take(self._patience(now), now)
        if self._touching is not None:
            self.level = None
        return self._touching

    def _patience(self, now: float) -> float:
        return REST_AMID_MOTION if self._quality.moving(now) else REST

    def _resume(self, lag: float, now: float) -> None:
        self._touching = None
        if not self._lossless:
            self.level = self._quality.level(lag, now)
