"""Drawing operations to Guacamole instructions (sheet section 3)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pybase64
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

_BLOB_TEXT = BLOB_BYTES * 4 // 3
_BLOB_HEAD = {index: f"4.blob,{len(str(index))}.{index},".encode() for index in range(64)}
_FULL_BLOB = f"{_BLOB_TEXT}.".encode()
_SMALL_IMAGE = b"%%s%s%%d.%%s;%s" % (_BLOB_HEAD[IMAGE_STREAM], encode("end", IMAGE_STREAM))


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
    text = pybase64.b64encode(data)  # whole blobs end without padding, so pieces of it are the blobs
    whole = len(text) - len(text) % _BLOB_TEXT
    parts: list[bytes] = []
    for start in range(0, whole, _BLOB_TEXT):
        parts += (head, _FULL_BLOB, text[start : start + _BLOB_TEXT], b";")
    if whole < len(text):
        parts += (head, b"%d." % (len(text) - whole), text[whole:], b";")
    return b"".join(parts)


def _image(op: Image) -> bytes:
    head = encode("img", IMAGE_STREAM, op.mask, op.layer, op.mimetype, op.x, op.y)
    if len(op.data) > BLOB_BYTES:
        return head + stream(IMAGE_STREAM, op.data)
    text = pybase64.b64encode(op.data)  # most pictures are small, and there are many
    return _SMALL_IMAGE % (head, len(text), text)


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
