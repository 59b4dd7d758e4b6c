"""Which characters a font file has: its `cmap` table, formats 4 and 12 (OpenType 1.9)."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Coverage", "FontError", "read_coverage"]

MAX_TABLE = 16 << 20
"""Bytes of a cmap that are read; the largest fonts have about 1 MB."""
_PREFERENCE = {(3, 10): 0, (0, 6): 1, (0, 4): 2, (3, 1): 3, (0, 3): 4, (0, 2): 5, (0, 1): 6, (0, 0): 7}
"""Encodings of Unicode by (platform, encoding), the fullest first."""


class FontError(ValueError):
    """The file is not a font that can be read."""


class Coverage(NamedTuple):
    """Sorted, disjoint ranges of code points, both ends included."""

    starts: array[int]
    ends: array[int]

    def __contains__(self, character: object) -> bool:
        """Whether a character (a string of one code point) is in a range."""
        if not isinstance(character, str):
            return False
        point = ord(character)
        index = bisect_right(self.starts, point) - 1
        return index >= 0 and point <= self.ends[index]


def read_coverage(path: Path, index: int = 0) -> Coverage:
    """The characters of a font.

    Args:
        path: a TrueType or OpenType font, or a collection.
        index: which font of a collection.

    Raises:
        FontError: it has no table of Unicode characters that can be read.
    """
    try:
        with path.open("rb") as file:
            return _coverage(_cmap(file, index))
    except (OSError, struct.error, IndexError) as error:
        raise FontError(f"{path.name} is not a font that can be read") from error


def _cmap(file: BinaryIO, index: int) -> bytes:
    start = 0
    if file.read(4) == b"ttcf":
        file.seek(12 + 4 * index)
        (start,) = struct.unpack(">I", file.read(4))
    file.seek(start + 4)
    (tables,) = struct.unpack(">H6x", file.read(8))
    for _ in range(tables):
        tag, offset, length = struct.unpack(">4s4xII", file.read(16))
        if tag == b"cmap":
            file.seek(offset)
            return file.read(min(length, MAX_TABLE))
    raise FontError("no cmap")


def _coverage(table: bytes) -> Coverage:
    (count,) = struct.unpack_from(">2xH", table)
    records = [struct.unpack_from(">HHI", table, 4 + 8 * i) for i in range(count)]
    usable = sorted(
        (rank, offset)
        for platform, encoding, offset in records
        if (rank := _PREFERENCE.get((platform, encoding))) is not None
    )
    for _, offset in usable:
        (form,) = struct.unpack_from(">H", table, offset)
        if form in _READERS:
            starts, ends = _READERS[form](table, offset)
            ranges = sorted(
                (start, end) for start, end in zip(starts, ends, strict=True) if start <= end < 0x110000
            )
            return Coverage(
                array("I", [start for start, _ in ranges]), array("I", [end for _, end in ranges])
            )
    raise FontError("no table of Unicode characters")


def _segments(table: bytes, offset: int) -> tuple[list[int], list[int]]:
    """Format 4: segments of the basic plane; the last one, 0xFFFF, is an end mark."""
    (double,) = struct.unpack_from(">6xH", table, offset)
    count = double // 2
    ends = struct.unpack_from(f">{count}H", table, offset + 14)
    starts = struct.unpack_from(f">{count}H", table, offset + 16 + double)
    return list(starts[:-1]), list(ends[:-1])


def _groups(table: bytes, offset: int) -> tuple[list[int], list[int]]:
    """Format 12: groups of (first, last, glyph)."""
    (count,) = struct.unpack_from(">12xI", table, offset)
    if count > MAX_TABLE // 12:
        raise FontError("too many groups")
    numbers = struct.unpack_from(f">{count * 3}I", table, offset + 16)
    return list(numbers[::3]), list(numbers[1::3])


_READERS = {4: _segments, 12: _groups}
