"""ZRLE's run lengths (RFC 6143 section 7.7.6).

A run is written as bytes that add up to its length less one; all of them are 255 but the last. These loops are written
out: measured, they are as quick as arrays for the thousands of runs of a hostile tile, and quicker for the usual dozens.
"""

from __future__ import annotations

from proxyd.rfb.errors import RfbError

__all__ = ["palette_runs", "plain_runs"]

LONG = 255
REPEATED = 128
"""Bit of a palette index that a run follows."""


def plain_runs(data: bytes, start: int, area: int, pixel_size: int) -> tuple[bytes, list[int], int]:
    """Read pixels, each followed by its run.

    Args:
        data: inflated bytes.
        start: where the first pixel is.
        area: how many pixels the runs must make.
        pixel_size: bytes.

    Returns:
        The pixels as they were sent, the lengths of their runs, and where the last one ends.

    Raises:
        RfbError: the runs make more pixels, or the data ends before.
    """
    pixels: list[bytes] = []
    lengths: list[int] = []
    try:
        while area > 0:
            end = start + pixel_size
            pixels.append(data[start:end])
            length = 1 + data[end]
            start = end + 1
            while data[start - 1] == LONG:
                length += data[start]
                start += 1
            lengths.append(length)
            area -= length
    except IndexError:
        raise _too_short() from None
    _check_inside(area)
    return b"".join(pixels), lengths, start


def palette_runs(data: bytes, start: int, area: int) -> tuple[bytes, list[int], int]:
    """Read palette indexes, one a byte, of which those with bit 7 set are followed by a run; see `plain_runs`."""
    indexes = bytearray()
    lengths: list[int] = []
    try:
        while area > 0:
            index = data[start]
            start += 1
            length = 1
            if index >= REPEATED:
                index -= REPEATED
                length += data[start]
                start += 1
                while data[start - 1] == LONG:
                    length += data[start]
                    start += 1
            indexes.append(index)
            lengths.append(length)
            area -= length
    except IndexError:
        raise _too_short() from None
    _check_inside(area)
    return bytes(indexes), lengths, start


def _check_inside(area: int) -> None:
    if area < 0:
        raise RfbError("The server sent a run that leaves its tile.")


def _too_short() -> RfbError:
    return RfbError("The server sent compressed data that is shorter than its picture.")
