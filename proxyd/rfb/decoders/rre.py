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
AT_ONCE = 8192
"""Rectangles read and painted in one go."""

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
        if count <= FEW:
            places, colours = yield from _parts(buffer, count, rect, layout)
            ops = [fill(rect, background), *map(fill, _moved(places, rect), colours.tolist())]
            return [op for op in ops if op.width and op.height]
        mosaic = Mosaic(rect)
        mosaic.fill(0, 0, rect.width, rect.height, background)
        for start in range(0, count, AT_ONCE):
            places, colours = yield from _parts(buffer, min(AT_ONCE, count - start), rect, layout)
            mosaic.fill_many(places, colours)
            yield
        return [mosaic.op(quality=screen.quality)]


def _parts(buffer: Buffer, count: int, rect: Rect, layout: Layout) -> Reading[tuple[Places, Colours]]:
    """The next rectangles: x, y, width, height inside `rect`, and their colours.

    Raises:
        RfbError: one of them leaves `rect`.
    """
    record = np.dtype([("pixel", f"V{layout.size}"), ("place", ">u2", (4,))])
    records = np.frombuffer((yield from buffer.exactly(count * record.itemsize)), record)
    places = records["place"].astype(np.int64)
    if (places[:, :2] + places[:, 2:] > (rect.width, rect.height)).any():
        raise RfbError("The server sent a rectangle that leaves its picture.")
    return places, layout.colours(records["pixel"].tobytes())


def _moved(places: Places, rect: Rect) -> list[Rect]:
    return [Rect(rect.x + x, rect.y + y, width, height) for x, y, width, height in places.tolist()]
