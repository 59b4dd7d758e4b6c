"""ZRLE: tiles of 64x64 in a zlib stream (RFC 6143 section 7.7.6)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from proxyd.display.ops import Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.inflate import Inflater
from proxyd.rfb.mosaic import Mosaic, bands, merge
from proxyd.rfb.runs import palette_runs, plain_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from proxyd.display.ops import Op
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen
    from proxyd.rfb.pixels import Layout

__all__ = ["Zrle"]

TILE = 64
RAW, SOLID, PLAIN_RLE, PALETTE_RLE = 0, 1, 128, 130
"""Subencodings; 2 to 16 are packed palettes, 130 and more palette runs: 128 + colours."""
MOST_PACKED = 16
MOST_COLOURS = 127
PAUSE_RUNS = 4096
"""Runs after which others get a turn: a millisecond's work."""

_LENGTH = Struct(">I")


class Zrle:
    """Encoding 16."""

    def __init__(self) -> None:
        self._inflater = Inflater()

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        layout = screen.pixels.cpixel
        (length,) = yield from buffer.unpack(_LENGTH)
        self._inflater.begin(buffer, length, _largest(rect.width, rect.height, layout.size))
        tiles = _Tiles(layout)
        ops: list[Op] = []
        for band in bands(rect, TILE):
            mosaic = Mosaic(band)
            for y in range(0, band.height, TILE):
                row = Rect(0, y, band.width, min(TILE, band.height - y))
                missing = _largest(row.width, row.height, layout.size) - tiles.left
                tiles.feed((yield from self._inflater.up_to(max(missing, 0))))
                yield from tiles.paint_row(row, mosaic)
            ops.append(mosaic.op(quality=screen.quality))
            yield
        yield from self._inflater.end()
        if tiles.left:
            raise RfbError("The server sent compressed data that is larger than its picture.")
        return merge(ops)


def _largest(width: int, height: int, pixel_size: int) -> int:
    """What the costliest subencoding makes of a picture: a full palette and a run for every pixel."""
    tiles = -(-width // TILE) * -(-height // TILE)
    return tiles * (1 + MOST_COLOURS * pixel_size) + width * height * (pixel_size + 1)


def _unpacking(bits: int) -> NDArray[np.unsignedinteger]:
    """For every byte the indexes packed in it, themselves one a byte, as one number."""
    shifts = range(8 - bits, -1, -bits)
    indexes = [[byte >> shift & (1 << bits) - 1 for shift in shifts] for byte in range(256)]
    return np.array(indexes, np.uint8).view(f"u{8 // bits}")[:, 0]


_UNPACKING = {bits: _unpacking(bits) for bits in (1, 2, 4)}


class _Tiles:
    """Inflated data, read tile by tile."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._data = b""
        self._offset = 0
        self._runs = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._offset

    def feed(self, data: bytes) -> None:
        """Append bytes, enough for the next row of tiles if there are as many."""
        self._data = self._data[self._offset :] + data
        self._offset = 0

    def paint_row(self, row: Rect, mosaic: Mosaic) -> Reading[None]:
        """Read and paint the tiles of a row; may be interrupted after `PAUSE_RUNS` runs.

        Raises:
            RfbError: the data is broken, or ends before.
        """
        for x in range(0, row.width, TILE):
            self._paint(Rect(x, row.y, min(TILE, row.width - x), row.height), mosaic)
            if self._runs >= PAUSE_RUNS:
                self._runs = 0
                yield

    def _paint(self, tile: Rect, mosaic: Mosaic) -> None:
        (kind,) = self._take(1)
        if kind == SOLID:
            mosaic.fill(*tile, self._layout.colour(self._take(self._layout.size)))
        elif kind == RAW:
            colours = self._layout.colours(self._take(tile.width * tile.height * self._layout.size))
            mosaic.paint(tile.x, tile.y, colours.reshape(tile.height, tile.width))
        elif kind <= MOST_PACKED:
            palette = self._palette(kind)
            mosaic.paint_indexed(tile.x, tile.y, self._packed(tile, kind), palette)
        elif kind == PLAIN_RLE:
            mosaic.paint(tile.x, tile.y, self._plain_runs(tile))
        elif kind >= PALETTE_RLE:
            palette = self._palette(kind - 128)
            mosaic.paint_indexed(tile.x, tile.y, self._palette_runs(tile, len(palette)), palette)
        else:
            raise RfbError(f"The server sent a ZRLE tile of the unknown kind {kind}.")

    def _take(self, count: int) -> bytes:
        start, self._offset = self._offset, self._offset + count
        if self._offset > len(self._data):
            raise RfbError("The server sent compressed data that is shorter than its picture.")
        return self._data[start : self._offset]

    def _palette(self, count: int) -> list[int]:
        colours: list[int] = self._layout.colours(self._take(count * self._layout.size)).tolist()
        return colours

    def _packed(self, tile: Rect, count: int) -> NDArray[np.uint8]:
        bits = 1 if count == 2 else 2 if count <= 4 else 4
        stride = -(-tile.width * bits // 8)
        packed = np.frombuffer(self._take(stride * tile.height), np.uint8)
        indexes = _UNPACKING[bits].take(packed).view(np.uint8).reshape(tile.height, -1)[:, : tile.width]
        return _inside(indexes, count)

    def _plain_runs(self, tile: Rect) -> NDArray[np.uint32]:
        area = tile.width * tile.height
        pixels, lengths, self._offset = plain_runs(self._data, self._offset, area, self._layout.size)
        self._runs += len(lengths)
        return np.repeat(self._layout.colours(pixels), lengths).reshape(tile.height, tile.width)

    def _palette_runs(self, tile: Rect, count: int) -> NDArray[np.uint8]:
        indexes, lengths, self._offset = palette_runs(self._data, self._offset, tile.width * tile.height)
        self._runs += len(lengths)
        values = _inside(np.frombuffer(indexes, np.uint8), count)
        return np.repeat(values, lengths).reshape(tile.height, tile.width)


def _inside(indexes: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    if indexes.max() >= count:
        raise RfbError("The server sent a pixel past the end of its palette.")
    return indexes
