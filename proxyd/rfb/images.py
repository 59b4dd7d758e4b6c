"""JPEG and PNG that pass through: looked at just enough that no browser stumbles over them.

An image that cannot be shown stalls the browser for good (sheet section 13 no. 4), one of another size than its rectangle
draws over its neighbours.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.display.ops import Image
from proxyd.rfb.errors import RfbError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.display.ops import Rect

__all__ = ["jpeg_image", "jpeg_segments", "png_image"]

_START_OF_IMAGE, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_START_OF_SCAN = 0xDA
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Start of frame, as browsers decode it: baseline, extended, progressive, all with Huffman coding."""

_SEGMENT = Struct(">BBH")
_FRAME = Struct(">BHHB")  # bits a sample, height, width, components
_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_PNG_SIZE = Struct(">II")
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def jpeg_image(rect: Rect, data: bytes) -> Image:
    """The operation that shows a JPEG as it is.

    Raises:
        RfbError: browsers would not show it, or it has another size than `rect`.
    """
    if _END_OF_IMAGE not in data[-64:]:  # some encoders pad
        raise RfbError("The server sent a JPEG that is cut off.")
    for marker, start, end in jpeg_segments(data):
        if marker in _FRAMES and end - start >= _FRAME.size:
            bits, height, width, components = _FRAME.unpack_from(data, start)
            if (width, height) != (rect.width, rect.height):
                raise RfbError("The server sent a JPEG of another size than its rectangle.")
            if bits == 8 and components in (1, 3):
                return Image(*rect, "image/jpeg", data)
            break
    raise RfbError("The server sent a JPEG of a kind that browsers do not show.")


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The segments before the first scan: (marker, start, end) of the bytes after marker and length.

    Raises:
        RfbError: this is no JPEG.
    """
    at = 2
    if data.startswith(_START_OF_IMAGE):
        while at + _SEGMENT.size <= len(data):
            prefix, marker, length = _SEGMENT.unpack_from(data, at)
            end = at + 2 + length
            if prefix != 0xFF or length < 2 or end > len(data):
                break
            if marker == _START_OF_SCAN:
                return
            yield marker, at + 4, end
            at = end
    raise RfbError("The server sent a JPEG that is broken.")


def png_image(rect: Rect, data: bytes) -> Image:
    """The operation that shows a PNG as it is.

    Raises:
        RfbError: browsers would not show it, or it has another size than `rect`.
    """
    if not data.startswith(_PNG_START) or not data.endswith(_PNG_END):
        raise RfbError("The server sent a PNG that is broken.")
    if data[16:24] != _PNG_SIZE.pack(rect.width, rect.height):
        raise RfbError("The server sent a PNG of another size than its rectangle.")
    return Image(*rect, "image/png", data)
