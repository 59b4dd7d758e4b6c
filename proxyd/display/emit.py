"""Drawing operations to Guacamole instructions (sheet section 3)."""

from __future__ import annotations

import io
from binascii import b2a_base64
from typing import TYPE_CHECKING

from PIL import Image as PillowImage

from proxyd.display.ops import Copy, Cursor, Dispose, Fill, Image, Mask, Move, Op, Shade, Size
from proxyd.wire.instruction import BLOB_BYTES, encode

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CURSOR_BUFFER", "blobs", "emit", "stream", "sync"]

CURSOR_BUFFER = -64
"""The off-screen buffer that holds the pointer's shape; painters use buffers near -1."""
IMAGE_STREAM = 1
"""Images are sent contiguously, so one odd (broadcast, never acknowledged) index serves them all."""

_BLOB_HEAD = {index: f"4.blob,{len(str(index))}.{index},".encode() for index in range(64)}
_FULL_BLOB = f"{len(b2a_base64(bytes(BLOB_BYTES), newline=False))}.".encode()


def emit(op: Op) -> bytes:
    """The instructions of one operation; `Pixels` and `Indexed` must have been encoded to `Image` before."""
    return _EMITTERS[type(op)](op)


def sync(timestamp: int, merged: int) -> bytes:
    """The end of a frame. `merged`: remote frames that went into it, 0 is unknown."""
    return encode("sync", timestamp, merged)


def stream(index: int, data: bytes) -> bytes:
    """`blob`s that carry `data`, then `end`."""
    return blobs(index, data) + encode("end", index)


def blobs(index: int, data: bytes) -> bytes:
    """`blob`s that carry `data`."""
    head = _BLOB_HEAD[index] if index in _BLOB_HEAD else f"4.blob,{len(str(index))}.{index},".encode()
    parts: list[bytes] = []
    for start in range(0, len(data), BLOB_BYTES):
        text = b2a_base64(data[start : start + BLOB_BYTES], newline=False)
        size = _FULL_BLOB if start + BLOB_BYTES <= len(data) else b"%d." % len(text)
        parts += (head, size, text, b";")
    return b"".join(parts)


def _image(op: Image) -> bytes:
    return encode("img", IMAGE_STREAM, op.mask, op.layer, op.mimetype, op.x, op.y) + stream(
        IMAGE_STREAM, op.data
    )


def _fill(op: Fill) -> bytes:
    return encode("rect", op.layer, op.x, op.y, op.width, op.height) + encode(
        "cfill", op.mask, op.layer, op.red, op.green, op.blue, op.alpha
    )


def _copy(op: Copy) -> bytes:
    return encode(
        "copy", op.source, op.source_x, op.source_y, op.width, op.height, op.mask, op.layer, op.x, op.y
    )


def _cursor(op: Cursor) -> bytes:
    if op.width <= 0 or op.height <= 0:
        op = Cursor(0, 0, 1, 1, bytes(4))
    png = io.BytesIO()
    PillowImage.frombytes("RGBA", (op.width, op.height), op.data).save(png, "PNG", compress_level=1)
    return b"".join(
        (
            _size(Size(op.width, op.height, CURSOR_BUFFER)),
            _image(Image(0, 0, op.width, op.height, "image/png", png.getvalue(), CURSOR_BUFFER, Mask.SRC)),
            encode("cursor", op.hot_x, op.hot_y, CURSOR_BUFFER, 0, 0, op.width, op.height),
        )
    )


def _size(op: Size) -> bytes:
    return encode("size", op.layer, op.width, op.height)


def _move(op: Move) -> bytes:
    return encode("move", op.layer, op.parent, op.x, op.y, op.z)


def _shade(op: Shade) -> bytes:
    return encode("shade", op.layer, op.opacity)


def _dispose(op: Dispose) -> bytes:
    return encode("dispose", op.layer)


_EMITTERS: dict[type, Callable[..., bytes]] = {
    Image: _image,
    Fill: _fill,
    Copy: _copy,
    Cursor: _cursor,
    Size: _size,
    Move: _move,
    Shade: _shade,
    Dispose: _dispose,
}
