"""Raw: pixels, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.display.ops import Pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["Raw"]


class Raw:
    """Encoding 0."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[Sequence[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        layout = screen.pixels.pixel
        data = yield from buffer.exactly(rect.width * rect.height * layout.size)
        return [Pixels(*rect, layout.rgb(data).tobytes())]
