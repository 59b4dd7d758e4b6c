"""Raw: pixels, row by row (RFC 6143 section 7.7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.rfb.mosaic import bands, merge, plain

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["Raw"]


class Raw:
    """Encoding 0."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        layout = screen.pixels.pixel
        ops: list[Op] = []
        for band in bands(rect):
            data = yield from buffer.exactly(band.width * band.height * layout.size)
            ops.append(plain(band, layout.rgb(data), quality=screen.quality))
            yield
        return merge(ops)
