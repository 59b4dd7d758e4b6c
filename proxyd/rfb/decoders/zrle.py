"""ZRLE: tiles of 64x64 in a zlib stream (RFC 6143 section 7.7.6)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

from proxyd.display.ops import Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.inflate import Inflater, deflated_limit
from proxyd.rfb.mosaic import Mosaic, bands, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

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

_LENGTH = Struct(">I")


class Zrle:
    """Encoding 16."""

    def __init__(self) -> None:
        self._inflater = Inflater()

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        layout = screen.pixels.cpixel
        limit = _inflated_limit(rect, layout.size)
        (length,) = yield from buffer.unpack(_LENGTH)
        if length > deflated_limit(limit):
            raise RfbError("The server sent more compressed data than its picture can need.")
        tiles = _Tiles(self._inflater.at_most((yield from buffer.exactly(length)), limit), layout)
        ops: list[Op] = []
        for band in bands(rect, TILE):
            mosaic = Mosaic(band)
            for tile in _tiles(band.width, band.height):
                tiles.paint(tile, mosaic)
            ops.append(mosaic.op(lossy=screen.lossy))
            yield
        if tiles.left:
            raise RfbError("The server sent compressed data that is larger than its picture.")
        return merge(ops)


def _inflated_limit(rect: Rect, pixel_size: int) -> int:
    """What the costliest subencodings make of a rectangle: a full palette and a run for every pixel."""
    tiles = -(-rect.width // TILE) * -(-rect.height // TILE)
    return tiles * (1 + 127 * pixel_size) + rect.width * rect.height * (pixel_size + 1)


def _tiles(width: int, height: int) -> Iterator[Rect]:
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            yield Rect(x, y, min(TILE, width - x), min(TILE, height - y))


def _unpacking(bits: int) -> NDArray[np.unsignedinteger]:
    """For every byte the indexes packed in it, themselves one a byte, as one number."""
    shifts = range(8 - bits, -1, -bits)
    indexes = [[byte >> shift & (1 << bits) - 1 for shift in shifts] for byte in range(256)]
    return np.array(indexes, np.uint8).view(f"u{8 // bits}")[:, 0]


_UNPACKING = {bits: _unpacking(bits) for bits in (1, 2, 4)}


class _Tiles:
    """The inflated data of a rectangle, read tile by tile."""

    def __init__(self, data: bytes, layout: Layout) -> None:
        self._data = data
        self._offset = 0
        self._layout = layout

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._offset

    def paint(self, tile: Rect, mosaic: Mosaic) -> None:
        """Read one tile."""
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
        size, area = self._layout.size, tile.width * tile.height
        pixels: list[bytes] = []
        runs: list[int] = []
        total = 0
        while total < area:
            pixels.append(self._take(size))
            runs.append(self._run())
            total += runs[-1]
        return _spread(self._layout.colours(b"".join(pixels)), runs, tile)

    def _palette_runs(self, tile: Rect, count: int) -> NDArray[np.uint8]:
        area = tile.width * tile.height
        indexes = bytearray()
        runs: list[int] = []
        total = 0
        while total < area:
            (index,) = self._take(1)
            indexes.append(index & 127)
            runs.append(self._run() if index & 128 else 1)
            total += runs[-1]
        return _spread(_inside(np.frombuffer(indexes, np.uint8), count), runs, tile)

    def _run(self) -> int:
        run = 1
        while (part := self._take(1)[0]) == 255:
            run += 255
        return run + part


def _inside(indexes: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    if indexes.max() >= count:
        raise RfbError("The server sent a pixel past the end of its palette.")
    return indexes


def _spread(values: NDArray[Any], runs: list[int], tile: Rect) -> NDArray[Any]:
    if sum(runs) != tile.width * tile.height:
        raise RfbError("The server sent a run that leaves its tile.")
    return np.repeat(values, runs).reshape(tile.height, tile.width)
