"""The display of a browser, fed with instructions: what a person would see, from whatever daemon they come."""

from __future__ import annotations

import base64
import io
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image as PillowImage

from proxyd.display.ops import Copy, Cursor, Dispose, Fill, Image, Move, Op, Rect, Shade, Size
from tests.fakes.canvas import Canvas

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from proxyd.wire.instruction import Instruction

__all__ = ["Viewer"]


class Viewer:
    """Feed it every instruction with `take`; what a frame draws appears when the frame ends.

    Attributes:
        canvas: layers and pointer as they are shown now.
        frames: how many ended.
    """

    def __init__(self) -> None:
        self.canvas = Canvas()
        self.frames = 0
        self._unshown: list[Callable[[], None]] = []
        self._paths: dict[int, list[Rect]] = {}
        self._images: dict[str, tuple[Image, list[bytes]]] = {}

    def take(self, instruction: Instruction) -> None:
        """Follow one instruction; what draws nothing is passed over."""
        opcode, args = instruction
        match opcode:
            case "img":
                self._begin_image(*args)
            case "blob" if args[0] in self._images:
                self._images[args[0]][1].append(base64.b64decode(args[1]))
            case "end" if args[0] in self._images:
                self._draw(_completed(*self._images.pop(args[0])))
            case "sync":
                self._show()
            case "rect":
                layer, *place = map(int, args)
                self._paths.setdefault(layer, []).append(Rect(*place))
            case "cfill":
                self._fill(*map(int, args))
            case "cursor":
                self._unshown.append(partial(self._point, *map(int, args)))
            case _ if opcode in _OPERATIONS:
                self._draw(_OPERATIONS[opcode](*map(int, args)))

    def picture(self) -> NDArray[np.uint8]:
        """What is seen, visible layers included: (height, width, 3), R G B."""
        return self.canvas.picture()

    def desktop(self) -> NDArray[np.uint8]:
        """Layer 0 alone: (height, width, 3), R G B."""
        return self.canvas.layer(0)[..., :3]

    def _draw(self, op: Op) -> None:
        self._unshown.append(partial(self.canvas.apply, op))

    def _begin_image(self, stream: str, mask: str, layer: str, mimetype: str, x: str, y: str) -> None:
        self._images[stream] = Image(int(x), int(y), 0, 0, mimetype, b"", int(layer), int(mask)), []

    def _fill(self, mask: int, layer: int, red: int, green: int, blue: int, alpha: int) -> None:
        for place in self._paths.pop(layer, []):
            self._draw(Fill(*place, red, green, blue, alpha, layer, mask))

    def _point(self, hot_x: int, hot_y: int, source: int, x: int, y: int, width: int, height: int) -> None:
        pixels = self.canvas.layer(source)[y : y + height, x : x + width]
        self.canvas.apply(Cursor(hot_x, hot_y, width, height, pixels.tobytes()))

    def _show(self) -> None:
        for draw in self._unshown:
            draw()
        self._unshown.clear()
        self.frames += 1


def _completed(image: Image, parts: list[bytes]) -> Image:
    data = b"".join(parts)
    width, height = PillowImage.open(io.BytesIO(data)).size
    return image._replace(width=width, height=height, data=data)


def _copy(
    source: int, from_x: int, from_y: int, width: int, height: int, mask: int, layer: int, x: int, y: int
) -> Op:
    return Copy(from_x, from_y, width, height, x, y, source, layer, mask)


_OPERATIONS: dict[str, Callable[..., Op]] = {
    "copy": _copy,
    "size": lambda layer, width, height: Size(width, height, layer),
    "move": Move,
    "shade": Shade,
    "dispose": Dispose,
}
