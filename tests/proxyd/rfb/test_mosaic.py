from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.ops import Copy, Fill, Indexed, Pixels, Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.mosaic import BAND_PIXELS, MAX_LAYERS, Mosaic, bands, fill, merge, plain
from tests import rectangles

RECT = Rect(3, 4, 4, 3)
RED, GREEN, BLUE = 0x0000FF, 0x00FF00, 0xFF0000


def colour(picture: np.ndarray, x: int, y: int) -> int:
    red, green, blue = picture[y, x].tolist()
    return red | green << 8 | blue << 16


# -- bands, fills ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 16, 64])
@pytest.mark.parametrize(
    "size", [(1, 1), (64, 64), (1000, 999), (16384, 100), (BAND_PIXELS + 1, 130), (3, 200_000)]
)
def test_bands_cover_the_rectangle(size: tuple[int, int], step: int) -> None:
    rect = Rect(5, 6, *size)
    parts = list(bands(rect, step))
    assert [part.y for part in parts] == [6, *(part.y + part.height for part in parts)][:-1]
    assert parts[-1].y + parts[-1].height == 6 + size[1]
    assert {(part.x, part.width) for part in parts} == {(5, size[0])}
    assert all(part.height % step == 0 for part in parts[:-1])
    assert all(part.width * part.height <= max(BAND_PIXELS, part.width * step) for part in parts)


@pytest.mark.parametrize("size", [(0, 0), (0, 9), (9, 0)])
def test_an_empty_rectangle_has_no_bands(size: tuple[int, int]) -> None:
    assert list(bands(Rect(1, 1, *size))) == []


def test_a_colour_is_filled() -> None:
    assert fill(RECT, 0x030201) == Fill(3, 4, 4, 3, 1, 2, 3)


def test_true_colours_of_one_kind_are_filled() -> None:
    assert plain(RECT, b"\1\2\3" * 12, quality=50) == Fill(3, 4, 4, 3, 1, 2, 3)
    for different in (0, 5, 11):
        data = bytearray(b"\1\2\3" * 12)
        data[different * 3] = 9
        assert plain(RECT, bytes(data), quality=50) == Pixels(3, 4, 4, 3, bytes(data))


def test_only_photographs_may_lose_exactness() -> None:
    place = Rect(0, 0, 64, 64)
    photograph = bytes(value for y in range(64) for x in range(64) for value in (x, y, x ^ y))
    text = bytes(value for y in range(64) for x in range(64) for value in (x % 5, 0, 0))
    assert plain(place, photograph, quality=50) == Pixels(*place, photograph, 50)
    assert plain(place, photograph, quality=0) == Pixels(*place, photograph)
    assert plain(place, text, quality=50) == Pixels(*place, text)
    assert plain(Rect(0, 0, 8, 8), photograph[:192], quality=50) == Pixels(0, 0, 8, 8, photograph[:192])


def test_fills_that_continue_downwards_are_joined() -> None:
    upper, lower, last = Fill(0, 0, 9, 2, 1, 2, 3), Fill(0, 2, 9, 5, 1, 2, 3), Fill(0, 7, 9, 1, 1, 2, 3)
    assert merge([upper, lower, last]) == [Fill(0, 0, 9, 8, 1, 2, 3)]


@pytest.mark.parametrize(
    "second",
    [
        Fill(0, 3, 9, 5, 1, 2, 3),
        Fill(1, 2, 9, 5, 1, 2, 3),
        Fill(0, 2, 8, 5, 1, 2, 3),
        Fill(0, 2, 9, 5, 1, 2, 4),
        Copy(0, 2, 9, 5, 1, 2),
    ],
)
def test_everything_else_is_kept(second: Fill | Copy) -> None:
    ops = [Fill(0, 0, 9, 2, 1, 2, 3), second]
    assert merge(ops) == ops


# -- mosaics -----------------------------------------------------------------------------------------------------------


def test_one_colour_is_a_fill() -> None:
    mosaic = Mosaic(RECT)
    mosaic.fill(0, 0, 4, 3, RED)
    assert mosaic.op(quality=0) == Fill(3, 4, 4, 3, 255, 0, 0)


def test_few_colours_are_indexes() -> None:
    mosaic = Mosaic(RECT)
    mosaic.fill(0, 0, 4, 3, RED)
    mosaic.fill(1, 1, 2, 1, BLUE)
    rows = bytes([0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    assert mosaic.op(quality=50) == Indexed(3, 4, 4, 3, 8, rows, b"\xff\0\0\0\0\xff")


def test_palettes_of_pieces_become_one() -> None:
    mosaic = Mosaic(RECT)
    mosaic.paint_indexed(0, 0, np.array([[0, 1, 0, 1]] * 2, np.uint8), [RED, GREEN])
    mosaic.paint_indexed(0, 2, np.array([[0, 1, 2, 0]], np.uint8), [GREEN, BLUE, RED])
    rows = bytes([0, 1, 0, 1, 0, 1, 0, 1, 1, 2, 0, 1])
    assert mosaic.op(quality=0) == Indexed(3, 4, 4, 3, 8, rows, b"\xff\0\0\0\xff\0\0\0\xff")


def test_true_colours_make_the_whole_picture_true_colour() -> None:
    mosaic = Mosaic(RECT)
    mosaic.fill(0, 0, 4, 1, RED)
    mosaic.paint(0, 1, np.array([[GREEN, BLUE, RED, 0x010203]], np.uint32))
    mosaic.fill(0, 2, 2, 1, GREEN)
    mosaic.paint_indexed(2, 2, np.array([[0, 1]], np.uint8), [BLUE, 0x040506])
    op = mosaic.op(quality=50)
    assert isinstance(op, Pixels)
    picture = rectangles.pixels([op], RECT)
    shown = [[colour(picture, x, y) for x in range(4)] for y in range(3)]
    assert shown == [[RED] * 4, [GREEN, BLUE, RED, 0x010203], [GREEN, GREEN, BLUE, 0x040506]]


@pytest.mark.parametrize(("colours", "kind"), [(255, Indexed), (256, Indexed), (257, Pixels), (300, Pixels)])
@pytest.mark.parametrize("painted", ["fill", "indexed"])
def test_a_palette_holds_256_colours(colours: int, kind: type, painted: str) -> None:
    rect = Rect(0, 0, colours, 2)
    mosaic = Mosaic(rect)
    for x in range(colours):
        if painted == "fill":
            mosaic.fill(x, 0, 1, 2, x * 7)
        else:
            mosaic.paint_indexed(x, 0, np.array([[1], [1]], np.uint8), [max(x - 1, 0) * 7, x * 7])
    op = mosaic.op(quality=0)
    assert type(op) is kind
    picture = rectangles.pixels([op], rect)
    assert [colour(picture, x, 1) for x in range(colours)] == [x * 7 for x in range(colours)]


def places(*rects: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(rects, np.int64).reshape(-1, 4)


def test_many_rectangles_later_ones_on_top() -> None:
    mosaic = Mosaic(RECT)
    mosaic.fill(0, 0, 4, 3, RED)
    mosaic.fill_many(
        places((0, 0, 3, 2), (1, 1, 3, 2), (3, 0, 1, 1)), np.array([GREEN, BLUE, GREEN], np.uint32)
    )
    picture = rectangles.pixels([mosaic.op(quality=0)], RECT)
    shown = [[colour(picture, x, y) for x in range(4)] for y in range(3)]
    assert shown == [[GREEN] * 4, [GREEN, BLUE, BLUE, BLUE], [RED, BLUE, BLUE, BLUE]]


def test_no_rectangles() -> None:
    mosaic = Mosaic(RECT)
    mosaic.fill(0, 0, 4, 3, RED)
    mosaic.fill_many(places(), np.zeros(0, np.uint32))
    assert mosaic.op(quality=0) == Fill(3, 4, 4, 3, 255, 0, 0)


@pytest.mark.parametrize(("colours", "kind"), [(256, Indexed), (257, Pixels)])
def test_many_rectangles_of_many_colours(colours: int, kind: type) -> None:
    rect = Rect(0, 0, colours, 1)
    mosaic = Mosaic(rect)
    numbers = np.arange(colours, dtype=np.uint32) * 3
    mosaic.fill_many(places(*((x, 0, 1, 1) for x in range(colours))), numbers)
    op = mosaic.op(quality=0)
    assert type(op) is kind
    assert [colour(rectangles.pixels([op], rect), x, 0) for x in range(colours)] == numbers.tolist()


def test_painting_the_same_place_over_and_over_is_refused() -> None:
    mosaic = Mosaic(RECT)
    mosaic.fill_many(places(*[(0, 0, 4, 3)] * MAX_LAYERS), np.zeros(MAX_LAYERS, np.uint32))
    with pytest.raises(RfbError, match="over and over"):
        mosaic.fill_many(places((2, 2, 1, 1)), np.zeros(1, np.uint32))


def test_large_rectangles_between_small_ones() -> None:
    rect = Rect(0, 0, 1024, BAND_PIXELS // 1024 + 10)
    mosaic = Mosaic(rect)
    whole = (0, 0, rect.width, rect.height)
    mosaic.fill_many(
        places((5, 5, 2, 2), whole, (1, 1, 3, 3), (2, 2, 9, 9), whole, (7, 7, 1, 1)),
        np.array([RED, GREEN, RED, RED, BLUE, RED], np.uint32),
    )
    expected = np.zeros((rect.height, rect.width, 3), np.uint8)
    expected[..., 2] = 255
    expected[7, 7] = (255, 0, 0)
    assert np.array_equal(rectangles.pixels([mosaic.op(quality=0)], rect), expected)
