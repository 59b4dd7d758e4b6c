from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.ops import Fill, Indexed, Pixels, Rect
from proxyd.rfb.decoders.zrle import Zrle
from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import RGB565
from tests import rectangles
from tests.cuts import every_cut
from tests.fakes.rfb_encoder import Deflater

RECT = Rect(3, 4, 6, 2)
R, G, B = b"\xff\0\0", b"\0\xff\0", b"\0\0\xff"
SOLID, PLAIN_RLE = b"\1", b"\x80"


def decode(tiles: bytes, rect: Rect = RECT) -> list[object]:
    return rectangles.decode(Zrle(), Deflater().with_length(tiles), rect)


def drawn(tiles: bytes, rect: Rect = RECT) -> bytes:
    return rectangles.pixels(decode(tiles, rect), rect).tobytes()


@pytest.mark.parametrize(
    ("tile", "expected"),
    [
        pytest.param(b"\0" + bytes(range(36)), bytes(range(36)), id="raw"),
        pytest.param(SOLID + G, G * 12, id="solid"),
        pytest.param(b"\2" + R + G + bytes([0b10100000, 0b01011100]), G + R + G + R * 3 + R + G + R + G * 3, id="2 colours"),
        pytest.param(b"\3" + R + G + B + bytes([0b00011000, 0b01100000, 0b10101010, 0b10100000]), R + G + B + R + G + B + B * 6, id="3 colours"),
        pytest.param(b"\5" + R + G + B + R + G + bytes([0x01, 0x23, 0x44, 0x00, 0x00, 0x01]), R + G + B + R + G + G + R * 5 + G, id="5 colours"),
        pytest.param(PLAIN_RLE + R + b"\6" + G + b"\0" + B + b"\3", R * 7 + G + B * 4, id="runs"),
        pytest.param(b"\x82" + R + G + bytes([0x80, 6, 1, 0x81, 3]), R * 7 + G + G * 4, id="palette runs"),
        pytest.param(b"\xff" + bytes(126 * 3) + B + bytes([0xFE, 10, 0]), B * 11 + b"\0\0\0", id="127 colours"),
    ],
)  # fmt: skip
def test_subencodings_at_every_cut(tile: bytes, expected: bytes) -> None:
    assert drawn(tile) == expected
    whole = decode(tile)
    for pieces in every_cut(Deflater().with_length(tile)):
        assert rectangles.decode(Zrle(), pieces, RECT) == whole


@pytest.mark.parametrize("count", range(2, 17))
def test_packed_palettes_take_as_few_bits_as_they_need(count: int) -> None:
    palette = [bytes([index, 255 - index, 7]) for index in range(count)]
    bits = 1 if count == 2 else 2 if count <= 4 else 4
    rect = Rect(0, 0, count, 1)
    row = "".join(f"{index:0{bits}b}" for index in range(count))
    packed = bytes(int(row[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(row), 8))
    assert drawn(bytes([count]) + b"".join(palette) + packed, rect) == b"".join(palette)


def test_one_solid_tile_is_a_fill() -> None:
    assert decode(SOLID + R) == [Fill(3, 4, 6, 2, 255, 0, 0)]


def test_solid_tiles_of_one_colour_are_one_fill() -> None:
    rect = Rect(0, 0, 640, 1000)
    assert decode((SOLID + R) * 160, rect) == [Fill(0, 0, 640, 1000, 255, 0, 0)]


def test_few_colours_are_one_palette_picture() -> None:
    rect = Rect(5, 5, 100, 70)
    (op,) = decode(SOLID + R + SOLID + G + SOLID + B + SOLID + R, rect)
    assert isinstance(op, Indexed)
    picture = rectangles.pixels([op], rect)
    corners = [tuple(picture[y, x].tolist()) for y in (0, 63, 64, 69) for x in (0, 63, 64, 99)]
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert corners == [red, red, green, green] * 2 + [blue, blue, red, red] * 2


def test_a_raw_tile_makes_the_picture_true_colour() -> None:
    rect = Rect(0, 0, 65, 1)
    noise = np.random.default_rng(3).integers(0, 256, 64 * 3, np.uint8).tobytes()
    (op,) = decode(b"\0" + noise + SOLID + R, rect)
    assert op == Pixels(0, 0, 65, 1, noise + R)


def test_long_runs() -> None:
    rect = Rect(0, 0, 64, 64)
    tile = PLAIN_RLE + R + b"\xff" * 16 + bytes([4096 - 16 * 255 - 2]) + B + b"\0"
    assert drawn(tile, rect) == R * 4095 + B
    tile = (
        b"\x82"
        + R
        + G
        + b"\x81"
        + b"\xff\xff\0"
        + b"\x80"
        + b"\xff" * 14
        + bytes([4096 - 511 - 14 * 255 - 1])
    )
    assert drawn(tile, rect) == G * 511 + R * (4096 - 511)


def test_small_pixels_are_not_compacted() -> None:
    ops = rectangles.decode(
        Zrle(), Deflater().with_length(SOLID + b"\xe0\x07"), RECT, rectangles.screen(RGB565)
    )
    assert ops == [Fill(3, 4, 6, 2, 0, 255, 0)]


def test_the_stream_goes_on_from_rectangle_to_rectangle() -> None:
    server, decoder = Deflater(), Zrle()
    for colour in (R, G, R, B):
        (op,) = rectangles.decode(decoder, server.with_length(SOLID + colour), RECT)
        assert op == Fill(*RECT, *colour)


def test_an_empty_rectangle_draws_nothing() -> None:
    assert decode(b"", Rect(0, 0, 0, 70)) == []


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        *(pytest.param(bytes([kind]), "unknown kind", id=f"kind {kind}") for kind in (17, 127, 129)),
        pytest.param(b"", "shorter", id="nothing"),
        pytest.param(b"\0" + bytes(35), "shorter", id="raw, a byte missing"),
        pytest.param(SOLID + b"\0\0", "shorter", id="solid, a byte missing"),
        pytest.param(b"\2" + bytes(5), "shorter", id="palette cut off"),
        pytest.param(b"\2" + bytes(7), "shorter", id="indexes cut off"),
        pytest.param(PLAIN_RLE + R, "shorter", id="run without a length"),
        pytest.param(PLAIN_RLE + R + b"\xff\xff", "shorter", id="run that does not end"),
        pytest.param(b"\x82" + R + G + b"\x81", "shorter", id="palette run without a length"),
        pytest.param(PLAIN_RLE + R + b"\x0c", "leaves its tile", id="run past the tile"),
        pytest.param(PLAIN_RLE + R + b"\xff" * 60 + b"\0", "leaves its tile", id="run of 15000"),
        pytest.param(
            b"\x82" + R + G + b"\x80\x0a\x81\x01", "leaves its tile", id="palette run past the tile"
        ),
        pytest.param(
            b"\3" + R + G + B + b"\xff\xf0" * 2, "past the end of its palette", id="index past the palette"
        ),
        pytest.param(b"\6" + R * 6 + b"\x06" * 6, "past the end of its palette", id="index past 6 colours"),
        pytest.param(
            b"\x82" + R + G + b"\x82\x0b",
            "past the end of its palette",
            id="run of an index past the palette",
        ),
        pytest.param(
            b"\x82" + R + G + b"\x02" * 12, "past the end of its palette", id="single index past the palette"
        ),
        pytest.param(SOLID + R + b"\0", "larger than its picture", id="a byte too many"),
        pytest.param(bytes(10**5), "larger than its picture", id="bomb"),
    ],
)
def test_hostile_tiles_are_refused(tile: bytes, message: str) -> None:
    with pytest.raises(RfbError, match=message):
        decode(tile)


@pytest.mark.parametrize("length", [b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\xff"])
def test_more_compressed_data_than_the_picture_can_need_is_refused_before_it_comes(length: bytes) -> None:
    with pytest.raises(RfbError, match="more compressed data"):
        rectangles.decode(Zrle(), length, RECT)
