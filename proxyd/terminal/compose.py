"""From cells to pixels: a rectangle of cells as palette images, fills and small pictures."""

from __future__ import annotations

import functools
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from proxyd.display.ops import Fill, Image, Indexed, Op
from proxyd.terminal.decorations import lines, underline
from proxyd.terminal.glyphs import BLANK, LEFT, RIGHT, SHADES, Atlas, occurring, shades
from proxyd.terminal.looks import Look, Pair, ramp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from proxyd.terminal.cells import Style
    from proxyd.terminal.drawn import Ink
    from proxyd.terminal.raster import Cell

__all__ = ["Cells", "channels", "compose"]

MAX_COLOURS = 256
"""What a palette image holds."""
MAX_PAIRS = 65536 // SHADES
"""Pairs of colours whose shades 16 bits can number."""


class Cells(NamedTuple):
    """A rectangle of cells: rows of equal length. The halves of a wide character are both in it."""

    text: Sequence[Sequence[str]]
    styles: Sequence[Sequence[Style]]


class _Run(NamedTuple):
    """Cells [start, end) of a row that have lines."""

    row: int
    start: int
    end: int
    look: Look


class _Line(NamedTuple):
    """A line to draw over cells.

    Attributes:
        place: of the cells in an image: row, pixel rows, columns.
        pair: the number of its colours.
        ink: shades, one cell.
        joins: it has the colour of the text and blends with it.
    """

    place: tuple[int, slice, slice]
    pair: int
    ink: Ink
    joins: bool


class _Block:
    """A rectangle of cells as arrays.

    Attributes:
        glyphs, pairs: (rows, columns): the glyph, and the number of the pair of colours.
        colours: the pairs by number.
        decorated: runs with lines.
    """

    def __init__(self, cells: Cells, atlas: Atlas, looks: Mapping[Style, Look]) -> None:
        glyphs: list[int] = []
        numbers: list[int] = []
        lengths: list[int] = []
        self.colours: dict[Pair, int] = {}
        self.decorated: list[_Run] = []
        for row, (text, styles) in enumerate(zip(cells.text, cells.styles, strict=True)):
            if "" in text:
                text = _halves(text)
            start = 0
            for style, length in _runs(styles):
                end = start + length
                look = looks[style]
                if look.hidden:
                    glyphs += [BLANK] * length
                else:
                    glyphs += map(atlas.faces[look.face].__getitem__, text[start:end])
                    if look.decorated:
                        self.decorated.append(_Run(row, start, end, look))
                numbers.append(self.number(look.pair))
                lengths.append(length)
                start = end
        shape = len(cells.text), len(cells.text[0])
        self.glyphs = np.array(glyphs, np.intp).reshape(shape)
        self.pairs = np.repeat(np.array(numbers, np.uint16), lengths).reshape(shape)

    def number(self, pair: Pair) -> int:
        """The number of a pair."""
        return self.colours.setdefault(pair, len(self.colours))


def compose(
    cells: Cells, x: int, y: int, atlas: Atlas, looks: Mapping[Style, Look], layer: int = 0
) -> list[Op]:
    """Paint cells.

    Args:
        cells: at least one.
        x: pixels, where the first cell goes.
        y: pixels, where the first cell goes.
        atlas: the glyphs.
        looks: what styles look like.
        layer: where to paint.
    """
    block = _Block(cells, atlas, looks)
    rows, columns = block.glyphs.shape
    cell = atlas.cell
    if len(block.colours) == 1 and not block.decorated and not block.glyphs.any():
        paper = next(iter(block.colours)).paper
        return [Fill(x, y, columns * cell.width, rows * cell.height, *channels(paper), layer=layer)]
    image = _image(block, x, y, atlas, layer)
    if image is None:
        return [
            op
            for part, right, down in _parted(cells)
            for op in compose(part, x + right * cell.width, y + down * cell.height, atlas, looks, layer)
        ]
    return [image, *_pictures(block, x, y, atlas, layer)]


def _image(block: _Block, x: int, y: int, atlas: Atlas, layer: int) -> Indexed | None:
    """The block as one palette image; None if it has too many colours."""
    cell = atlas.cell
    rows, columns = block.glyphs.shape
    drawn = [line for run in block.decorated for line in _lines(run, block, cell)]
    table, palette = _palette(block, drawn, atlas)
    if len(palette) > 3 * MAX_COLOURS or len(block.colours) > MAX_PAIRS:
        return None
    small = len(block.colours) <= 256 // SHADES
    index = np.empty((rows, cell.height, columns, cell.width), np.uint8 if small else np.uint16)
    base = (block.pairs * SHADES).astype(index.dtype)
    np.add(atlas.cells[block.glyphs].transpose(0, 2, 1, 3), base[:, None, :, None], out=index)
    for line in drawn:
        _draw(line, index)
    pixels = index.tobytes().translate(table.tobytes()) if small else table.take(index).tobytes()
    return Indexed(x, y, columns * cell.width, rows * cell.height, 8, pixels, palette, layer)


def _palette(block: _Block, drawn: list[_Line], atlas: Atlas) -> tuple[NDArray[np.uint8], bytes]:
    """The colours that occur, and the palette index of each shade of each pair: (indexes, R G B bytes)."""
    used = np.zeros(len(block.colours), np.uint16)
    np.bitwise_or.at(used, block.pairs, atlas.used[block.glyphs])
    for line in drawn:
        used[line.pair] |= occurring(line.ink)
    numbers: dict[int, int] = {}
    table = np.zeros(max(len(block.colours) * SHADES, 256), np.uint8)
    for number, (pair, bits) in enumerate(zip(block.colours, used.tolist(), strict=True)):
        colours = ramp(pair)
        while bits:
            shade = bits.bit_length() - 1
            bits -= 1 << shade
            table[number * SHADES + shade] = numbers.setdefault(colours[shade], len(numbers)) & 0xFF
    return table, b"".join(colour.to_bytes(3, "big") for colour in numbers)


def _lines(run: _Run, block: _Block, cell: Cell) -> list[_Line]:
    """What is drawn over a run: the underline may have another colour than the rest."""
    look = run.look
    place = run.row, slice(None), slice(run.start, run.end)
    drawn = []
    if look.underline:
        ink = _shaded_underline(look.underline, cell)
        same = look.underline_pair.ink == look.pair.ink
        drawn.append(_Line(place, block.number(look.underline_pair), ink, same))
    if look.lines:
        drawn.append(_Line(place, block.number(look.pair), _shaded_lines(look.lines, cell), True))
    return drawn


def _draw(line: _Line, index: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Draw a line over cells: with their text where it has its colour, else over it."""
    cells = index[line.place]
    shaded = (line.ink.astype(np.uint16) + np.uint16(line.pair * SHADES)).astype(cells.dtype)[:, None, :]
    if line.joins:
        np.maximum(cells, shaded, out=cells)
    else:
        np.copyto(cells, shaded, where=line.ink[:, None, :] > 0)


@functools.lru_cache(maxsize=64)
def _shaded_underline(kind: int, cell: Cell) -> Ink:
    return shades(underline(kind, *cell))


@functools.lru_cache(maxsize=64)
def _shaded_lines(flags: int, cell: Cell) -> Ink:
    return shades(lines(flags, *cell))


def _pictures(block: _Block, x: int, y: int, atlas: Atlas, layer: int) -> list[Op]:
    """Emoji: they lie on the paper that the image left free for them."""
    found: list[Op] = []
    for glyph in atlas.pictures.keys() & set(block.glyphs.ravel().tolist()) if atlas.pictures else ():
        picture = atlas.pictures[glyph]
        for row, column in np.argwhere(block.glyphs == glyph).tolist():
            place = x + column * atlas.cell.width, y + row * atlas.cell.height
            found.append(Image(*place, picture.width, atlas.cell.height, "image/png", picture.data, layer))
    return found


def _halves(text: Sequence[str]) -> list[str]:
    """A row's text with wide characters as the two halves that the atlas knows."""
    halves = list(text)
    for column in range(1, len(halves)):
        if not text[column]:
            halves[column - 1] = text[column - 1] + LEFT
            halves[column] = text[column - 1] + RIGHT
    return halves


def _runs(styles: Sequence[Style]) -> list[tuple[Style, int]]:
    """Equal neighbours: (style, how many)."""
    if styles.count(styles[0]) == len(styles):
        return [(styles[0], len(styles))]
    return [(style, sum(1 for _ in run)) for style, run in groupby(styles)]


def _parted(cells: Cells) -> list[tuple[Cells, int, int]]:
    """Halves of a rectangle that has too many colours, with their places: by rows, else by columns."""
    text, styles = cells
    if len(text) > 1:
        middle = len(text) // 2
        return [
            (Cells(text[:middle], styles[:middle]), 0, 0),
            (Cells(text[middle:], styles[middle:]), 0, middle),
        ]
    middle = len(text[0]) // 2
    if not text[0][middle]:
        middle += 1
    return [
        (Cells([text[0][:middle]], [styles[0][:middle]]), 0, 0),
        (Cells([text[0][middle:]], [styles[0][middle:]]), middle, 0),
    ]


def channels(colour: int) -> tuple[int, int, int]:
    """Red, green and blue of 0xRRGGBB."""
    return colour >> 16, colour >> 8 & 0xFF, colour & 0xFF
