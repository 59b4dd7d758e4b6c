"""What a browser would show: layers and buffers that drawing operations act on, in numpy."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from proxyd.display.encode import encode
from proxyd.display.ops import (
    Copy,
    Cursor,
    Dispose,
    Fill,
    Image,
    Indexed,
    Mask,
    Move,
    Op,
    Pixels,
    Shade,
    Size,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    RGBA = NDArray[np.uint8]

__all__ = ["Canvas"]


class Canvas:
    """Feed it operations with `apply`, then look at `picture`.

    Attributes:
        pointer: the last `Cursor`.
    """

    def __init__(self) -> None:
        self._layers: dict[int, RGBA] = {}
        self._places: dict[int, Move] = {}
        self._opacity: dict[int, int] = {}
        self.pointer: Cursor | None = None

    def apply(self, op: Op) -> None:
        """Draw one operation as a browser does."""
        match op:
            case Size(width, height, layer):
                self._resize(layer, width, height)
            case Fill():
                colour = np.array([op.red, op.green, op.blue, op.alpha], np.uint8)
                self._draw(op.layer, op.x, op.y, np.broadcast_to(colour, (op.height, op.width, 4)), op.mask)
            case Copy():
                end_x, end_y = op.source_x + op.width, op.source_y + op.height
                taken = self.layer(op.source)[op.source_y : end_y, op.source_x : end_x].copy()
                self._draw(op.layer, op.x, op.y, taken, op.mask)
            case Image():
                image = np.asarray(PillowImage.open(io.BytesIO(op.data)).convert("RGBA"))
                assert image.shape[:2] == (op.height, op.width), "an image does not have the size it claims"
                self._draw(op.layer, op.x, op.y, image, op.mask)
            case Indexed() | Pixels():
                self.apply(encode(op, accepts=frozenset({"image/jpeg"})))
            case Cursor():
                self.pointer = op
            case Move():
                assert op.layer > 0, "only layers move"
                self._places[op.layer] = op
            case Shade():
                self._opacity[op.layer] = op.opacity
            case Dispose(layer):
                for table in (self._layers, self._places, self._opacity):
                    table.pop(layer, None)

    def layer(self, index: int) -> RGBA:
        """The pixels of a layer or buffer, R G B A."""
        return self._layers.setdefault(index, np.zeros((0, 0, 4), np.uint8))

    def picture(self) -> NDArray[np.uint8]:
        """Layer 0 with all visible layers on it: (height, width, 3), R G B."""
        shown = Canvas()
        shown._layers[0] = self.layer(0).copy()
        visible = (index for index in self._layers if index > 0)
        for index in sorted(visible, key=lambda index: (self._place(index)[2], index)):
            x, y, _ = self._place(index)
            pixels = self._layers[index].astype(np.uint16)
            pixels[..., 3] = pixels[..., 3] * self._opacity.get(index, 255) // 255
            shown._draw(0, x, y, pixels.astype(np.uint8), Mask.OVER)
        return shown.layer(0)[..., :3]

    def save(self, path: str) -> None:
        """Write the picture as PNG, to look at."""
        PillowImage.fromarray(self.picture()).save(path)

    def _place(self, index: int) -> tuple[int, int, int]:
        """Where a layer is on layer 0, and its order: that of the topmost parent below layer 0."""
        move = self._places.get(index, Move(index, 0, 0, 0, 0))
        if move.parent == 0:
            return move.x, move.y, move.z
        x, y, z = self._place(move.parent)
        return x + move.x, y + move.y, z

    def _resize(self, index: int, width: int, height: int) -> None:
        old = self.layer(index)
        new = np.zeros((height, width, 4), np.uint8)
        rows, columns = min(height, old.shape[0]), min(width, old.shape[1])
        new[:rows, :columns] = old[:rows, :columns]
        self._layers[index] = new

    def _draw(self, index: int, x: int, y: int, source: RGBA, mask: int) -> None:
        target = self.layer(index)
        if index < 0 and (x + source.shape[1] > target.shape[1] or y + source.shape[0] > target.shape[0]):
            self._resize(
                index, max(target.shape[1], x + source.shape[1]), max(target.shape[0], y + source.shape[0])
            )
            target = self.layer(index)
        below = target[max(y, 0) : y + source.shape[0], max(x, 0) : x + source.shape[1]]
        above = source[max(-y, 0) :, max(-x, 0) :][: below.shape[0], : below.shape[1]]
        below[:] = _composite(below, above, mask)


def _composite(below: RGBA, above: RGBA, mask: int) -> RGBA:
    """Porter and Duff's operators; bits of the mask: 1 and 2 keep what is below where the source is and is not,
    4 and 8 draw the source where something was and was not below."""
    if mask == Mask.SRC or (mask == Mask.OVER and above[..., 3].min(initial=255) == 255):
        return above
    source, target = above[..., 3:] / 255, below[..., 3:] / 255
    drawn = source * (target * bool(mask & 4) + (1 - target) * bool(mask & 8))
    kept = target * (source * bool(mask & 1) + (1 - source) * bool(mask & 2))
    total = drawn + kept
    colours = (above[..., :3] * drawn + below[..., :3] * kept) / np.maximum(total, 1e-9)
    return np.rint(np.concatenate([colours, total * 255], axis=-1)).astype(np.uint8)
