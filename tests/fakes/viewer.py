"""A browser's picture from the instructions it receives: bytes of a session in, pixels out.

viewer = Viewer()
viewer.feed(data)
viewer.canvas.picture()
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image as PillowImage

from proxyd.display.ops import Copy, Cursor, Dispose, Fill, Image, Move, Rect, Shade, Size
from proxyd.wire.instruction import InstructionParser
from tests.fakes.canvas import Canvas

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.wire.instruction import Instruction

__all__ = ["Viewer"]


class Viewer:
    """Strict where browsers stall or draw nonsense: it fails on what they would only survive.

    Attributes:
        canvas: layers and buffers.
        syncs: timestamps of the frames that ended.
        pictures: mimetype and bytes of every image, for those who count.
    """

    def __init__(self) -> None:
        self.canvas = Canvas()
        self.syncs: list[int] = []
        self.pictures: list[tuple[str, int]] = []
        self._parser = InstructionParser()
        self._images: dict[str, tuple[Image, list[bytes]]] = {}
        self._paths: dict[str, Rect] = {}
        self._drawing: dict[str, Callable[..., None]] = {
            "img": self._img, "blob": self._blob, "end": self._end, "rect": self._rect, "cfill": self._cfill,
            "copy": self._copy, "size": self._size, "cursor": self._cursor, "move": self._move, "shade": self._shade,
            "dispose": self._dispose, "sync": self._sync,
        }  # fmt: skip

    def feed(self, data: bytes) -> list[Instruction]:
        """Draw what the bytes complete; return what is not about drawing."""
        others: list[Instruction] = []
        for instruction in self._parser.feed(data):
            draw = self._drawing.get(instruction.opcode)
            if draw is None:
                others.append(instruction)
            else:
                draw(*instruction.args)
        return others

    # -- images ----------------------------------------------------------------------------------------------------

    def _img(self, stream: str, mask: str, layer: str, mimetype: str, x: str, y: str) -> None:
        assert stream not in self._images, "an image stream is opened twice"
        self._images[stream] = Image(int(x), int(y), 0, 0, mimetype, b"", int(layer), int(mask)), []

    def _blob(self, stream: str, data: str) -> None:
        if stream in self._images:  # else it belongs to a clipboard, a file...
            self._images[stream][1].append(base64.b64decode(data, validate=True))

    def _end(self, stream: str) -> None:
        if stream not in self._images:
            return
        opened, parts = self._images.pop(stream)
        data = b"".join(parts)
        with PillowImage.open(io.BytesIO(data)) as picture:
            assert f"image/{picture.format or ''}".lower() == opened.mimetype, "an image is not what it says"
            width, height = picture.size
        self.canvas.apply(opened._replace(width=width, height=height, data=data))
        self.pictures.append((opened.mimetype, len(data)))

    # -- shapes ----------------------------------------------------------------------------------------------------

    def _rect(self, layer: str, *place: str) -> None:
        assert layer not in self._paths, "a path of several rectangles"
        self._paths[layer] = Rect(*map(int, place))

    def _cfill(self, mask: str, layer: str, *colour: str) -> None:
        self.canvas.apply(Fill(*self._paths.pop(layer), *map(int, colour), layer=int(layer), mask=int(mask)))

    def _copy(
        self,
        source: str,
        x: str,
        y: str,
        width: str,
        height: str,
        mask: str,
        layer: str,
        to_x: str,
        to_y: str,
    ) -> None:
        place = (int(x), int(y), int(width), int(height), int(to_x), int(to_y))
        self.canvas.apply(Copy(*place, source=int(source), layer=int(layer), mask=int(mask)))

    # -- layers ----------------------------------------------------------------------------------------------------

    def _size(self, layer: str, width: str, height: str) -> None:
        self.canvas.apply(Size(int(width), int(height), int(layer)))

    def _move(self, *numbers: str) -> None:
        self.canvas.apply(Move(*map(int, numbers)))

    def _shade(self, layer: str, opacity: str) -> None:
        self.canvas.apply(Shade(int(layer), int(opacity)))

    def _dispose(self, layer: str) -> None:
        self.canvas.apply(Dispose(int(layer)))

    def _cursor(self, hot_x: str, hot_y: str, source: str, x: str, y: str, width: str, height: str) -> None:
        left, top, wide, high = int(x), int(y), int(width), int(height)
        shape = self.canvas.layer(int(source))[top : top + high, left : left + wide]
        self.canvas.apply(Cursor(int(hot_x), int(hot_y), wide, high, shape.tobytes()))

    def _sync(self, timestamp: str, merged: str = "0") -> None:
        assert not self._images, "a frame ends inside an image"
        assert not self._paths, "a frame ends inside a path"
        self.syncs.append(int(timestamp))
