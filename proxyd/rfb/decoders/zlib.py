"""Zlib: raw pixels in a zlib stream (community document, section 7.7.10)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.inflate import Inflater, deflated_limit
from proxyd.rfb.mosaic import bands, merge, plain

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["Zlib"]

_LENGTH = Struct(">I")


class Zlib:
    """Encoding 6."""

    def __init__(self) -> None:
        self._inflater = Inflater()

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        layout = screen.pixels.pixel
        size = rect.width * rect.height * layout.size
        (length,) = yield from buffer.unpack(_LENGTH)
        if length > deflated_limit(size):
            raise RfbError("The server sent more compressed data than its picture can need.")
        data = self._inflater.exactly((yield from buffer.exactly(length)), size)
        ops: list[Op] = []
        start = 0
        for band in bands(rect):
            end = start + band.width * band.height * layout.size
            ops.append(plain(band, layout.rgb(data[start:end]), lossy=screen.lossy))
            start = end
            yield
        return merge(ops)
