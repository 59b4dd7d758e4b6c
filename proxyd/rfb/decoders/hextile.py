"""Hextile: tiles of 16x16, each with a background and rectangles on it (RFC 6143 section 7.7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from proxyd.rfb.errors import RfbError
from proxyd.rfb.mosaic import Mosaic, bands, merge

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen
    from proxyd.rfb.mosaic import Places
    from proxyd.rfb.pixels import Layout

__all__ = ["Hextile"]

TILE = 16
RAW, BACKGROUND, FOREGROUND, SUBRECTS, COLOURED = 1, 2, 4, 8, 16
"""Bits of a tile's mask."""
AT_ONCE = 8192
"""Rectangles painted in one go."""


class Hextile:
    """Encoding 5."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        tiles = _Tiles(buffer, screen.pixels.pixel)
        ops: list[Op] = []
        for band in bands(rect, TILE):
            mosaic = Mosaic(band)
            for y in range(0, band.height, TILE):
                yield from tiles.paint_row(mosaic, y, band.width, min(TILE, band.height - y))
                if tiles.waiting > AT_ONCE:
                    tiles.finish(mosaic)
                yield
            tiles.finish(mosaic)
            ops.append(mosaic.op(quality=screen.quality))
        return merge(ops)


class _Tiles:
    """Reads tile after tile; colours that a tile leaves out are the last ones given.

    A strict server gives them again after a raw or a coloured tile; those that do not are understood as well.
    """

    def __init__(self, buffer: Buffer, layout: Layout) -> None:
        self._buffer = buffer
        self._layout = layout
        self._background = b""
        self._foreground = b""
        self._raw: list[tuple[int, int, int, int]] = []
        self._raw_pixels: list[bytes] = []
        self._parts: list[_Parts] = []

    @property
    def waiting(self) -> int:
        """Rectangles that `finish` would paint."""
        return sum(part.amount for part in self._parts)

    def paint_row(self, mosaic: Mosaic, y: int, width: int, height: int) -> Reading[None]:
        """Read a row of tiles and paint their backgrounds; the rest is left to `finish`."""
        for x in range(0, width, TILE):
            yield from self._paint(mosaic, x, y, min(TILE, width - x), height)

    def _paint(self, mosaic: Mosaic, x: int, y: int, width: int, height: int) -> Reading[None]:
        buffer, size = self._buffer, self._layout.size
        (mask,) = yield from buffer.exactly(1)
        if mask & RAW:
            self._raw.append((x, y, width, height))
            self._raw_pixels.append((yield from buffer.exactly(width * height * size)))
            return
        if mask & BACKGROUND:
            self._background = yield from buffer.exactly(size)
        if mask & FOREGROUND:
            self._foreground = yield from buffer.exactly(size)
        mosaic.fill(x, y, width, height, self._layout.colour(_known(self._background)))
        if mask & SUBRECTS:
            (count,) = yield from buffer.exactly(1)
            foreground = b"" if mask & COLOURED else _known(self._foreground)
            data = yield from buffer.exactly(count * (2 if foreground else size + 2))
            self._parts.append(_Parts(x, y, width, height, count, foreground, data))

    def finish(self, mosaic: Mosaic) -> None:
        """Paint what the tiles since the last call hold; as they do not overlap, their order is free.

        Raises:
            RfbError: a rectangle leaves its tile.
        """
        colours = self._layout.colours(b"".join(self._raw_pixels))
        start = 0
        for x, y, width, height in self._raw:
            end = start + width * height
            mosaic.paint(x, y, colours[start:end].reshape(height, width))
            start = end
        for coloured in (False, True):
            parts = [part for part in self._parts if coloured != bool(part.foreground)]
            if parts:
                places, pixels = _together(parts, self._layout.size if coloured else 0)
                mosaic.fill_many(places, self._layout.colours(pixels))
        for done in (self._raw, self._raw_pixels, self._parts):
            done.clear()


class _Parts(NamedTuple):
    """The rectangles of one tile, as they were sent: with a pixel each unless there is a foreground."""

    x: int
    y: int
    width: int
    height: int
    amount: int
    foreground: bytes
    data: bytes


def _together(parts: list[_Parts], pixel_size: int) -> tuple[Places, bytes]:
    """The rectangles of many tiles, by far quicker to paint at once than one by one: x, y, width, height; pixels.

    Raises:
        RfbError: one of them leaves its tile.
    """
    record = np.dtype([("pixel", f"V{pixel_size}"), ("corner", "u1"), ("extent", "u1")])
    records = np.frombuffer(b"".join([part.data for part in parts]), record)
    counts = [part.amount for part in parts]
    tiles = np.repeat(np.array([part[:4] for part in parts], np.int64), counts, axis=0)
    corner = np.stack((records["corner"] >> 4, records["corner"] & 15), -1).astype(np.int64)
    extent = np.stack((records["extent"] >> 4, records["extent"] & 15), -1).astype(np.int64) + 1
    if (corner + extent > tiles[:, 2:]).any():
        raise RfbError("The server sent a rectangle that leaves its tile.")
    pixels = (
        records["pixel"].tobytes()
        if pixel_size
        else b"".join([part.foreground * part.amount for part in parts])
    )
    return np.concatenate((tiles[:, :2] + corner, extent), -1), pixels


def _known(pixel: bytes) -> bytes:
    if not pixel:
        raise RfbError("The server sent a tile without saying its colour.")
    return pixel
