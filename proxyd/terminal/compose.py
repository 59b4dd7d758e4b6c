"""From cells to pixels: a rectangle of cells as palette images, fills and small pictures."""

from __future__ import annotations

import functools
from itertools import compress, pairwise
from operator import is_not
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from proxyd.display.ops import Fill, Image, Indexed, Op, Pixels
from proxyd.terminal.decorations import lines, underline
from proxyd.terminal.glyphs import BLANK, LEFT, RIGHT, SHADES, Atlas, occurring, shades
from proxyd.terminal.looks import Look, Pair, ramp, ramps

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
FEW_PAIRS = 256 // SHADES
"""Pairs of colours whose shades 8 bits can number."""
DIVISIBLE_PAIRS = 64
"""Pairs of colours up to which a half may need fewer; beyond, it is a picture that somebody drew with characters."""
MANY_CELLS = 256
"""Cells of an image in which colours that do not occur may stand in the palette: to renumber it takes longer."""
FEW_COLOURS = 16
"""As many can be packed, and are worth being numbered."""

_AS_IT_IS = bytes(range(256))
_SHADE_NUMBERS = np.arange(SHADES, dtype=np.uint16)
_PLACES = np.array([1 << 16, 1 << 8, 1], np.uint32)


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


class _Numbering(NamedTuple):
    """Which colour has which index.

    Attributes:
        table: the index of each shade of each pair, one after the other.
        palette: R G B of each index.
    """

    table: bytes
    palette: bytes


class _Block:
    """A rectangle of cells as arrays.

    Attributes:
        glyphs, pairs: (rows, columns): the glyph, and the number of the pair of colours.
        colours: the pairs by number.
        decorated: runs with lines.
    """

    def __init__(self, cells: Cells, atlas: Atlas, looks: Mapping[Style, Look]) -> None:
        self._looks = looks
        self.colours: dict[Pair, int] = {}
        self.decorated: list[_Run] = []
        # Styles are shared: what was found out about one is found by its identity while the cells hold it.
        known: dict[int, tuple[Look, int]] = {}
        glyphs: list[int] = []
        numbers: list[int] = []
        lengths: list[int] = []
        for row, (text, styles) in enumerate(zip(cells.text, cells.styles, strict=True)):
            if "" in text:
                text = _halves(text)
            for start, end in pairwise(_edges(styles)):
                style = styles[start]
                if id(style) not in known:
                    known[id(style)] = looks[style], self.number(looks[style].pair)
                look, number = known[id(style)]
                if look.hidden:
                    glyphs += [BLANK] * (end - start)
                else:
                    glyphs += map(atlas.faces[look.face].__getitem__, text[start:end])
                    if look.decorated:
                        self.decorated.append(_Run(row, start, end, look))
                numbers.append(number)
                lengths.append(end - start)
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
    if len(block.colours) > MAX_PAIRS:
        return _halved(cells, x, y, atlas, looks, layer)
    drawn = [line for run in block.decorated for line in _lines(run, block, cell)]
    numbering = _number(block, drawn, atlas)
    if numbering is None and len(block.colours) <= DIVISIBLE_PAIRS and rows > 1:
        return _halved(cells, x, y, atlas, looks, layer)
    index = _gather(block, atlas)
    for line in drawn:
        _draw(line, index.reshape(rows, cell.height, columns, cell.width))
    size = columns * cell.width, rows * cell.height
    if numbering is None:
        colours = ramps(list(block.colours)).reshape(-1, 3)
        image: Op = Pixels(x, y, *size, colours.take(index, axis=0).tobytes(), layer=layer)
    else:
        image = Indexed(x, y, *size, 8, _renumbered(index, numbering.table), numbering.palette, layer)
    return [image, *_pictures(block, x, y, atlas, layer)]


def _halved(cells: Cells, x: int, y: int, atlas: Atlas, looks: Mapping[Style, Look], layer: int) -> list[Op]:
    """Paint the upper and the lower half, for fewer colours in each."""
    middle = len(cells.text) // 2
    upper, lower = (
        Cells(cells.text[:middle], cells.styles[:middle]),
        Cells(cells.text[middle:], cells.styles[middle:]),
    )
    below = y + middle * atlas.cell.height
    return compose(upper, x, y, atlas, looks, layer) + compose(lower, x, below, atlas, looks, layer)


def _renumbered(index: NDArray[np.uint8] | NDArray[np.uint16], table: bytes) -> bytes:
    """The palette index of every pixel."""
    if index.dtype == np.uint16:
        return np.frombuffer(table, np.uint8).take(index).tobytes()
    pixels = index.tobytes()
    return pixels if table == _AS_IT_IS[: len(table)] else pixels.translate(table.ljust(256, b"\0"))


def _gather(block: _Block, atlas: Atlas) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The number of pair and shade of every pixel: (rows, cell height, columns * cell width)."""
    rows, columns = block.glyphs.shape
    height, width = atlas.cell.height, atlas.cell.width
    strips = np.empty((rows, height, columns), atlas.strips.dtype)
    for row, glyphs in enumerate(block.glyphs):
        np.take(atlas.strips, glyphs, axis=1, out=strips[row], mode="clip")
    index = strips.view(np.uint8).reshape(rows, height, columns * width)
    if len(block.colours) == 1:
        return index
    bases = np.repeat(block.pairs * SHADES, width, axis=1)[:, None, :]
    return index + bases.astype(np.uint8) if len(block.colours) <= FEW_PAIRS else index + bases


def _number(block: _Block, drawn: list[_Line], atlas: Atlas) -> _Numbering | None:
    """Number the colours that occur; None where there are more than a palette holds."""
    used = np.zeros(len(block.colours), np.uint16)
    np.bitwise_or.at(used, block.pairs, atlas.used[block.glyphs])
    for line in drawn:
        used[line.pair] |= occurring(line.ink)
    if len(block.colours) > FEW_PAIRS:
        return _number_many(list(block.colours), used)
    occurs = used.tolist()
    if block.glyphs.size >= MANY_CELLS and sum(map(int.bit_count, occurs)) > FEW_COLOURS:
        colours = [colour for pair in block.colours for colour in ramp(pair)]
        return _Numbering(_AS_IT_IS[: len(colours)], b"".join(colours))
    return _number_few(list(block.colours), occurs)


def _number_few(pairs: list[Pair], used: list[int]) -> _Numbering:
    numbers: dict[bytes, int] = {}
    table = bytearray(len(pairs) * SHADES)
    for pair, bits in enumerate(used):
        colours = ramp(pairs[pair])
        for shade in range(SHADES):
            if bits >> shade & 1:
                table[pair * SHADES + shade] = numbers.setdefault(colours[shade], len(numbers))
    return _Numbering(bytes(table), b"".join(numbers))


def _number_many(pairs: list[Pair], used: NDArray[np.uint16]) -> _Numbering | None:
    occurs = (used[:, None] >> _SHADE_NUMBERS & 1).astype(bool)
    distinct, numbers = np.unique(ramps(pairs)[occurs] @ _PLACES, return_inverse=True)
    if len(distinct) > MAX_COLOURS:
        return None
    table = np.zeros(occurs.shape, np.uint8)
    table[occurs] = numbers
    return _Numbering(table.tobytes(), b"".join(colour.to_bytes(3, "big") for colour in distinct.tolist()))


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


def _edges(styles: Sequence[Style]) -> list[int]:
    """Where another style begins; first 0, last the end."""
    return [0, *compress(range(1, len(styles)), map(is_not, styles[1:], styles)), len(styles)]


def channels(colour: int) -> tuple[int, int, int]:
    """Red, green and blue of 0xRRGGBB."""
    return colour >> 16, colour >> 8 & 0xFF, colour & 0xFF
