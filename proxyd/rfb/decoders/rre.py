"""RRE: a background and rectangles on it (RFC 6143 section 7.7.3)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from proxyd.display.ops import Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.mosaic import Mosaic, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.display.ops import Op
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen
    from proxyd.rfb.pixels import Layout

__all__ = ["Rre"]

FEW = 8
"""Up to so many rectangles are drawn as they are; more become one picture."""

_COUNT = Struct(">I")


class Rre:
    """Encoding 2."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        layout = screen.pixels.pixel
        (count,) = yield from buffer.unpack(_COUNT)
        if count > rect.width * rect.height:
            raise RfbError("The server sent more rectangles than its picture has pixels.")
        background = layout.colour((yield from buffer.exactly(layout.size)))
        parts = _parts((yield from buffer.exactly(count * (layout.size + 8))), rect, layout)
        if not rect.width or not rect.height:
            return []
        if count <= FEW:
            moved = ((part._replace(x=rect.x + part.x, y=rect.y + part.y), colour) for part, colour in parts)
            return [fill(rect, background), *(fill(part, colour) for part, colour in moved)]
        mosaic = Mosaic(rect)
        mosaic.fill(0, 0, rect.width, rect.height, background)
        for part, colour in parts:
            mosaic.fill(*part, colour)
        return [mosaic.op(lossy=screen.lossy)]


def _parts(data: bytes, rect: Rect, layout: Layout) -> Iterator[tuple[Rect, int]]:
    """The rectangles, relative to `rect`, and their colours.

    Raises:
        RfbError: one of them leaves `rect`.
    """
    records = np.frombuffer(data, [("pixel", f"V{layout.size}"), ("place", ">u2", (4,))])
    places = records["place"].astype(np.int64)
    corners = places[:, :2] + places[:, 2:]
    if (corners > (rect.width, rect.height)).any():
        raise RfbError("The server sent a rectangle that leaves its picture.")
    visible = (places[:, 2:] > 0).all(1)
    colours = layout.colours(records["pixel"].tobytes())
    return zip((Rect(*place) for place in places[visible].tolist()), colours[visible].tolist(), strict=True)
