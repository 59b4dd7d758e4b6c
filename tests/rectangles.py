"""Feed a decoder and look at what it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from proxyd.display.ops import Rect, Size
from proxyd.rfb.buffer import Buffer
from proxyd.rfb.decoders.base import Screen
from proxyd.rfb.pixels import RGB888, PixelFormat, PixelReader
from tests.fakes.canvas import Canvas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from proxyd.display.ops import Op
    from proxyd.rfb.decoders.base import Decoder


class UnfinishedError(Exception):
    """The decoder waits for more bytes."""


def screen(
    pixel_format: PixelFormat = RGB888, width: int = 4096, height: int = 4096, *, quality: int = 0
) -> Screen:
    return Screen(width, height, PixelReader(pixel_format), quality)


def decode(
    decoder: Decoder, pieces: bytes | Iterable[bytes], rect: Rect, on: Screen | None = None
) -> list[Op]:
    """The operations of one rectangle whose payload arrives in pieces and is read to the last byte."""
    waiting = [pieces] if isinstance(pieces, bytes) else list(pieces)
    buffer = Buffer()
    reading = decoder.decode(buffer, rect, on or screen())
    try:
        while True:
            next(reading)
            if buffer.starved:
                if not waiting:
                    raise UnfinishedError
                buffer.feed(waiting.pop(0))
    except StopIteration as done:
        assert not any(waiting), "done before its last bytes came"
        assert len(buffer) == 0, f"{len(buffer)} bytes left over"
        return done.value


def pixels(ops: Iterable[Op], rect: Rect, under: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """What a browser shows at `rect` after the operations: (height, width, 3).

    `rect` is surrounded by pixels that must not change.
    """
    canvas = Canvas()
    canvas.apply(Size(rect.x + rect.width + 3, rect.y + rect.height + 3))
    layer = canvas.layer(0)
    layer[:] = (1, 2, 3, 255)
    if under is not None:
        layer[: under.shape[0], : under.shape[1], :3] = under
    before = layer.copy()
    for op in ops:
        canvas.apply(op)
    inside = slice(rect.y, rect.y + rect.height), slice(rect.x, rect.x + rect.width)
    drawn = layer[inside][..., :3].copy()
    layer[inside] = before[inside]
    assert np.array_equal(layer, before), "something was drawn outside of the rectangle"
    return drawn
