"""Where the picture is only nearly right, and since when it rests there: what an exact touch-up shall cover next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from proxyd.display.ops import Copy, Fill, Image, Indexed, Pixels, Rect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from proxyd.display.ops import Op

__all__ = ["RestingAreas"]

TILE = 64
"""Pixels of a side: what is remembered is a grid, not pixels."""
REST, REST_AMID_MOTION = 0.7, 5.0
"""Seconds without a change after which an area rests; longer while much moves elsewhere: it may be drawn over again,
and exact pixels are dear."""
MAX_TILES = 64
"""Tiles of one touch-up: on a slow line the next keystroke's echo waits behind no more than that."""


class RestingAreas:
    """A grid over the picture; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self.resize(0, 0)

    def resize(self, width: int, height: int) -> None:
        """The picture has another size and will be drawn anew."""
        self._width, self._height = width, height
        shape = (-(-height // TILE), -(-width // TILE))
        self._inexact: NDArray[np.bool_] = np.zeros(shape, bool)
        self._changed: NDArray[np.float64] = np.zeros(shape)
        self._earliest = math.inf  # no inexact tile changed before

    def drew(self, ops: Iterable[Op], now: float) -> None:
        """Note what was drawn on layer 0."""
        for op in ops:
            if not isinstance(op, Fill | Copy | Image | Indexed | Pixels):
                continue
            tiles = _tiles(op.x, op.y, op.width, op.height)
            self._changed[tiles] = now
            if isinstance(op, Copy):
                source = _tiles(op.source_x, op.source_y, op.width, op.height)
                self._inexact[tiles] |= self._inexact[source].any()
                self._earliest = min(self._earliest, now)
            elif (isinstance(op, Image) and op.mimetype == "image/jpeg") or (
                isinstance(op, Pixels) and op.quality
            ):
                self._inexact[tiles] = True
                self._earliest = min(self._earliest, now)

    def exact(self, region: Rect) -> None:
        """This region was drawn exactly."""
        self._inexact[_tiles(*region)] = False

    def due(self, rest: float) -> float:
        """When the next area will have rested for `rest` seconds; infinite where everything is exact."""
        times = self._changed[self._inexact]
        return float(times.min()) + rest if times.size else math.inf

    def take(self, rest: float, now: float) -> Rect | None:
        """An area that has rested for `rest` seconds, to be drawn exactly; None if there is none."""
        if self._earliest > now - rest:
            return None
        resting: NDArray[np.bool_] = self._inexact & (self._changed <= now - rest)
        if not resting.any():
            self._earliest = self.due(0.0)
            return None
        top, left = (int(index) for index in np.unravel_index(resting.argmax(), resting.shape))
        columns = _run(resting[top : top + 1, left:].ravel(), MAX_TILES)
        rested_rows: NDArray[np.bool_] = np.all(resting[top:, left : left + columns], axis=1)
        rows = _run(rested_rows, max(MAX_TILES // columns, 1))
        x, y = left * TILE, top * TILE
        return Rect(x, y, min(columns * TILE, self._width - x), min(rows * TILE, self._height - y))


def _run(flags: NDArray[np.bool_], most: int) -> int:
    """How many are true from the first on, at most `most`."""
    flags = flags[:most]
    return len(flags) if flags.all() else int(flags.argmin())


def _tiles(x: int, y: int, width: int, height: int) -> tuple[slice, slice]:
    return slice(y // TILE, -(-(y + height) // TILE)), slice(x // TILE, -(-(x + width) // TILE))
