"""Every decoder against a slow, obvious encoder: random pictures, formats and cuts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.display.ops import Cursor, Rect
from proxyd.rfb.buffer import Buffer
from proxyd.rfb.decoders import DECODERS
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import RGB332, RGB565, RGB888, PixelFormat
from tests import rectangles
from tests.fakes import rfb_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.rfb.decoders.base import Decoder

BGR888 = PixelFormat(32, 24, False, True, 255, 255, 255, 16, 8, 0)
BIG_ENDIAN = PixelFormat(32, 24, True, True, 255, 255, 255, 16, 8, 0)
HIGH_BYTES = PixelFormat(32, 24, False, True, 255, 255, 255, 24, 16, 8)
DEEP = PixelFormat(32, 30, False, True, 1023, 1023, 1023, 20, 10, 0)
ODD = PixelFormat(32, 20, True, True, 127, 127, 63, 13, 6, 0)
RGB565_BIG_ENDIAN = PixelFormat(16, 16, True, True, 31, 63, 31, 11, 5, 0)
FORMATS = [RGB888, BGR888, BIG_ENDIAN, HIGH_BYTES, DEEP, ODD, RGB565, RGB565_BIG_ENDIAN, RGB332]


class Server:
    """The encoding side of one connection."""

    def __init__(self, pixel_format: PixelFormat, chooser: random.Random) -> None:
        self._format = pixel_format
        self._chooser = chooser
        self._zlib = rfb_encoder.Deflater()
        self._zrle = rfb_encoder.Deflater()
        self._tight = rfb_encoder.Tight(pixel_format, chooser.choice)

    def raw(self, picture: rfb_encoder.Picture) -> bytes:
        return rfb_encoder.raw(picture, self._format)

    def rre(self, picture: rfb_encoder.Picture) -> bytes:
        return rfb_encoder.rre(picture, self._format)

    def hextile(self, picture: rfb_encoder.Picture) -> bytes:
        return rfb_encoder.Hextile(self._format, self._chooser.choice).encode(picture)

    def zlib(self, picture: rfb_encoder.Picture) -> bytes:
        return self._zlib.with_length(rfb_encoder.raw(picture, self._format))

    def tight(self, picture: rfb_encoder.Picture) -> bytes:
        colours = len({level for row in picture for level in row})
        kinds = [
            "copy",
            "gradient",
            *(["palette"] if colours <= 256 else []),
            *(["fill"] if colours == 1 else []),
        ]
        return self._tight.encode(picture, self._chooser.choice(kinds))

    def zrle(self, picture: rfb_encoder.Picture) -> bytes:
        return self._zrle.with_length(rfb_encoder.zrle(picture, self._format, self._chooser.choice))


ENCODINGS: dict[Encoding, Callable[[Server, rfb_encoder.Picture], bytes]] = {
    Encoding.RAW: Server.raw,
    Encoding.RRE: Server.rre,
    Encoding.HEXTILE: Server.hextile,
    Encoding.ZLIB: Server.zlib,
    Encoding.TIGHT: Server.tight,
    Encoding.ZRLE: Server.zrle,
}


def pieces(data: bytes, chooser: random.Random) -> list[bytes]:
    cuts = sorted(chooser.sample(range(len(data)), min(chooser.randint(0, 5), len(data))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    pixel_format=st.sampled_from(FORMATS),
    width=st.integers(1, 80),
    height=st.integers(1, 80),
    colours=st.sampled_from([1, 2, 3, 4, 5, 16, 17, 120, 300]),
)
def test_pictures_arrive_exactly(
    encoding: Encoding, seed: int, pixel_format: PixelFormat, width: int, height: int, colours: int
) -> None:
    chooser = random.Random(seed)
    server, decoder = Server(pixel_format, chooser), DECODERS[encoding]()
    on = rectangles.screen(pixel_format)
    rect = Rect(chooser.randint(0, 9), chooser.randint(0, 9), width, height)
    for _ in range(2):
        picture = rfb_encoder.random_picture(chooser, width, height, colours, pixel_format)
        ops = rectangles.decode(decoder, pieces(ENCODINGS[encoding](server, picture), chooser), rect, on)
        assert np.array_equal(rectangles.pixels(ops, rect), rfb_encoder.shown(picture, pixel_format))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_byte_by_byte(encoding: Encoding) -> None:
    chooser = random.Random(7)
    picture = rfb_encoder.random_picture(chooser, 70, 20, 9, RGB888)
    rect = Rect(0, 0, 70, 20)
    data = ENCODINGS[encoding](Server(RGB888, chooser), picture)
    ops = rectangles.decode(DECODERS[encoding](), [data[i : i + 1] for i in range(len(data))], rect)
    assert np.array_equal(rectangles.pixels(ops, rect), rfb_encoder.shown(picture, RGB888))


@pytest.mark.parametrize("encoding", DECODERS)
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=300), width=st.integers(0, 100), height=st.integers(0, 100))
def test_garbage_gives_only_our_error(encoding: Encoding, data: bytes, width: int, height: int) -> None:
    fuzz(DECODERS[encoding](), data, Rect(3, 4, width, height))


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_damaged_pictures_give_only_our_error(
    encoding: Encoding, seed: int, changes: list[tuple[int, int]]
) -> None:
    chooser = random.Random(seed)
    picture = rfb_encoder.random_picture(chooser, 40, 30, 5, RGB888)
    data = bytearray(ENCODINGS[encoding](Server(RGB888, chooser), picture))
    for at, value in changes:
        data[at % len(data)] = value
    fuzz(DECODERS[encoding](), bytes(data), Rect(3, 4, 40, 30))


def fuzz(decoder: Decoder, data: bytes, rect: Rect) -> None:
    """Decode; whatever is drawn must stay inside of the rectangle."""
    buffer = Buffer(data)
    reading = decoder.decode(buffer, rect, rectangles.screen(width=200, height=200))
    try:
        for _ in range(100):
            next(reading)
    except RfbError:
        pass
    except StopIteration as done:
        for op in done.value:
            if not isinstance(op, Cursor):
                assert op.width > 0 < op.height
                assert rect.x <= op.x <= op.x + op.width <= rect.x + rect.width
                assert rect.y <= op.y <= op.y + op.height <= rect.y + rect.height
