"""Hextile: tiles of 16x16, each with a background and rectangles on it (RFC 6143 section 7.7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.mosaic import Mosaic, bands, merge

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen
    from proxyd.rfb.pixels import Layout

__all__ = ["Hextile"]

TILE = 16
RAW, BACKGROUND, FOREGROUND, SUBRECTS, COLOURED = 1, 2, 4, 8, 16
"""Bits of a tile's mask."""


class Hextile:
    """Encoding 5."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        tiles = _Tiles(buffer, screen.pixels.pixel)
        ops: list[Op] = []
        for band in bands(rect, TILE):
            mosaic = Mosaic(band)
            for y in range(0, band.height, TILE):
                for x in range(0, band.width, TILE):
                    yield from tiles.paint(
                        mosaic, x, y, min(TILE, band.width - x), min(TILE, band.height - y)
                    )
            ops.append(mosaic.op(lossy=screen.lossy))
            yield
        return merge(ops)


class _Tiles:
    """Reads tile after tile; colours that a tile leaves out are the last ones given.

    A strict server gives them again after a raw or a coloured tile; those that do not are understood as well.
    """

    def __init__(self, buffer: Buffer, layout: Layout) -> None:
        self._buffer = buffer
        self._layout = layout
        self._background: int | None = None
        self._foreground: int | None = None

    def paint(self, mosaic: Mosaic, x: int, y: int, width: int, height: int) -> Reading[None]:
        buffer, layout = self._buffer, self._layout
        (mask,) = yield from buffer.exactly(1)
        if mask & RAW:
            pixels = layout.colours((yield from buffer.exactly(width * height * layout.size)))
            mosaic.paint(x, y, pixels.reshape(height, width))
            return
        if mask & BACKGROUND:
            self._background = layout.colour((yield from buffer.exactly(layout.size)))
        if mask & FOREGROUND:
            self._foreground = layout.colour((yield from buffer.exactly(layout.size)))
        mosaic.fill(x, y, width, height, _known(self._background))
        if mask & SUBRECTS:
            (count,) = yield from buffer.exactly(1)
            size = layout.size if mask & COLOURED else 0
            data = yield from buffer.exactly(count * (size + 2))
            for at in range(0, len(data), size + 2):
                colour = layout.colour(data[at : at + size]) if size else _known(self._foreground)
                place, extent = data[at + size], data[at + size + 1]
                left, top = place >> 4, place & 15
                wide, high = (extent >> 4) + 1, (extent & 15) + 1
                if left + wide > width or top + high > height:
                    raise RfbError("The server sent a rectangle that leaves its tile.")
                mosaic.fill(x + left, y + top, wide, high, colour)


def _known(colour: int | None) -> int:
    if colour is None:
        raise RfbError("The server sent a tile without saying its colour.")
    return colour
