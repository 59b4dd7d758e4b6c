"""Tight and TightPNG (sheet section H.7): fills, images that pass through, and filtered pixels in four zlib streams."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from proxyd.display.ops import Indexed
from proxyd.rfb.errors import RfbError
from proxyd.rfb.gradient import restore
from proxyd.rfb.images import jpeg_image, png_image
from proxyd.rfb.inflate import Inflater
from proxyd.rfb.mosaic import fill, plain

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["Tight", "TightPng"]

STREAMS = 4
MAX_FILTERED_WIDTH = 2048
"""Filtered pixels do not come in wider rectangles; fills do, from some servers."""
MIN_DEFLATED = 12
"""Filtered pixels of fewer bytes are neither deflated nor preceded by their length."""

FILL, JPEG, PNG = 8, 9, 10
"""Kinds of rectangle, the high half of the control byte; below 8 are filtered pixels."""
STREAM, EXPLICIT_FILTER = 3, 4
"""Bits of the kind of filtered pixels."""
COPY, PALETTE, GRADIENT = 0, 1, 2
"""Filters."""
_INDEXES = bytes(range(256))


class Tight:
    """Encoding 7."""

    png = False

    def __init__(self) -> None:
        self._streams: defaultdict[int, Inflater] = defaultdict(Inflater)

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        (control,) = yield from buffer.exactly(1)
        for index in range(STREAMS):
            if control >> index & 1:
                self._streams.pop(index, None)
        op = yield from self._read(buffer, rect, screen, control >> 4)
        return [op] if rect.width and rect.height else []

    def _read(self, buffer: Buffer, rect: Rect, screen: Screen, kind: int) -> Reading[Op]:
        if kind == FILL:
            layout = screen.pixels.tpixel
            return fill(rect, layout.colour((yield from buffer.exactly(layout.size))))
        if kind == JPEG:
            return jpeg_image(rect, (yield from _block(buffer)))
        if kind == PNG and self.png:
            return png_image(rect, (yield from _block(buffer)))
        if kind < FILL:
            return (yield from self._filtered(buffer, rect, screen, kind))
        raise RfbError(f"The server sent a Tight rectangle of the unknown kind {kind}.")

    def _filtered(self, buffer: Buffer, rect: Rect, screen: Screen, kind: int) -> Reading[Op]:
        if rect.width > MAX_FILTERED_WIDTH:
            raise RfbError(f"The server sent a Tight rectangle {rect.width} pixels wide.")
        layout = screen.pixels.tpixel
        used = COPY
        if kind & EXPLICIT_FILTER:
            (used,) = yield from buffer.exactly(1)
        if used == PALETTE:
            (last,) = yield from buffer.exactly(1)
            palette = yield from buffer.exactly((last + 1) * layout.size)
            depth = 1 if last <= 1 else 8
            rows = yield from self._pixels(buffer, kind & STREAM, -(-rect.width * depth // 8) * rect.height)
            return _indexed(rect, depth, rows, layout.rgb(palette))
        if used not in (COPY, GRADIENT):
            raise RfbError(f"The server sent a Tight rectangle with the unknown filter {used}.")
        data = yield from self._pixels(buffer, kind & STREAM, rect.width * rect.height * layout.size)
        rgb = layout.rgb(data) if used == COPY else restore(data, rect.width, rect.height, layout)
        return plain(rect, rgb, quality=screen.quality)

    def _pixels(self, buffer: Buffer, stream: int, size: int) -> Reading[bytes]:
        """Filtered data that is `size` bytes long when inflated."""
        if size < MIN_DEFLATED:
            return (yield from buffer.exactly(size))
        inflater = self._streams[stream]
        inflater.begin(buffer, (yield from _length(buffer)), size)
        data = yield from inflater.exactly(size)
        yield from inflater.end()
        return data


class TightPng(Tight):
    """Encoding -260: PNG where Tight has filtered pixels; QEMU sends those too if a pixel is one byte."""

    png = True


def _block(buffer: Buffer) -> Reading[bytes]:
    """Bytes with their length before them; the length cannot exceed 4 MiB."""
    return (yield from buffer.exactly((yield from _length(buffer))))


def _length(buffer: Buffer) -> Reading[int]:
    """A compact length: 7, 7 and 8 bits, low ones first; bit 7 announces another byte."""
    (low,) = yield from buffer.exactly(1)
    if low < 0x80:
        return low
    (middle,) = yield from buffer.exactly(1)
    length = low & 0x7F | (middle & 0x7F) << 7
    if middle < 0x80:
        return length
    (high,) = yield from buffer.exactly(1)
    return length | high << 14


def _indexed(rect: Rect, depth: int, rows: bytes, palette: bytes) -> Op:
    """Palette pixels lie as PNG has them; nothing is left but to check the indexes."""
    colours = len(palette) // 3
    if depth == 1:
        return (
            Indexed(*rect, 1, rows, palette)
            if colours == 2
            else fill(rect, int.from_bytes(palette, "little"))
        )
    if rows.translate(None, _INDEXES[:colours]):
        raise RfbError("The server sent a pixel past the end of its palette.")
    return Indexed(*rect, 8, rows, palette)
