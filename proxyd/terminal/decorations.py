"""Lines under, through and over a cell, drawn so that they join with those of the next cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from proxyd.terminal.cells import Flag, Underline
from proxyd.terminal.drawn import INK, sampled, stroke

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from proxyd.terminal.drawn import Grid, Ink

__all__ = ["lines", "underline"]


def underline(kind: int, width: int, height: int, baseline: int) -> Ink:
    """The ink of an underline (SGR 4:n).

    Args:
        kind: an `Underline`.
        width: of the cell, pixels.
        height: of the cell, pixels.
        baseline: rows above the baseline.
    """
    return _UNDERLINES[Underline(kind)](width, height, baseline)


def lines(flags: int, width: int, height: int, baseline: int) -> Ink:
    """The ink of strike-through and overline, whichever of them is in `flags`."""
    ink = np.zeros((height, width), np.uint8)
    thin = stroke(height)
    if flags & Flag.STRIKE:
        top = round(baseline * 0.68)
        ink[top : top + thin] = INK
    if flags & Flag.OVERLINE:
        ink[:thin] = INK
    return ink


def _top(height: int, baseline: int, needed: int) -> int:
    """The first row of an underline: a gap below the baseline if there is room."""
    gap = max(1, stroke(height))
    return max(0, min(baseline + gap, height - needed))


def _none(width: int, height: int, baseline: int) -> Ink:
    return np.zeros((height, width), np.uint8)


def _single(width: int, height: int, baseline: int) -> Ink:
    ink = _none(width, height, baseline)
    thin = stroke(height)
    top = _top(height, baseline, thin)
    ink[top : top + thin] = INK
    return ink


def _double(width: int, height: int, baseline: int) -> Ink:
    ink = _none(width, height, baseline)
    thin = stroke(height)
    top = _top(height, baseline, 3 * thin)
    ink[top : top + thin] = ink[top + 2 * thin : top + 3 * thin] = INK
    return ink


def _curly(width: int, height: int, baseline: int) -> Ink:
    """One wave a cell."""
    thin = stroke(height)
    swing = min(1.5 * thin, (height - baseline - thin) / 2)
    middle = height - swing - thin / 2

    def inside(x: Grid, y: Grid) -> NDArray[np.bool_]:
        turn = 2 * np.pi / width
        wave = middle + swing * np.sin(x * turn)
        slope = swing * turn * np.cos(x * turn)
        return np.abs(y - wave) <= thin * np.hypot(1, slope) / 2

    return sampled(inside, width, height)


def _dotted(width: int, height: int, baseline: int) -> Ink:
    return _broken(width, height, baseline, max(1, round(width / (3 * stroke(height)))), 1 / 3)


def _dashed(width: int, height: int, baseline: int) -> Ink:
    return _broken(width, height, baseline, max(1, round(width / (6 * stroke(height)))), 0.6)


def _broken(width: int, height: int, baseline: int, count: int, part: float) -> Ink:
    """A single line, of which `part` is left in each of `count` equal pieces."""
    ink = _single(width, height, baseline)
    for piece in range(count):
        first, last = piece * width // count, (piece + 1) * width // count
        ink[:, first + max(1, round((last - first) * part)) : last] = 0
    return ink


_UNDERLINES: dict[Underline, Callable[[int, int, int], Ink]] = {
    Underline.NONE: _none,
    Underline.SINGLE: _single,
    Underline.DOUBLE: _double,
    Underline.CURLY: _curly,
    Underline.DOTTED: _dotted,
    Underline.DASHED: _dashed,
}
