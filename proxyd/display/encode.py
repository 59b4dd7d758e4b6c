"""Pixels to PNG or JPEG, whichever is cheapest for what they show; a pure function.

PNG is framed here and deflated by ISA-L at level 1: per megapixel of text 2 ms where Pillow takes 25. Few colours become
a palette, which halves the bytes; photographs that must stay exact are filtered upwards, which does the same for them.
WebP is left out on purpose: measured, it takes ten times as long to save a quarter of the bytes at best.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from isal import isal_zlib
from PIL import Image as PillowImage

from proxyd.display.ops import Image, Indexed, Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes: TypeAlias = NDArray[np.uint8]

__all__ = ["cost", "encode", "suits_jpeg"]

MAX_COLOURS = 256
"""What a palette can hold."""
SAMPLE = 256
"""Pixels looked at to judge a picture."""
PHOTOGRAPHIC = SAMPLE // 4
"""A picture with more colours than this in its sample counts as a photograph."""
TOO_MANY = SAMPLE * 3 // 4
"""A picture with more colours than this in its sample will not fit a palette."""
MIN_JPEG_PIXELS = 1024
"""In smaller pictures the tables of a JPEG outweigh what it saves."""

_COSTS: dict[type, tuple[float, float]] = {Indexed: (0.02, 1.2e-6), Pixels: (0.08, 7e-6)}
"""Estimated milliseconds: each image, each pixel."""

_MULTIPLIERS = tuple(np.uint32((0x9E3779B1 * (2 * n + 1) << 8) & 0xFFFFFFFF) for n in range(32))
_HASH_BITS = 16

_PAIR = np.arange(1 << 16, dtype=np.uint32)
_PAIRS = {bits: (_PAIR << np.uint32(bits) | _PAIR >> np.uint32(8)).astype(np.uint8) for bits in (2, 4)}
"""Two bytes, the left one low, that hold `bits` bits each: as one byte."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOUR, _PALETTE = 2, 3
_NO_FILTER, _UP = 0, 2
_LEVEL = 1


def encode(op: Pixels | Indexed, *, accepts: frozenset[str]) -> Image:
    """The picture of `op` as an image that every viewer can show.

    Args:
        op: what to encode; at least one pixel.
        accepts: mimetypes that all viewers show; `image/png` is taken for granted.
    """
    mimetype = "image/png"
    if isinstance(op, Indexed):
        data = _indexed_png(op)
    elif op.quality and "image/jpeg" in accepts:
        mimetype, data = "image/jpeg", _jpeg(op)
    elif (distinct := _distinct(op.data)) <= TOO_MANY and (indexed := _reduce(op)):
        data = _indexed_png(indexed)
    else:
        data = _true_colour_png(op, _UP if distinct > PHOTOGRAPHIC else _NO_FILTER)
    return Image(op.x, op.y, op.width, op.height, mimetype, data, op.layer, op.mask)


def suits_jpeg(rgb: bytes) -> bool:
    """Whether a picture of true colours, three bytes a pixel, is large enough for a JPEG and more than text and lines."""
    return len(rgb) >= 3 * MIN_JPEG_PIXELS and _distinct(rgb) > TOO_MANY


def cost(op: Pixels | Indexed) -> float:
    """Estimated time of `encode`, milliseconds of one core."""
    image, pixel = _COSTS[type(op)]
    return image + op.width * op.height * pixel


# -- judging and reducing ----------------------------------------------------------------------------------------------


def _distinct(data: bytes) -> int:
    """Different colours among about `SAMPLE` pixels spread over the picture."""
    step = 3 * (max(len(data) // 3 // SAMPLE, 1) | 1)  # an odd number of pixels, so that columns take turns
    words = np.ndarray(((len(data) - 4) // step + 1,), "<u4", data, 0, (step,))
    return len(set((words & np.uint32(0xFFFFFF)).tolist()))


def _reduce(op: Pixels) -> Indexed | None:
    """The same picture with a palette, if it has few enough colours."""
    counted = PillowImage.frombytes("RGB", (op.width, op.height), op.data).getcolors(MAX_COLOURS)
    if counted is None:
        return None
    palette = np.array([colour for _, colour in counted], np.uint8).tobytes()
    rows = _lookup(op.data, palette)
    if rows is None:
        return None
    return Indexed(op.x, op.y, op.width, op.height, 8, rows.tobytes(), palette)


def _lookup(data: bytes, palette: bytes) -> Bytes | None:
    """The palette index of every pixel, by a hash under which no two colours of the palette meet."""
    for multiplier in _MULTIPLIERS:
        slots = _hash(palette, multiplier)
        if len(set(slots.tolist())) == len(slots):
            table = np.zeros(1 << _HASH_BITS, np.uint8)
            table[slots] = np.arange(len(slots))
            return table.take(_hash(data, multiplier))
    return None


def _hash(data: bytes, multiplier: np.uint32) -> NDArray[np.uint32]:
    """Hash each three bytes. They are read as four; the multiplier's low byte is 0, so the fourth does not count."""
    words: NDArray[np.uint32] = np.ndarray((len(data) // 3,), "<u4", data + b"\0", 0, (3,))
    product = words * multiplier
    product >>= np.uint32(32 - _HASH_BITS)
    return product


# -- writing -----------------------------------------------------------------------------------------------------------


def _jpeg(op: Pixels) -> bytes:
    out = io.BytesIO()
    PillowImage.frombytes("RGB", (op.width, op.height), op.data).save(out, "JPEG", quality=op.quality)
    return out.getvalue()


def _true_colour_png(op: Pixels, row_filter: int) -> bytes:
    pixels = np.frombuffer(op.data, np.uint8).reshape(op.height, op.width * 3)
    rows = np.empty((op.height, 1 + op.width * 3), np.uint8)
    rows[:, 0] = row_filter
    rows[0, 1:] = pixels[0]
    if row_filter == _UP:
        np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    else:
        rows[1:, 1:] = pixels[1:]
    return _png(op, 8, _TRUE_COLOUR, b"", rows)


def _indexed_png(op: Indexed) -> bytes:
    packed = np.frombuffer(op.rows, np.uint8).reshape(op.height, -1)
    depth = op.depth
    if depth == 8:
        depth, packed = _pack(packed, len(op.palette) // 3)
    rows = np.empty((op.height, 1 + packed.shape[1]), np.uint8)
    rows[:, 0] = _NO_FILTER
    rows[:, 1:] = packed
    return _png(op, depth, _PALETTE, _chunk(b"PLTE", op.palette), rows)


def _pack(indexes: Bytes, colours: int) -> tuple[int, Bytes]:
    """Rows of one index a byte to the least depth that holds them: (depth, rows)."""
    if colours <= 2:
        return 1, np.packbits(indexes, axis=1)
    depth = 2 if colours <= 4 else 4 if colours <= 16 else 8
    height, width = indexes.shape
    if padding := -width % (8 // depth):
        padded = np.zeros((height, width + padding), np.uint8)
        padded[:, :width] = indexes
        indexes = padded
    bits = depth
    while bits < 8:
        indexes = _PAIRS[bits].take(indexes.view("<u2"))
        bits *= 2
    return depth, indexes


def _png(op: Pixels | Indexed, depth: int, colour_type: int, palette: bytes, rows: Bytes) -> bytes:
    header = struct.pack(">IIBBBBB", op.width, op.height, depth, colour_type, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            palette,
            _chunk(b"IDAT", isal_zlib.compress(rows, _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        (
            len(data).to_bytes(4, "big"),
            kind,
            data,
            isal_zlib.crc32(data, isal_zlib.crc32(kind)).to_bytes(4, "big"),
        )
    )
