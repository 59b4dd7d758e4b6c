from __future__ import annotations

import zlib

import numpy as np
import pytest

from proxyd.display.ops import Fill, Pixels, Rect
from proxyd.rfb.decoders.zlib import Zlib
from proxyd.rfb.errors import RfbError
from tests import rectangles
from tests.cuts import every_cut
from tests.fakes.rfb_encoder import Deflater

RECT = Rect(1, 2, 2, 2)
DATA = bytes(range(16))
PICTURE = [Pixels(1, 2, 2, 2, bytes(byte for byte in DATA if byte % 4 < 3))]


def test_pixels_at_every_cut() -> None:
    for pieces in every_cut(Deflater().with_length(DATA)):
        assert rectangles.decode(Zlib(), pieces, RECT) == PICTURE


@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_stream_goes_on_from_rectangle_to_rectangle(level: int) -> None:
    server, decoder = Deflater(level), Zlib()
    for _ in range(5):
        assert rectangles.decode(decoder, server.with_length(DATA), RECT) == PICTURE


def test_large_pictures_are_drawn_in_bands() -> None:
    rect = Rect(0, 0, 700, 1000)
    data = np.random.default_rng(1).integers(0, 3, (rect.height, rect.width, 4), np.uint8)
    ops = rectangles.decode(Zlib(), Deflater().with_length(data.tobytes()), rect)
    assert len(ops) == 3
    assert np.array_equal(rectangles.pixels(ops, rect), data[..., :3])


def test_one_colour_is_a_fill() -> None:
    assert rectangles.decode(Zlib(), Deflater().with_length(b"\1\2\3\0" * 4), RECT) == [
        Fill(1, 2, 2, 2, 1, 2, 3)
    ]


def test_an_empty_rectangle_draws_nothing() -> None:
    assert rectangles.decode(Zlib(), Deflater().with_length(b""), Rect(0, 0, 0, 9)) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(Deflater().with_length(bytes(10**5)), "larger than its picture", id="bomb"),
        pytest.param(Deflater().with_length(DATA + b"x"), "larger than its picture", id="one byte too many"),
        pytest.param(Deflater().with_length(DATA[:-1]), "shorter than its picture", id="one byte missing"),
        pytest.param(b"\0\0\0\0", "shorter than its picture", id="nothing"),
        pytest.param(b"\0\0\0\4abcd", "broken", id="not deflated"),
        pytest.param(b"\x80\0\0\0", "more compressed data", id="length of 2^31"),
        pytest.param(b"\xff\xff\xff\xff", "more compressed data", id="length of 2^32 - 1"),
    ],
)
def test_hostile_data_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RfbError, match=message):
        rectangles.decode(Zlib(), data, RECT)


def test_a_stream_that_ended_is_refused() -> None:
    decoder, data = Zlib(), zlib.compress(DATA)
    assert rectangles.decode(decoder, len(data).to_bytes(4, "big") + data, RECT) == PICTURE
    with pytest.raises(RfbError, match="after the end"):
        rectangles.decode(decoder, len(data).to_bytes(4, "big") + data, RECT)
