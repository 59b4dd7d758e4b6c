from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.ops import Fill, Pixels, Rect
from proxyd.rfb.decoders.raw import Raw
from proxyd.rfb.mosaic import BAND_PIXELS
from tests import rectangles
from tests.cuts import every_cut

RECT = Rect(5, 6, 2, 2)
RED, GREEN, BLUE, WHITE = b"\xff\0\0\0", b"\0\xff\0\0", b"\0\0\xff\0", b"\xff\xff\xff\0"


def test_pixels_come_out_as_they_are_at_every_cut() -> None:
    expected = [Pixels(5, 6, 2, 2, b"\xff\0\0\0\xff\0\0\0\xff\xff\xff\xff")]
    for pieces in every_cut(RED + GREEN + BLUE + WHITE):
        assert rectangles.decode(Raw(), pieces, RECT) == expected


def test_one_colour_is_a_fill() -> None:
    assert rectangles.decode(Raw(), GREEN * 4, RECT) == [Fill(5, 6, 2, 2, 0, 255, 0)]


def test_nothing_is_drawn_where_nothing_is() -> None:
    for rect in (Rect(1, 1, 0, 5), Rect(1, 1, 5, 0), Rect(1, 1, 0, 0)):
        assert rectangles.decode(Raw(), b"", rect) == []


def test_a_large_rectangle_is_drawn_in_bands() -> None:
    rect = Rect(0, 0, 1024, 3 * BAND_PIXELS // 1024 + 1)
    data = np.random.default_rng(1).integers(0, 256, (rect.height, rect.width, 4), np.uint8)
    ops = rectangles.decode(Raw(), data.tobytes(), rect)
    assert [op.height for op in ops] == [256, 256, 256, 1]
    assert np.array_equal(rectangles.pixels(ops, rect), data[..., :3])


def test_fills_of_bands_are_joined() -> None:
    rect = Rect(7, 9, 1024, 1000)
    assert rectangles.decode(Raw(), BLUE * 1024 * 1000, rect) == [Fill(7, 9, 1024, 1000, 0, 0, 255)]


def test_bytes_that_never_come_are_waited_for() -> None:
    with pytest.raises(rectangles.UnfinishedError):
        rectangles.decode(Raw(), RED * 3, RECT)


def test_photographs_may_be_marked_for_jpeg() -> None:
    photograph = b"".join(bytes((x, y, x ^ y, 0)) for y in range(64) for x in range(64))
    (op,) = rectangles.decode(Raw(), photograph, Rect(0, 0, 64, 64), rectangles.screen(quality=60))
    assert isinstance(op, Pixels)
    assert op.quality == 60
