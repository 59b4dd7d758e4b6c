"""Tight's gradient filter undone: each pixel was sent as its difference from left + above - above left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from proxyd.rfb.pixels import Layout

    Levels = NDArray[np.int32]

__all__ = ["restore"]

STRIP_ROWS = 256
"""Rows restored at once: more of them are quicker, fewer take less memory."""


def restore(data: bytes, width: int, height: int, layout: Layout) -> bytes:
    """R, G, B of the pixels whose differences are `data`."""
    maxima = np.array(layout.maxima, np.int32)
    differences = layout.levels(data).reshape(height, width, 3)
    levels = np.empty((height, width, 3), np.int32)
    above = np.zeros((width, 3), np.int32)
    for top in range(0, height, STRIP_ROWS):
        strip = slice(top, top + STRIP_ROWS)
        levels[strip] = _restore_strip(differences[strip], above, maxima)
        above = levels[strip][-1]
    return ((levels * 255 + maxima // 2) // maxima).astype(np.uint8).tobytes()


def _restore_strip(differences: Levels, above: Levels, maxima: Levels) -> Levels:
    """Levels of a strip of rows; `above` is the row before it, zeros before the first.

    A pixel needs three neighbours, none of them on its own anti-diagonal, so a whole diagonal is computed at once.
    Row d + 2 of `skewed` is the diagonal x + y = d; its column y + 1 is the pixel of row y. What was never written is 0,
    as everything outside of the rectangle is.
    """
    height, width, _ = differences.shape
    rows, columns = np.mgrid[:height, :width]
    diagonals = rows + columns
    deltas = np.zeros((width + height - 1, height, 3), np.int32)
    deltas[diagonals, rows] = differences
    skewed = np.zeros((width + height + 1, height + 1, 3), np.int32)
    skewed[1 : width + 1, 0] = above
    for d in range(width + height - 1):
        first, end = max(0, d - width + 1), min(height, d + 1)
        level = skewed[d + 2, first + 1 : end + 1]
        np.subtract(skewed[d + 1, first:end], skewed[d, first:end], out=level)
        level += skewed[d + 1, first + 1 : end + 1]
        np.maximum(level, 0, out=level)
        np.minimum(level, maxima, out=level)
        level += deltas[d, first:end]
        level &= maxima
    restored: Levels = skewed[diagonals + 2, rows + 1]
    return restored
