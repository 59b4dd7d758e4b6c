"""JPEG (21): a bare JPEG; tables that it leaves out are those of the images before it."""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.images import jpeg_image, jpeg_segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Screen

__all__ = ["Jpeg"]

SOI, EOI, SOS, DHT, DQT = 0xD8, 0xD9, 0xDA, 0xC4, 0xDB

_MARKER = Struct(">BB")
_SEGMENT = Struct(">BBH")
_LENGTH = Struct(">H")
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
"""A marker inside a scan that is neither a stuffed zero nor a restart."""


class Jpeg:
    """Encoding 21."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, int], bytes] = {}

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle: see `Decoder.decode`."""
        data = yield from _whole(buffer, rect.width * rect.height * 6 + 65536)
        own = dict(_tables(data))
        missing = [
            _SEGMENT.pack(0xFF, marker, len(table) + 2) + table
            for (marker, place), table in self._tables.items()
            if (marker, place) not in own
        ]
        self._tables |= own
        return [jpeg_image(rect, b"".join((data[:2], *missing, data[2:])))]


def _whole(buffer: Buffer, limit: int) -> Reading[bytes]:
    """A JPEG from its first marker to its last; it may have several scans."""
    parts: list[bytes] = []
    marker = SOI
    while marker != EOI:
        head = yield from buffer.exactly(_MARKER.size)
        prefix, marker = _MARKER.unpack(head)
        if prefix != 0xFF or (marker == SOI) == bool(parts):
            raise RfbError("The server sent a JPEG that is broken.")
        parts.append(head)
        if marker not in (SOI, EOI):
            length = yield from buffer.exactly(_LENGTH.size)
            body = yield from buffer.exactly(max(_LENGTH.unpack(length)[0] - 2, 0))
            parts += (length, body)
        if marker == SOS:
            parts.append((yield from buffer.until(_SCAN_END, limit)))
        if sum(map(len, parts)) > limit:
            raise RfbError("The server sent a JPEG that is larger than its picture can need.")
    return b"".join(parts)


def _tables(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """The quantisation and Huffman tables of a JPEG: ((marker, place), place and table as they are written)."""
    for marker, start, end in jpeg_segments(data):
        while marker in (DHT, DQT) and start < end:
            size = _table_size(marker, data[start:end])
            if start + size > end:
                raise RfbError("The server sent a JPEG that is broken.")
            yield (marker, data[start] & (0x1F if marker == DHT else 0x0F)), data[start : start + size]
            start += size


def _table_size(marker: int, table: bytes) -> int:
    if marker == DQT:
        return 1 + (128 if table[0] >> 4 else 64)
    return 17 + sum(table[1:17])
