"""Characters drawn by geometry, not by a font, so that they join: lines, blocks, Braille, Powerline, sextants.

Every function gives the ink of one cell: an array of (height, width) bytes, 0 paper to 255 ink. What must meet a
neighbour ends exactly at the cell's edge, at a place that depends on nothing but the cell's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Ink: TypeAlias = NDArray[np.uint8]
    Grid: TypeAlias = NDArray[np.float64]
    Shape: TypeAlias = Callable[[Grid, Grid], NDArray[np.bool_]]

__all__ = ["INK", "draw", "sampled", "stroke"]

INK = 255
SAMPLES = 8
"""Samples a pixel in each direction, for what is round or slanted."""

UP, RIGHT, DOWN, LEFT = range(4)
LIGHT, HEAVY, DOUBLE = 1, 2, 3


def draw(character: str, width: int, height: int) -> Ink | None:
    """The ink of a character that is drawn by geometry; None for all others.

    Args:
        character: one code point.
        width: of the cell, pixels.
        height: of the cell, pixels.
    """
    point = ord(character)
    for first, last, drawer in _BLOCKS:
        if first <= point <= last:
            return drawer(point, width, height)
    return None


def stroke(height: int) -> int:
    """The thickness of a light line in a cell of this height, pixels."""
    return max(1, round(height / 17))


# -- lines (U+2500 to U+257F) ------------------------------------------------------------------------------------------

_ARMS = """
0101 0202 1010 2020 ---- ---- ---- ---- ---- ---- ---- ---- 0110 0210 0120 0220
0011 0012 0021 0022 1100 1200 2100 2200 1001 1002 2001 2002 1110 1210 2110 1120
2120 2210 1220 2220 1011 1012 2011 1021 2021 2012 1022 2022 0111 0112 0211 0212
0121 0122 0221 0222 1101 1102 1201 1202 2101 2102 2201 2202 1111 1112 1211 1212
2111 1121 2121 2112 2211 1122 1221 2212 1222 2122 2221 2222 ---- ---- ---- ----
0303 3030 0310 0130 0330 0013 0031 0033 1300 3100 3300 1003 3001 3003 1310 3130
3330 1013 3031 3033 0313 0131 0333 1303 3101 3303 1313 3131 3333 ---- ---- ----
---- ---- ---- ---- 0001 1000 0100 0010 0002 2000 0200 0020 0201 1020 0102 2010
""".split()  # noqa: SIM905 - a table
"""From U+2500: the arms up, right, down, left; 0 none, 1 light, 2 heavy, 3 double; ---- is drawn otherwise."""

_DASHES = {
    0x2504: (3, LIGHT, False), 0x2505: (3, HEAVY, False), 0x2506: (3, LIGHT, True), 0x2507: (3, HEAVY, True),
    0x2508: (4, LIGHT, False), 0x2509: (4, HEAVY, False), 0x250A: (4, LIGHT, True), 0x250B: (4, HEAVY, True),
    0x254C: (2, LIGHT, False), 0x254D: (2, HEAVY, False), 0x254E: (2, LIGHT, True), 0x254F: (2, HEAVY, True),
}  # fmt: skip
"""Dashes in a cell, weight, upright."""

_ARCS = {0x256D: (1, 1), 0x256E: (-1, 1), 0x256F: (-1, -1), 0x2570: (1, -1)}
"""Where the two ends of an arc are: right or left, down or up."""


def _line(point: int, width: int, height: int) -> Ink:
    arms = _ARMS[point - 0x2500]
    if arms != "----":
        return _arms([int(weight) for weight in arms], width, height)
    if point in _DASHES:
        return _dashes(*_DASHES[point], width, height)
    if point in _ARCS:
        return _arc(*_ARCS[point], width, height)
    return _diagonals(point != 0x2572, point != 0x2571, width, height)


class _Axis:
    """Where lines that run along the other axis lie on this one.

    Attributes:
        length: of the cell along this axis.
        light, heavy: (from, to) of a single line.
        double: (from, to) of a double line with its gap; the gap is where the light line would be.
    """

    def __init__(self, length: int, thin: int) -> None:
        thick = 2 * thin + thin % 2  # as even or odd as the thin one: both have the same middle
        start, heavy = (length - thin) // 2, (length - thin) // 2 - (thick - thin) // 2
        self.length = length
        self.light = (start, start + thin)
        self.heavy = (heavy, heavy + thick)
        self.double = (start - thin, start + 2 * thin)

    def span(self, weight: int) -> tuple[int, int]:
        """(from, to) of a line of this weight."""
        return (self.light, self.light, self.heavy, self.double)[weight]


def _arms(weights: list[int], width: int, height: int) -> Ink:
    thin = stroke(height)
    axes = (_Axis(width, thin), _Axis(height, thin))
    ink = np.zeros((height, width), bool)
    gap = np.zeros((height, width), bool)
    for arm, weight in enumerate(weights):
        if weight == DOUBLE:
            meets = DOUBLE in _crossing(arm, weights)
            _extend(ink, arm, axes, DOUBLE, DOUBLE if meets else LIGHT)
            _extend(gap, arm, axes, LIGHT, LIGHT)
    ink &= ~gap
    for arm, weight in enumerate(weights):
        if weight in {LIGHT, HEAVY}:
            crossing = _crossing(arm, weights)
            blocked = crossing == (DOUBLE, DOUBLE) and not weights[(arm + 2) % 4]
            _extend(ink, arm, axes, weight, max(crossing), beyond=not blocked)
    return ink.astype(np.uint8) * np.uint8(INK)


def _crossing(arm: int, weights: list[int]) -> tuple[int, int]:
    """The weights of the arms at right angles to this one."""
    return weights[(arm + 1) % 4], weights[(arm + 3) % 4]


def _extend(
    ink: NDArray[np.bool_],
    arm: int,
    axes: tuple[_Axis, _Axis],
    weight: int,
    until: int,
    *,
    beyond: bool = True,
) -> None:
    """Draw an arm from its edge of the cell to the line of weight `until` that crosses it, or through that."""
    across, along = axes if arm in {UP, DOWN} else axes[::-1]
    lines = slice(*across.span(weight))
    low, high = along.span(until)
    if arm in {UP, LEFT}:
        run = slice(0, high if beyond else low)
    else:
        run = slice(low if beyond else high, along.length)
    ink[(run, lines) if arm in {UP, DOWN} else (lines, run)] = True


def _dashes(count: int, weight: int, upright: bool, width: int, height: int) -> Ink:
    ink = np.zeros((height, width), np.uint8)
    thin = stroke(height)
    along, across = (height, _Axis(width, thin)) if upright else (width, _Axis(height, thin))
    lines = slice(*across.span(weight))
    for dash in range(count):
        first, last = dash * along // count, (dash + 1) * along // count
        gap = max(1, round((last - first) * 0.35))
        run = slice(first + gap // 2, last - (gap - gap // 2))
        ink[(run, lines) if upright else (lines, run)] = INK
    return ink


def _arc(right: int, down: int, width: int, height: int) -> Ink:
    """A quarter circle, with straight ends up to the two edges it joins."""
    thin = stroke(height)
    middle_x, middle_y = (width - thin) // 2 + thin / 2, (height - thin) // 2 + thin / 2
    # a pixel before the edges it is straight already, to meet the next cell's line
    radius = min(width - middle_x, middle_x, height - middle_y, middle_y) - 1
    centre_x, centre_y = middle_x + right * radius, middle_y + down * radius

    def inside(x: Grid, y: Grid) -> NDArray[np.bool_]:
        from_x, from_y = (x - centre_x) * right, (y - centre_y) * down
        round_part = (from_x <= 0) & (from_y <= 0) & (np.abs(np.hypot(from_x, from_y) - radius) <= thin / 2)
        upright = (from_y > 0) & (np.abs(x - middle_x) <= thin / 2)
        level = (from_x > 0) & (np.abs(y - middle_y) <= thin / 2)
        return round_part | upright | level

    return sampled(inside, width, height)


def _diagonals(rising: bool, falling: bool, width: int, height: int) -> Ink:
    reach = stroke(height) * float(np.hypot(width, height)) / 2

    def inside(x: Grid, y: Grid) -> NDArray[np.bool_]:
        up: NDArray[np.bool_] = np.abs(height * x + width * y - width * height) <= reach
        down = np.abs(height * x - width * y) <= reach
        return (up & rising) | (down & falling)

    return sampled(inside, width, height)


# -- blocks, shades, quadrants, sextants, Braille ----------------------------------------------------------------------

_SHADES = {0x2591: 64, 0x2592: 128, 0x2593: 192}
_QUADRANTS = {
    0x2596: 4, 0x2597: 8, 0x2598: 1, 0x2599: 13, 0x259A: 9, 0x259B: 7, 0x259C: 11, 0x259D: 2, 0x259E: 6, 0x259F: 14,
}  # fmt: skip
"""Bits: 1 upper left, 2 upper right, 4 lower left, 8 lower right."""
_PARTS = {
    0x2580: (0, 0, 8, 4),
    **{0x2580 + part: (0, 8 - part, 8, 8) for part in range(1, 9)},
    **{0x2590 - part: (0, 0, part, 8) for part in range(1, 8)},
    0x2590: (4, 0, 8, 8),
    0x2594: (0, 0, 8, 1),
    0x2595: (7, 0, 8, 8),
}
"""Eighths of the cell: left, top, right, bottom."""
_BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""(column, row) of dots 1 to 8."""


def _block(point: int, width: int, height: int) -> Ink:
    ink = np.zeros((height, width), np.uint8)
    if point in _SHADES:
        ink[:] = _SHADES[point]
    elif point in _QUADRANTS:
        return _mosaic(_QUADRANTS[point], 2, width, height)
    elif point in _PARTS:
        left, top, right, bottom = _PARTS[point]
        ink[_cut(height, top, 8) : _cut(height, bottom, 8), _cut(width, left, 8) : _cut(width, right, 8)] = (
            INK
        )
    return ink


def _cut(length: int, part: int, parts: int) -> int:
    """Where a length is cut after so many of its equal parts; none of eight is empty from 5 pixels on."""
    return min((2 * length * part + parts) // (2 * parts), length - (0 < part < parts)) if part else 0


def _mosaic(bits: int, rows: int, width: int, height: int) -> Ink:
    """Two columns of blocks; bit 0 is the upper left one, bit 1 the one right of it."""
    ink = np.zeros((height, width), np.uint8)
    edges_x = [_cut(width, column, 2) for column in range(3)]
    edges_y = [_cut(height, row, rows) for row in range(rows + 1)]
    for bit in range(2 * rows):
        if bits >> bit & 1:
            row, column = divmod(bit, 2)
            ink[edges_y[row] : edges_y[row + 1], edges_x[column] : edges_x[column + 1]] = INK
    return ink


def _sextant(point: int, width: int, height: int) -> Ink:
    bits = point - 0x1FB00 + 1
    bits += (bits >= 0b010101) + (
        bits + 1 >= 0b101010
    )  # the left and the right half are characters elsewhere
    return _mosaic(bits, 3, width, height)


def _braille(point: int, width: int, height: int) -> Ink:
    ink = np.zeros((height, width), np.uint8)
    size = max(1, round(min(width / 2, height / 4) * 0.5))
    for bit, (column, row) in enumerate(_BRAILLE):
        if point - 0x2800 >> bit & 1:
            x = round(width * (2 * column + 1) / 4 - size / 2)
            y = round(height * (2 * row + 1) / 8 - size / 2)
            ink[y : y + size, x : x + size] = INK
    return ink


def _scan_line(point: int, width: int, height: int) -> Ink:
    """Horizontal lines 1, 3, 7 and 9 of DEC's graphic characters; line 5 is U+2500."""
    ink = np.zeros((height, width), np.uint8)
    thin = stroke(height)
    top = round((height - thin) * (0, 0.25, 0.75, 1)[point - 0x23BA])
    ink[top : top + thin] = INK
    return ink


# -- Powerline (U+E0B0 to U+E0B7) --------------------------------------------------------------------------------------


def _powerline(point: int, width: int, height: int) -> Ink:
    """Triangles and half discs that fill the cell, and their outlines; the odd pairs point left."""
    outline, leftwards, disc = point % 2 == 1, (point - 0xE0B0) % 4 >= 2, point >= 0xE0B4
    thin = stroke(height)

    def edge(y: Grid) -> Grid:
        across = np.abs(y / height * 2 - 1)
        return np.sqrt(np.clip(1 - across**2, 0, 1)) * width if disc else (1 - across) * width

    def inside(x: Grid, y: Grid) -> NDArray[np.bool_]:
        x = width - x if leftwards else x
        filled = x <= edge(y)
        if not outline:
            return filled
        slant = float(np.hypot(width, height / 2)) / (height / 2)
        return filled & (x >= edge(y) - thin * slant)

    return sampled(inside, width, height)


def sampled(inside: Shape, width: int, height: int) -> Ink:
    """The ink of a shape, smoothed: each pixel is as dark as the part of it that is inside."""
    x = (np.arange(width * SAMPLES) + 0.5) / SAMPLES
    y = (np.arange(height * SAMPLES) + 0.5) / SAMPLES
    samples = inside(*np.broadcast_arrays(x[None, :], y[:, None]))
    part: Grid = samples.reshape(height, SAMPLES, width, SAMPLES).mean(axis=(1, 3))
    ink: Ink = np.rint(part * INK).astype(np.uint8)
    return ink


_BLOCKS: tuple[tuple[int, int, Callable[[int, int, int], Ink]], ...] = (
    (0x23BA, 0x23BD, _scan_line),
    (0x2500, 0x257F, _line),
    (0x2580, 0x259F, _block),
    (0x2800, 0x28FF, _braille),
    (0xE0B0, 0xE0B7, _powerline),
    (0x1FB00, 0x1FB3B, _sextant),
)
