"""A rectangle put together from pieces, then drawn as one operation of the cheapest kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from proxyd.display.encode import suits_jpeg
from proxyd.display.ops import Fill, Indexed, Op, Pixels, Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import rgb_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from proxyd.rfb.pixels import Colours

    Indexes: TypeAlias = NDArray[np.uint8]
    Places: TypeAlias = NDArray[np.int64]

__all__ = ["Mosaic", "bands", "fill", "merge", "plain"]

BAND_PIXELS = 1 << 18
"""Larger rectangles are drawn in several pieces: encoded side by side, each with a palette of its own."""
MAX_COLOURS = 256
"""What a palette holds."""
MAX_LAYERS = 16
"""How often rectangles may cover a mosaic."""


def bands(rect: Rect, step: int = 1) -> Iterator[Rect]:
    """Cut a rectangle into bands of about `BAND_PIXELS` at most, their heights multiples of `step`; none if it is empty."""
    if not rect.width:
        return
    rows = max(BAND_PIXELS // rect.width // step, 1) * step
    for top in range(0, rect.height, rows):
        yield Rect(rect.x, rect.y + top, rect.width, min(rows, rect.height - top))


def fill(rect: Rect, colour: int) -> Fill:
    """The operation that paints a rectangle with one colour."""
    return Fill(*rect, colour & 0xFF, colour >> 8 & 0xFF, colour >> 16)


def plain(rect: Rect, rgb: bytes, *, quality: int) -> Fill | Pixels:
    """The operation that shows true colours, three bytes a pixel; a fill if there is but one.

    Args:
        rect: where.
        rgb: the pixels.
        quality: of JPEG, if they are a photograph; 0 keeps them exact.
    """
    row = rgb[:3] * rect.width
    if rgb.startswith(row) and rgb == row * rect.height:
        return fill(rect, int.from_bytes(rgb[:3], "little"))
    return _true(rect, rgb, quality)


def _true(rect: Rect, rgb: bytes, quality: int) -> Pixels:
    return Pixels(*rect, rgb, quality if quality and suits_jpeg(rgb) else 0)


def merge(ops: Sequence[Op]) -> list[Op]:
    """Join fills that continue downwards; everything else stays."""
    merged: list[Op] = []
    for op in ops:
        above = merged[-1] if merged else None
        if (
            isinstance(op, Fill)
            and isinstance(above, Fill)
            and op == above._replace(y=above.y + above.height, height=op.height)
        ):
            merged[-1] = above._replace(height=above.height + op.height)
        else:
            merged.append(op)
    return merged


class Mosaic:
    """The pixels of one rectangle: palette indexes for as long as 256 colours suffice, from then on true colours.

    Coordinates are relative to the rectangle; callers keep pieces inside and cover all of it.
    """

    def __init__(self, rect: Rect) -> None:
        self._rect = rect
        self._palette: dict[int, int] = {}
        self._indexes: Indexes = np.zeros((rect.height, rect.width), np.uint8)
        self._colours: Colours | None = None
        self._painted = 0  # pixels, by `fill_many`

    def fill(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        """Paint one colour."""
        index = self._index(colour)
        if index is None:
            self._true_colours()[y : y + height, x : x + width] = colour
        else:
            self._indexes[y : y + height, x : x + width] = index

    def fill_many(self, places: Places, colours: Colours) -> None:
        """Paint rectangles, each of one colour, later ones over earlier ones.

        Args:
            places: x, y, width, height of each; shape (n, 4).
            colours: of each.

        Raises:
            RfbError: all that were ever painted are many times as large as the mosaic.
        """
        ends = np.cumsum(places[:, 2] * places[:, 3])
        self._painted += int(ends[-1]) if len(ends) else 0
        if self._painted > MAX_LAYERS * self._indexes.size:
            raise RfbError("The server paints the same place over and over.")
        start = done = 0
        while start < len(places):
            end = int(np.searchsorted(ends, done + BAND_PIXELS, "right"))
            if end > start:
                self._fill_some(places[start:end], colours[start:end])
            else:  # a large one, painted by itself
                end = start + 1
                x, y, width, height = places[start].tolist()
                self.fill(x, y, width, height, int(colours[start]))
            start, done = end, int(ends[end - 1])

    def _fill_some(self, places: Places, colours: Colours) -> None:
        distinct, chosen = np.unique(colours, return_inverse=True)
        areas = places[:, 2] * places[:, 3]
        pixels = _pixels(places, self._rect.width)
        own = self._own(distinct.tolist())
        if own is None:
            self._true_colours().reshape(-1)[pixels] = np.repeat(colours, areas)
        else:
            self._indexes.reshape(-1)[pixels] = np.repeat(own.take(chosen), areas)

    def paint_indexed(self, x: int, y: int, indexes: Indexes, palette: Sequence[int]) -> None:
        """Paint pixels that are indexes of `palette`, each inside it; shape (height, width)."""
        height, width = indexes.shape
        own = self._own(palette)
        if own is None:
            self.paint(x, y, np.array(palette, np.uint32).take(indexes))
        else:
            self._indexes[y : y + height, x : x + width] = own.take(indexes)

    def paint(self, x: int, y: int, colours: Colours) -> None:
        """Paint true colours; shape (height, width)."""
        height, width = colours.shape
        self._true_colours()[y : y + height, x : x + width] = colours

    def op(self, *, quality: int) -> Fill | Indexed | Pixels:
        """The finished rectangle. `quality`: of JPEG for photographs; 0 keeps them exact."""
        if self._colours is not None:
            return _true(self._rect, rgb_bytes(self._colours), quality)
        if len(self._palette) == 1:
            return fill(self._rect, *self._palette)
        return Indexed(*self._rect, 8, self._indexes.tobytes(), rgb_bytes(self._palette_array()))

    def _index(self, colour: int) -> int | None:
        """The place of a colour in the palette; None once that does not hold it."""
        if self._colours is not None:
            return None
        index = self._palette.get(colour)
        if index is None and len(self._palette) < MAX_COLOURS:
            index = self._palette[colour] = len(self._palette)
        return index

    def _own(self, colours: Sequence[int]) -> Indexes | None:
        """The same for several colours; None unless it holds them all."""
        if len(colours) > MAX_COLOURS:
            return None
        indexes = [self._index(colour) for colour in colours]
        return None if None in indexes else np.array(indexes, np.uint8)

    def _true_colours(self) -> Colours:
        if self._colours is None:
            palette = self._palette_array() if self._palette else np.zeros(1, np.uint32)
            self._colours = palette.take(self._indexes)
        return self._colours

    def _palette_array(self) -> Colours:
        return np.array(list(self._palette), np.uint32)


def _pixels(places: Places, stride: int) -> Places:
    """Where the pixels of rectangles lie in rows of `stride`, rectangle after rectangle, row after row."""
    x, y, width, height = places.T
    row = np.arange(height.sum()) - np.repeat(np.cumsum(height) - height, height)
    start = np.repeat(y * stride + x, height) + row * stride
    length = np.repeat(width, height)
    return np.repeat(start - (np.cumsum(length) - length), length) + np.arange(length.sum())
