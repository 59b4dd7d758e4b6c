"""Pointer shapes (sheet section H.6): pixels with a mask, two colours, colours with alpha, and VMware's kinds."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

from proxyd.display.ops import Cursor
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import rgb_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["AlphaCursor", "MaskedCursor", "TwoColourCursor", "VmwareCursor"]

MAX_SIDE = 512
"""Pixels; larger pointers are refused."""

_COLOURS = Struct("3s3s")
_ENCODING = Struct(">i")
_VMWARE = Struct("Bx")
VMWARE_MASKS, VMWARE_ALPHA = 0, 1
BLACK, WHITE = 0, 0xFFFFFF


class MaskedCursor:
    """Encoding -239: pixels and a bit mask of those that show."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one shape: see `Decoder.decode`."""
        _check(rect)
        layout = screen.pixels.pixel
        pixels = yield from buffer.exactly(rect.width * rect.height * layout.size)
        mask = yield from _bits(buffer, rect)
        return [_cursor(rect, _with_alpha(layout.rgb(pixels), mask))]


class TwoColourCursor:
    """Encoding -240: foreground, background, a bitmap that chooses and a mask."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one shape: see `Decoder.decode`."""
        _check(rect)
        if not rect.width or not rect.height:
            return [Cursor(0, 0, 0, 0, b"")]
        foreground, background = yield from buffer.unpack(_COLOURS)
        chosen = yield from _bits(buffer, rect)
        mask = yield from _bits(buffer, rect)
        colours = np.frombuffer(background + foreground, np.uint8).reshape(2, 3)
        return [_cursor(rect, _with_alpha(colours[chosen].tobytes(), mask))]


class AlphaCursor:
    """Encoding -314: premultiplied R, G, B, A. Servers send it raw, the only inner encoding understood here."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one shape: see `Decoder.decode`."""
        _check(rect)
        (inner,) = yield from buffer.unpack(_ENCODING)
        if inner != Encoding.RAW:
            raise RfbError(f"The server sent a pointer in encoding {inner}.")
        return [_cursor(rect, _straight((yield from buffer.exactly(rect.width * rect.height * 4))))]


class VmwareCursor:
    """Encoding 0x574d5664: masks to AND and XOR with the screen, or straight R, G, B, A."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one shape: see `Decoder.decode`."""
        _check(rect)
        (kind,) = yield from buffer.unpack(_VMWARE)
        count = rect.width * rect.height
        if kind == VMWARE_ALPHA:
            return [_cursor(rect, (yield from buffer.exactly(count * 4)))]
        if kind != VMWARE_MASKS:
            raise RfbError(f"The server sent a pointer of the unknown kind {kind}.")
        layout = screen.pixels.pixel
        and_mask = layout.colours((yield from buffer.exactly(count * layout.size)))
        xor_mask = layout.colours((yield from buffer.exactly(count * layout.size)))
        opaque = (and_mask != WHITE) | (xor_mask != BLACK)
        colours = np.where(and_mask == BLACK, xor_mask, BLACK)  # what inverts the screen is shown black
        return [_cursor(rect, _with_alpha(rgb_bytes(colours), opaque))]


def _check(rect: Rect) -> None:
    if rect.width > MAX_SIDE or rect.height > MAX_SIDE:
        raise RfbError(f"The server sent a pointer of {rect.width}x{rect.height} pixels.")


def _bits(buffer: Buffer, rect: Rect) -> Reading[Bytes]:
    """A bitmap: one element a pixel, 0 or 1. Its rows are padded to bytes, most significant bit left."""
    stride = -(-rect.width // 8)
    data = yield from buffer.exactly(stride * rect.height)
    rows = np.frombuffer(data, np.uint8).reshape(rect.height, stride)
    return np.unpackbits(rows, axis=1, count=rect.width).ravel()


def _with_alpha(rgb: bytes, opaque: NDArray[Any]) -> bytes:
    colours = np.frombuffer(rgb, np.uint8).reshape(-1, 3)
    return np.column_stack((colours, opaque.astype(np.uint8) * np.uint8(255))).tobytes()


def _straight(data: bytes) -> bytes:
    """Divide R, G, B by A."""
    pixels = np.frombuffer(data, np.uint8).reshape(-1, 4).astype(np.uint32)
    alpha = np.maximum(pixels[:, 3:], 1)
    pixels[:, :3] = np.minimum((pixels[:, :3] * 255 + alpha // 2) // alpha, 255)
    return pixels.astype(np.uint8).tobytes()


def _cursor(rect: Rect, rgba: bytes) -> Cursor:
    """The shape with its hot spot moved inside."""
    hot_x, hot_y = (min(at, max(side - 1, 0)) for at, side in ((rect.x, rect.width), (rect.y, rect.height)))
    return Cursor(hot_x, hot_y, rect.width, rect.height, rgba)
