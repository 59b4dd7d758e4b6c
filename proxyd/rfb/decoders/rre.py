"""RRE: a background and rectangles on it (RFC 6143 section 7.7.3)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from proxyd.display.ops import Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.mosaic import Mosaic, fill

if TYPE_CHECKING:
    from proxyd.display.ops import Op
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen
    from proxyd.rfb.mosaic import Places
    from proxyd.rfb.pixels import Colours, Layout

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
        places, colours = _parts((yield from buffer.exactly(count * (layout.size + 8))), rect, layout)
        if not rect.width or not rect.height:
            return []
        if count <= FEW:
            parts = zip(places.tolist(), colours.tolist(), strict=True)
            return [
                fill(rect, background),
                *(fill(Rect(rect.x + x, rect.y + y, *size), colour) for (x, y, *size), colour in parts),
            ]
        mosaic = Mosaic(rect)
        mosaic.fill(0, 0, rect.width, rect.height, background)
        mosaic.fill_many(places, colours)
        return [mosaic.op(lossy=screen.lossy)]


def _parts(data: bytes, rect: Rect, layout: Layout) -> tuple[Places, Colours]:
    """The rectangles that show anything: x, y, width, height inside `rect`, and their colours.

    Raises:
        RfbError: one of them leaves `rect`.
    """
    records = np.frombuffer(data, [("pixel", f"V{layout.size}"), ("place", ">u2", (4,))])
    places = records["place"].astype(np.int64)
    if (places[:, :2] + places[:, 2:] > (rect.width, rect.height)).any():
        raise RfbError("The server sent a rectangle that leaves its picture.")
    visible = (places[:, 2:] > 0).all(1)
    return places[visible], layout.colours(records["pixel"].tobytes())[visible]
