from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.ops import Fill, Image, Indexed, Pixels, Rect
from proxyd.rfb.decoders.tight import Tight, TightPng
from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import RGB332, RGB565
from tests import rectangles
from tests.cuts import every_cut
from tests.fakes import rfb_encoder
from tests.fakes.rfb_encoder import Deflater, compact_length

RECT = Rect(3, 4, 5, 3)
R, G, B = b"\xff\0\0", b"\0\xff\0", b"\0\0\xff"
FILL, JPEG, PNG = b"\x80", b"\x90", b"\xa0"
EXPLICIT = 0x40
COPY, PALETTE, GRADIENT = b"\0", b"\1", b"\2"


def deflated(data: bytes, server: Deflater | None = None) -> bytes:
    piece = (server or Deflater()).piece(data)
    return compact_length(len(piece)) + piece


def image(kind: str, width: int, height: int, **options: object) -> bytes:
    picture = [[(x, y, x * y % 256) for x in range(width)] for y in range(height)]
    return rfb_encoder.image(picture, kind, **options)


def payload(kind: bytes, data: bytes) -> bytes:
    return kind + compact_length(len(data)) + data


# -- fills and images --------------------------------------------------------------------------------------------------


def test_a_fill_at_every_cut() -> None:
    for pieces in every_cut(FILL + b"\1\2\3"):
        assert rectangles.decode(Tight(), pieces, RECT) == [Fill(3, 4, 5, 3, 1, 2, 3)]


def test_a_fill_of_sixteen_bits() -> None:
    ops = rectangles.decode(Tight(), FILL + b"\x1f\x00", RECT, rectangles.screen(RGB565))
    assert ops == [Fill(3, 4, 5, 3, 0, 0, 255)]


def test_fills_may_be_wider_than_filtered_pixels() -> None:
    assert rectangles.decode(Tight(), FILL + R, Rect(0, 0, 4000, 2)) == [Fill(0, 0, 4000, 2, 255, 0, 0)]


def test_a_jpeg_passes_through_at_every_cut() -> None:
    data = image("JPEG", 5, 3)
    for pieces in every_cut(payload(JPEG, data)):
        assert rectangles.decode(Tight(), pieces, RECT) == [Image(3, 4, 5, 3, "image/jpeg", data)]


def test_a_png_passes_through_at_every_cut() -> None:
    data = image("PNG", 5, 3)
    for pieces in every_cut(payload(PNG, data)):
        assert rectangles.decode(TightPng(), pieces, RECT) == [Image(3, 4, 5, 3, "image/png", data)]


def test_tight_png_has_fills_and_jpegs_too() -> None:
    data = image("JPEG", 5, 3)
    assert rectangles.decode(TightPng(), payload(JPEG, data), RECT) == [Image(3, 4, 5, 3, "image/jpeg", data)]
    assert rectangles.decode(TightPng(), FILL + B, RECT) == [Fill(3, 4, 5, 3, 0, 0, 255)]


@pytest.mark.parametrize(
    ("decoder", "control"),
    [
        pytest.param(Tight, 0xA0, id="PNG in Tight"),
        *(pytest.param(Tight, kind << 4, id=f"kind {kind}") for kind in range(11, 16)),
        *(pytest.param(TightPng, kind << 4, id=f"kind {kind} in TightPNG") for kind in range(11, 16)),
    ],
)
def test_unknown_kinds_are_refused(decoder: type[Tight], control: int) -> None:
    with pytest.raises(RfbError, match="unknown kind"):
        rectangles.decode(decoder(), bytes([control]), RECT)


# -- lengths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "expected"),
    [(127, "7f"), (128, "8001"), (10000, "904e"), (16383, "ff7f"), (16384, "808001"), (4194303, "ffffff")],
)
def test_compact_lengths(length: int, expected: str) -> None:
    assert compact_length(length).hex() == expected
    data = b"\xff\xd8" + bytes(length - 2)
    with pytest.raises(rectangles.UnfinishedError):
        rectangles.decode(Tight(), JPEG + compact_length(length) + data[:-1], RECT)
    with pytest.raises(RfbError, match="JPEG"):
        rectangles.decode(Tight(), JPEG + compact_length(length) + data, RECT)


@pytest.mark.parametrize(
    "control", [b"\x00", bytes([EXPLICIT]) + COPY, bytes([EXPLICIT]) + PALETTE + b"\2" + R + G + B]
)
def test_more_compressed_data_than_the_picture_can_need_is_refused_before_it_comes(control: bytes) -> None:
    with pytest.raises(RfbError, match="more compressed data"):
        rectangles.decode(Tight(), control + compact_length(4194303), RECT)


# -- filtered pixels ---------------------------------------------------------------------------------------------------


def test_pixels_are_copied_at_every_cut() -> None:
    data = bytes(range(45))
    for pieces in every_cut(b"\x00" + deflated(data)):
        assert rectangles.decode(Tight(), pieces, RECT) == [Pixels(3, 4, 5, 3, data)]


def test_the_copy_filter_may_be_named() -> None:
    data = bytes(range(45))
    assert rectangles.decode(Tight(), bytes([EXPLICIT]) + COPY + deflated(data), RECT) == [
        Pixels(3, 4, 5, 3, data)
    ]


def test_pixels_of_one_colour_are_a_fill() -> None:
    assert rectangles.decode(Tight(), b"\x00" + deflated(G * 15), RECT) == [Fill(3, 4, 5, 3, 0, 255, 0)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_than_twelve_bytes_are_not_deflated(count: int) -> None:
    data = bytes(range(count * 3))
    rect = Rect(0, 0, count, 1)
    (op,) = rectangles.decode(Tight(), b"\x00" + data, rect)
    assert rectangles.pixels([op], rect).tobytes() == data


def test_twelve_bytes_are_deflated() -> None:
    data = bytes(range(12))
    assert rectangles.decode(Tight(), b"\x00" + deflated(data), Rect(0, 0, 4, 1)) == [
        Pixels(0, 0, 4, 1, data)
    ]


def test_two_colours_are_passed_on_as_bits() -> None:
    rows = bytes([0b10101000, 0b01010111, 0b11111000])  # what follows the fifth bit is padding
    data = bytes([EXPLICIT]) + PALETTE + b"\1" + R + B + rows
    for pieces in every_cut(data):
        assert rectangles.decode(Tight(), pieces, RECT) == [Indexed(3, 4, 5, 3, 1, rows, R + B)]


def test_more_colours_are_passed_on_as_bytes() -> None:
    rows = bytes([0, 1, 2, 1, 0] * 3)
    data = bytes([EXPLICIT]) + PALETTE + b"\2" + R + G + B + deflated(rows)
    for pieces in every_cut(data):
        assert rectangles.decode(Tight(), pieces, RECT) == [Indexed(3, 4, 5, 3, 8, rows, R + G + B)]


def test_a_palette_of_sixteen_bit_pixels() -> None:
    data = bytes([EXPLICIT]) + PALETTE + b"\1" + b"\x00\xf8" + b"\xe0\x07" + bytes(3)
    assert rectangles.decode(Tight(), data, RECT, rectangles.screen(RGB565)) == [
        Indexed(3, 4, 5, 3, 1, bytes(3), R + G)
    ]


def test_a_palette_of_one_colour_is_a_fill_whatever_its_bits_say() -> None:
    data = bytes([EXPLICIT]) + PALETTE + b"\0" + G + b"\xff\xff\xff"
    assert rectangles.decode(Tight(), data, RECT) == [Fill(3, 4, 5, 3, 0, 255, 0)]


def test_a_full_palette() -> None:
    palette = bytes(range(256)) * 3
    rows = bytes(range(256))
    data = bytes([EXPLICIT]) + PALETTE + b"\xff" + palette + deflated(rows)
    assert rectangles.decode(Tight(), data, Rect(0, 0, 16, 16)) == [Indexed(0, 0, 16, 16, 8, rows, palette)]


@pytest.mark.parametrize("colours", [3, 17, 255])
def test_an_index_past_the_palette_is_refused(colours: int) -> None:
    palette = bytes(colours * 3)
    for index, message in ((colours, "past the end"), (255, "past the end")):
        data = (
            bytes([EXPLICIT])
            + PALETTE
            + bytes([colours - 1])
            + palette
            + deflated(bytes(14) + bytes([index]))
        )
        with pytest.raises(RfbError, match=message):
            rectangles.decode(Tight(), data, RECT)


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(RfbError, match="unknown filter 3"):
        rectangles.decode(Tight(), bytes([EXPLICIT, 3]), RECT)


def test_filtered_pixels_are_never_wider_than_2048() -> None:
    assert rectangles.decode(Tight(), b"\0" + deflated(R * 2048), Rect(0, 0, 2048, 1)) == [
        Fill(0, 0, 2048, 1, 255, 0, 0)
    ]
    with pytest.raises(RfbError, match="2049 pixels wide"):
        rectangles.decode(Tight(), b"\0" + deflated(R * 2049), Rect(0, 0, 2049, 1))


def test_an_empty_rectangle_draws_nothing() -> None:
    for data in (b"\0", FILL + R, bytes([EXPLICIT]) + PALETTE + b"\1" + R + G):
        assert rectangles.decode(Tight(), data, Rect(0, 0, 0, 9)) == []


# -- streams -----------------------------------------------------------------------------------------------------------


def test_four_streams_go_on_independently() -> None:
    decoder, servers = Tight(), [Deflater() for _ in range(4)]
    for turn in range(12):
        stream = turn * 3 % 4
        data = bytes(range(turn, turn + 45))
        message = bytes([stream << 4]) + deflated(data, servers[stream])
        assert rectangles.decode(decoder, message, RECT) == [Pixels(3, 4, 5, 3, data)]


@pytest.mark.parametrize("reset_by", [b"\x81\1\2\3", payload(b"\x91", image("JPEG", 5, 3)), b""])
def test_a_stream_is_reset_by_any_rectangle(reset_by: bytes) -> None:
    data = bytes(range(45))
    decoder = Tight()
    rectangles.decode(decoder, b"\0" + deflated(data), RECT)
    if reset_by:
        rectangles.decode(decoder, reset_by, RECT)
    control = b"\0" if reset_by else b"\1"
    assert rectangles.decode(decoder, control + deflated(data), RECT) == [Pixels(3, 4, 5, 3, data)]


@pytest.mark.parametrize("stream", range(4))
def test_every_stream_can_be_reset(stream: int) -> None:
    decoder, data = Tight(), bytes(range(45))
    for _ in range(2):
        message = bytes([stream << 4 | 1 << stream]) + deflated(data)
        assert rectangles.decode(decoder, message, RECT) == [Pixels(3, 4, 5, 3, data)]


def test_a_reset_leaves_the_other_streams_alone() -> None:
    decoder, server, data = Tight(), Deflater(), bytes(range(45))
    rectangles.decode(decoder, b"\x20" + deflated(data, server), RECT)
    rectangles.decode(decoder, b"\x8b" + R, RECT)  # streams 0, 1 and 3
    assert rectangles.decode(decoder, b"\x20" + deflated(data, server), RECT) == [Pixels(3, 4, 5, 3, data)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(deflated(bytes(10**5)), "larger than its picture", id="bomb"),
        pytest.param(deflated(bytes(46)), "larger than its picture", id="one byte too many"),
        pytest.param(deflated(bytes(44)), "shorter than its picture", id="one byte missing"),
        pytest.param(compact_length(6) + b"abcdef", "broken", id="not deflated"),
        pytest.param(compact_length(0), "shorter than its picture", id="nothing"),
    ],
)
def test_hostile_streams_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(RfbError, match=message):
        rectangles.decode(Tight(), b"\0" + data, RECT)


# -- gradient ----------------------------------------------------------------------------------------------------------


def gradient(picture: rfb_encoder.Picture, pixel_format: object = rectangles.RGB888) -> bytes:
    return rfb_encoder.Tight(pixel_format, rfb_encoder.first).encode(picture, "gradient")


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param([[(1, 2, 3)]], id="one pixel"),
        pytest.param([[(255, 0, 255)] * 7], id="one row"),
        pytest.param([[(255, 0, 255)]] * 7, id="one column"),
        pytest.param(
            [[(255, 0, 128), (0, 255, 128)] * 3, [(0, 255, 0), (255, 0, 255)] * 3] * 3,
            id="guesses past both ends",
        ),
        pytest.param([[(x, 255 - x, y) for x in range(40)] for y in range(9)], id="slopes"),
    ],
)
def test_gradients(picture: rfb_encoder.Picture) -> None:
    rect = Rect(2, 2, len(picture[0]), len(picture))
    ops = rectangles.decode(Tight(), gradient(picture), rect)
    assert np.array_equal(rectangles.pixels(ops, rect), rfb_encoder.shown(picture, rectangles.RGB888))


@pytest.mark.parametrize(("width", "height"), [(3, 600), (600, 3), (20, 257), (2048, 2)])
def test_gradients_of_any_shape(width: int, height: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3))
    picture = [[tuple(pixel) for pixel in row] for row in noise.tolist()]
    rect = Rect(0, 0, width, height)
    ops = rectangles.decode(Tight(), gradient(picture), rect)
    assert np.array_equal(rectangles.pixels(ops, rect), noise)


@pytest.mark.parametrize("pixel_format", [RGB565, RGB332])
def test_gradients_of_small_pixels(pixel_format: rectangles.PixelFormat) -> None:
    maxima = [maximum + 1 for maximum, _ in pixel_format.channels]
    noise = np.random.default_rng(2).integers(0, maxima, (9, 14, 3))
    picture = [[tuple(pixel) for pixel in row] for row in noise.tolist()]
    rect = Rect(0, 0, 14, 9)
    ops = rectangles.decode(Tight(), gradient(picture, pixel_format), rect, rectangles.screen(pixel_format))
    assert np.array_equal(rectangles.pixels(ops, rect), rfb_encoder.shown(picture, pixel_format))
