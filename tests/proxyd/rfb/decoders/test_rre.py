from __future__ import annotations

import struct

import numpy as np
import pytest

from proxyd.display.ops import Fill, Indexed, Rect
from proxyd.rfb.decoders.rre import FEW, Rre
from proxyd.rfb.errors import RfbError
from tests import rectangles
from tests.cuts import every_cut

RECT = Rect(10, 20, 6, 4)
RED, BLUE = b"\xff\0\0\0", b"\0\0\xff\0"


def rre(background: bytes, *parts: tuple[bytes, int, int, int, int], count: int | None = None) -> bytes:
    head = struct.pack(">I", len(parts) if count is None else count) + background
    return head + b"".join(colour + struct.pack(">HHHH", *place) for colour, *place in parts)


def test_few_rectangles_are_fills_at_every_cut() -> None:
    expected = [Fill(10, 20, 6, 4, 255, 0, 0), Fill(11, 22, 3, 1, 0, 0, 255)]
    for pieces in every_cut(rre(RED, (BLUE, 1, 2, 3, 1))):
        assert rectangles.decode(Rre(), pieces, RECT) == expected


def test_many_rectangles_are_one_picture() -> None:
    rect = Rect(3, 4, FEW + 1, 2)
    data = rre(RED, *((BLUE, x, x % 2, 1, 1) for x in range(FEW + 1)))
    (op,) = rectangles.decode(Rre(), data, rect)
    assert isinstance(op, Indexed)
    drawn = rectangles.pixels([op], rect)
    for x in range(FEW + 1):
        assert drawn[x % 2, x].tolist() == [0, 0, 255]
        assert drawn[1 - x % 2, x].tolist() == [255, 0, 0]


def test_later_rectangles_cover_earlier_ones() -> None:
    data = rre(RED, (BLUE, 0, 0, 6, 4), *((RED, 0, y, 6, 1) for y in range(3)))
    assert np.array_equal(
        rectangles.pixels(rectangles.decode(Rre(), data, RECT), RECT)[:, 0, 2], [0, 0, 0, 255]
    )


def test_empty_rectangles_draw_nothing() -> None:
    assert rectangles.decode(Rre(), rre(RED, (BLUE, 6, 4, 0, 0)), RECT) == [Fill(10, 20, 6, 4, 255, 0, 0)]
    assert rectangles.decode(Rre(), rre(RED), Rect(0, 0, 0, 3)) == []


@pytest.mark.parametrize(
    "place", [(6, 0, 1, 1), (0, 4, 1, 1), (0, 0, 7, 1), (0, 0, 1, 5), (65535, 0, 65535, 1), (3, 3, 3, 65535)]
)
def test_a_rectangle_that_leaves_the_picture_is_refused(place: tuple[int, int, int, int]) -> None:
    with pytest.raises(RfbError, match="leaves"):
        rectangles.decode(Rre(), rre(RED, (BLUE, *place)), RECT)


@pytest.mark.parametrize("count", [25, 1 << 31, (1 << 32) - 1])
def test_more_rectangles_than_pixels_are_refused_before_they_come(count: int) -> None:
    with pytest.raises(RfbError, match="more rectangles"):
        rectangles.decode(Rre(), rre(RED, count=count), RECT)


def test_very_many_rectangles_are_painted_in_turns() -> None:
    rect = Rect(0, 0, 200, 100)
    parts = [(bytes([x, y, 7, 0]), x, y, 1, 1) for y in range(100) for x in range(200)]
    (op,) = rectangles.decode(Rre(), rre(RED, *parts), rect)
    picture = rectangles.pixels([op], rect)
    assert all(picture[y, x].tolist() == [x, y, 7] for y in range(100) for x in range(200))
