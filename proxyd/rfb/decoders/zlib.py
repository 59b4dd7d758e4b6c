"""Zlib: raw pixels in a zlib stream (community document, section 7.7.10)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.rfb.inflate import Inflater
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
        (length,) = yield from buffer.unpack(_LENGTH)
        self._inflater.begin(buffer, length, rect.width * rect.height * layout.size)
        ops: list[Op] = []
        for band in bands(rect):
            data = yield from self._inflater.exactly(band.width * band.height * layout.size)
            ops.append(plain(band, layout.rgb(data), quality=screen.quality))
            yield
        yield from self._inflater.end()
        return merge(ops)
