from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.ops import Fill, Indexed, Pixels, Rect
from proxyd.rfb.decoders.hextile import Hextile
from proxyd.rfb.errors import RfbError
from tests import rectangles
from tests.cuts import every_cut

RED, GREEN, BLUE = b"\xff\0\0\0", b"\0\xff\0\0", b"\0\0\xff\0"
R, G, B = (255, 0, 0), (0, 255, 0), (0, 0, 255)
RAW, BACKGROUND, FOREGROUND, SUBRECTS, COLOURED = 1, 2, 4, 8, 16
TILE = Rect(4, 4, 16, 16)
TWO = Rect(4, 4, 32, 16)


def drawn(data: bytes, rect: Rect) -> np.ndarray:
    return rectangles.pixels(rectangles.decode(Hextile(), data, rect), rect)


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}


def test_a_background_is_a_fill() -> None:
    data = bytes([BACKGROUND]) + RED
    assert rectangles.decode(Hextile(), data, TILE) == [Fill(4, 4, 16, 16, 255, 0, 0)]


def test_rectangles_of_one_colour_at_every_cut() -> None:
    data = bytes([BACKGROUND | FOREGROUND | SUBRECTS]) + RED + BLUE + bytes([2, 0x12, 0x34, 0xFF, 0x00])
    expected = np.full((16, 16, 3), R, np.uint8)
    expected[2:7, 1:5] = B
    expected[15, 15] = B
    for pieces in every_cut(data):
        (op,) = rectangles.decode(Hextile(), pieces, TILE)
        assert isinstance(op, Indexed)
        assert np.array_equal(rectangles.pixels([op], TILE), expected)


def test_rectangles_of_their_own_colours() -> None:
    data = bytes([BACKGROUND | SUBRECTS | COLOURED]) + RED + bytes([2])
    data += BLUE + bytes([0x00, 0x00]) + GREEN + bytes([0x10, 0x00])
    picture = drawn(data, TILE)
    assert [tuple(pixel) for pixel in picture[0, :3].tolist()] == [B, G, R]


def test_the_background_carries_over() -> None:
    data = bytes([BACKGROUND]) + RED + bytes([0])
    assert rectangles.decode(Hextile(), data, TWO) == [Fill(4, 4, 32, 16, 255, 0, 0)]


def test_the_foreground_carries_over() -> None:
    data = bytes([BACKGROUND | FOREGROUND | SUBRECTS]) + RED + BLUE + bytes([1, 0x00, 0xFF])
    data += bytes([SUBRECTS, 1, 0x00, 0x0F])
    picture = drawn(data, TWO)
    assert colours(picture[:, :17]) == {B}
    assert colours(picture[:, 17:]) == {R}


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(bytes([RAW]) + GREEN * 256, id="a raw tile"),
        pytest.param(bytes([SUBRECTS | COLOURED, 1]) + GREEN + bytes([0, 0xFF]), id="a coloured tile"),
    ],
)
def test_servers_that_do_not_repeat_colours_are_understood(between: bytes) -> None:
    data = bytes([BACKGROUND | FOREGROUND]) + RED + BLUE + between + bytes([SUBRECTS, 1, 0x00, 0x0F])
    picture = drawn(data, Rect(0, 0, 48, 16))
    assert colours(picture[:, 16:32]) == {G}
    assert colours(picture[:, 32:33]) == {B}
    assert colours(picture[:, 33:]) == {R}


def test_raw_tiles_are_true_colours() -> None:
    data = np.random.default_rng(1).integers(0, 256, (16, 16, 4), np.uint8)
    (op,) = rectangles.decode(Hextile(), bytes([RAW]) + data.tobytes(), TILE)
    assert isinstance(op, Pixels)
    assert np.array_equal(rectangles.pixels([op], TILE), data[..., :3])


def test_tiles_at_the_edges_are_smaller() -> None:
    rect = Rect(0, 0, 18, 17)
    data = b"".join(
        bytes([RAW]) + colour * (width * height)
        for colour, width, height in ((RED, 16, 16), (BLUE, 2, 16), (GREEN, 16, 1), (RED, 2, 1))
    )
    picture = drawn(data, rect)
    assert colours(picture[:16, 16:]) == {B}
    assert colours(picture[16:, :16]) == {G}
    assert colours(picture[16:, 16:]) == {R}


def test_more_colours_than_a_palette_holds() -> None:
    palette = [bytes([index, 255 - index % 200, 7, 0]) for index in range(256)] + [b"\1\2\3\0"]
    data = b"".join(bytes([BACKGROUND]) + colour for colour in palette)
    rect = Rect(0, 0, 16 * len(palette), 16)
    (op,) = rectangles.decode(Hextile(), data, rect, rectangles.screen(width=5000))
    assert isinstance(op, Pixels)
    picture = rectangles.pixels([op], rect)
    assert [tuple(pixel) for pixel in picture[0, ::16].tolist()] == [tuple(colour[:3]) for colour in palette]
    (op,) = rectangles.decode(Hextile(), data[:-5], rect._replace(width=16 * 256))
    assert isinstance(op, Indexed)


def test_nothing_is_read_where_nothing_is() -> None:
    assert rectangles.decode(Hextile(), b"", Rect(0, 0, 0, 20)) == []


@pytest.mark.parametrize(
    "subrect",
    [
        pytest.param((0x50, 0x50), id="wider than the tile"),
        pytest.param((0x05, 0x05), id="higher than the tile"),
        pytest.param((0xA0, 0x00), id="beside the tile"),
    ],
)
def test_a_rectangle_that_leaves_its_tile_is_refused(subrect: tuple[int, int]) -> None:
    data = bytes([BACKGROUND | FOREGROUND | SUBRECTS]) + RED + BLUE + bytes([1, *subrect])
    with pytest.raises(RfbError, match="leaves its tile"):
        rectangles.decode(Hextile(), data, Rect(0, 0, 10, 10))


@pytest.mark.parametrize("data", [bytes([0]), bytes([BACKGROUND | SUBRECTS]) + RED + bytes([1, 0, 0])])
def test_a_colour_that_was_never_given_is_refused(data: bytes) -> None:
    with pytest.raises(RfbError, match="without saying its colour"):
        rectangles.decode(Hextile(), data, TILE)


def test_rectangles_may_lie_on_each_other() -> None:
    data = bytes([BACKGROUND | SUBRECTS | COLOURED]) + RED + bytes([2])
    data += BLUE + bytes([0x00, 0x77]) + GREEN + bytes([0x44, 0x77])
    picture = drawn(data, TILE)
    assert [tuple(picture[at, at].tolist()) for at in (0, 3, 4, 11, 12)] == [B, B, G, G, R]


def test_a_tile_painted_over_and_over_is_refused() -> None:
    data = bytes([BACKGROUND | FOREGROUND | SUBRECTS]) + RED + BLUE + bytes([255]) + bytes([0, 0xFF]) * 255
    with pytest.raises(RfbError, match="over and over"):
        rectangles.decode(Hextile(), data, TILE)
