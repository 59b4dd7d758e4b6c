"""CopyRect: the picture has moved."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.display.ops import Copy
from proxyd.rfb.errors import RfbError

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["CopyRect"]

_SOURCE = Struct(">HH")


class CopyRect:
    """Encoding 1: the rectangle's picture stands elsewhere already."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        x, y = yield from buffer.unpack(_SOURCE)
        if x + rect.width > screen.width or y + rect.height > screen.height:
            raise RfbError("The server copied from outside its screen.")
        if not rect.width or not rect.height:
            return []
        return [Copy(x, y, rect.width, rect.height, rect.x, rect.y)]
