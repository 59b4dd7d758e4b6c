"""The atlas: every character that was needed so far, drawn once for one font and size, in shades of ink."""

from __future__ import annotations

import functools
import logging
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from proxyd.terminal.drawn import INK, draw
from proxyd.terminal.fonts import PACKAGED, Family, FontFile, fallbacks, find_family
from proxyd.terminal.raster import Cell, metrics, picture, placeholder, rasterise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proxyd.terminal.drawn import Ink

__all__ = ["BLANK", "BOLD", "ITALIC", "LEFT", "RIGHT", "SHADES", "Atlas", "find_atlas", "occurring", "shades"]

log = logging.getLogger(__name__)

SHADES = 16
"""Steps from paper to ink: as many as a 4-bit picture of one pair of colours holds."""
BLANK = 0
"""The glyph without ink."""
BOLD, ITALIC = 1, 2
"""Bits of the number of a face."""
LEFT, RIGHT = "\0", "\1"
"""After a cluster: the left or right half of it, where it covers two columns."""
MAX_GLYPHS = 8192
"""Glyphs an atlas holds before it starts anew: 1.5 MB at 12 points and 96 dpi."""
MIN_PIXELS, MAX_PIXELS = 6, 200
"""Limits of the font's size."""

_SELECTORS = dict.fromkeys(map(ord, "\ufe0e\ufe0f"))
"""They choose between text and picture and have no ink."""


def shades(ink: Ink) -> Ink:
    """Ink of 0..255 as shades 0..15."""
    return ((ink.astype(np.uint16) * (SHADES - 1) + INK // 2) // INK).astype(np.uint8)


def occurring(shaded: Ink) -> int:
    """The shades in an array of them, as bits."""
    return sum(1 << shade for shade in np.unique(shaded).tolist())


class Picture(NamedTuple):
    """A glyph in colours of its own: a PNG with alpha as high as a cell; width in pixels."""

    width: int
    data: bytes


class Atlas:
    """All glyphs of one family and size; shared by the sessions of a worker. A glyph is a number.

    Attributes:
        cell: the size of a cell.
        faces: regular, bold, italic, bold italic: from a cluster (`LEFT` or `RIGHT` after it where it covers two
            columns) to its glyph, which is drawn when it is first asked for.
        strips: (height, glyphs): a row of a glyph's shades each, as one element; so rows of text are gathered quickly.
        used: the shades that occur in each glyph, as bits.
        pictures: emoji by their first glyph. Their shades are blank.
    """

    def __init__(self, family: Family, pixels: int, others: Sequence[FontFile] = ()) -> None:
        """An atlas with nothing but the blank glyph.

        Args:
            family: the font.
            pixels: the size of its em.
            others: where to look for characters that `family` lacks, the best first.
        """
        self._pixels = max(MIN_PIXELS, min(pixels, MAX_PIXELS))
        self._family = family
        self._others = others
        advance, ascent, descent = metrics(family.regular, self._pixels)
        self.cell = Cell(max(2, round(advance)), max(2, ascent + descent), ascent)
        self.faces = tuple(Face(self, number) for number in range(4))
        self._begin()

    def _begin(self) -> None:
        self._count = 1
        self.strips = np.zeros((self.cell.height, 256), np.dtype((np.void, self.cell.width)))
        self.used = np.ones(256, np.uint16)
        self.pictures: dict[int, Picture] = {}

    def __len__(self) -> int:
        return self._count

    def shades_of(self, glyph: int) -> Ink:
        """The shades of a glyph: (height, width)."""
        return self.strips.view(np.uint8).reshape(self.cell.height, -1, self.cell.width)[:, glyph]

    def trim(self) -> None:
        """Begin anew if there is too much. Glyph numbers lose their meaning."""
        if self._count > MAX_GLYPHS:
            for face in self.faces:
                face.clear()
            self._begin()

    def add(self, cluster: str, face: int, columns: int) -> int:
        """Draw a cluster. Returns the glyph of its first column; that of the second is the next one."""
        glyph = self._count
        self._count += columns
        if self._count > len(self.used):
            self.strips = np.concatenate([self.strips, np.zeros_like(self.strips)], axis=1)
            self.used = np.concatenate([self.used, np.ones_like(self.used)])
        room = self.cell._replace(width=self.cell.width * columns)
        coloured = self._picture(cluster, room, columns)
        if coloured is not None:
            self.pictures[glyph] = Picture(room.width, coloured)
            return glyph
        shaded = shades(self._ink(cluster, face, room))
        for column, half in enumerate(np.split(shaded, columns, axis=1)):
            self.shades_of(glyph + column)[:] = half
            self.used[glyph + column] = occurring(half)
        return glyph

    def _picture(self, cluster: str, room: Cell, columns: int) -> bytes | None:
        if not (cluster.endswith("\ufe0f") or (columns == 2 and _pictorial(cluster[0]))):
            return None
        for font in self._others:
            if font.colour and cluster[0] in font:
                return picture(font, cluster, room)
        return None

    def _ink(self, cluster: str, face: int, room: Cell) -> Ink:
        if len(cluster) == 1 and (ink := draw(cluster, room.width, room.height)) is not None:
            return ink
        text = unicodedata.normalize("NFC", cluster.translate(_SELECTORS)) or " "
        if len(text) > 1:
            face &= BOLD  # slanted fonts seldom say where marks go
        for font in self._candidates(face):
            if all(character in font for character in text if character != "\u200d"):
                try:
                    return rasterise(font, text, self._pixels, room, centred=font not in self._family)
                except OSError as error:
                    log.warning("%s cannot draw %a: %s", font.path.name, text, error)
        return self._without_marks(text, face, room) if len(text) > 1 else placeholder(room)

    def _without_marks(self, text: str, face: int, room: Cell) -> Ink:
        """A cluster that no font has whole: at least its first character."""
        return self._ink(text[0], face, room)

    def _candidates(self, face: int) -> Iterator[FontFile]:
        yield self._family[face]
        yield self._family.regular
        yield from (font for font in (*PACKAGED[face : face + 1], *self._others) if not font.colour)


class Face(dict[str, int]):
    """From clusters to glyphs, in one of the four faces."""

    def __init__(self, atlas: Atlas, number: int) -> None:
        super().__init__()
        self._atlas = atlas
        self._number = number
        self.clear()

    def clear(self) -> None:
        """Forget all but the blank."""
        super().clear()
        self[" "] = self[""] = BLANK

    def __missing__(self, key: str) -> int:
        if key[-1] not in {LEFT, RIGHT}:
            glyph = self[key] = self._atlas.add(key, self._number, 1)
            return glyph
        cluster = key[:-1]
        left = self._atlas.add(cluster, self._number, 2)
        self[cluster + LEFT] = left
        self[cluster + RIGHT] = left + 1
        return self[key]


def _pictorial(character: str) -> bool:
    """Whether a wide character is shown as a picture by itself (the blocks of Unicode that hold emoji)."""
    return "\u2300" <= character <= "\u2bff" or "\U0001f000" <= character <= "\U0001faff"


@functools.lru_cache(maxsize=16)
def find_atlas(font_name: str, pixels: int) -> Atlas:
    """The atlas of this worker for a font of this name and size. Blocks while fonts are looked for: call it off the loop."""
    return Atlas(find_family(font_name), pixels, fallbacks())
