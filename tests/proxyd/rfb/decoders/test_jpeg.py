from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from proxyd.display.ops import Image, Rect
from proxyd.rfb.decoders.jpeg import Jpeg
from proxyd.rfb.errors import RfbError
from proxyd.rfb.images import jpeg_segments
from tests import rectangles
from tests.cuts import every_cut
from tests.fakes import rfb_encoder

RECT = Rect(3, 4, 20, 10)
DHT, DQT = 0xC4, 0xDB


def picture(width: int = 20, height: int = 10) -> rfb_encoder.Picture:
    return [[(x * 12, y * 25, 128) for x in range(width)] for y in range(height)]


def jpeg(width: int = 20, height: int = 10, **options: object) -> bytes:
    return rfb_encoder.image(picture(width, height), "JPEG", **options)


def without(data: bytes, *markers: int) -> bytes:
    """A JPEG without some of its tables."""
    for marker, start, end in reversed(list(jpeg_segments(data))):
        if marker in markers:
            data = data[: start - 4] + data[end:]
    return data


def test_a_jpeg_passes_through_at_every_cut() -> None:
    data = jpeg()
    for pieces in every_cut(data):
        assert rectangles.decode(Jpeg(), pieces, RECT) == [Image(3, 4, 20, 10, "image/jpeg", data)]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"progressive": True}, id="several scans"),
        pytest.param({"quality": 100, "subsampling": 0}, id="stuffed zeros"),
        pytest.param({"restart_marker_blocks": 1}, id="restart markers"),
    ],
)
def test_the_end_is_found_in_any_jpeg(options: dict[str, object]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(noise).save(out, "JPEG", **options)
    rect = Rect(0, 0, 64, 64)
    data = out.getvalue()
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        assert rectangles.decode(Jpeg(), pieces, rect) == [Image(*rect, "image/jpeg", data)]


@pytest.mark.parametrize("left_out", [(DHT,), (DQT,), (DHT, DQT)])
def test_tables_left_out_are_those_of_the_image_before(left_out: tuple[int, ...]) -> None:
    decoder, data = Jpeg(), jpeg()
    rectangles.decode(decoder, data, RECT)
    for _ in range(2):
        (op,) = rectangles.decode(decoder, without(data, *left_out), RECT)
        assert isinstance(op, Image)
        shown = np.asarray(PillowImage.open(io.BytesIO(op.data)))
        assert np.array_equal(shown, np.asarray(PillowImage.open(io.BytesIO(data))))


def test_newer_tables_replace_older_ones() -> None:
    decoder = Jpeg()
    coarse, fine = jpeg(quality=10), jpeg(quality=90)
    rectangles.decode(decoder, coarse, RECT)
    rectangles.decode(decoder, fine, RECT)
    (op,) = rectangles.decode(decoder, without(fine, DQT), RECT)
    assert isinstance(op, Image)
    assert np.array_equal(
        np.asarray(PillowImage.open(io.BytesIO(op.data))), np.asarray(PillowImage.open(io.BytesIO(fine)))
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"GIF89a", "broken", id="no JPEG"),
        pytest.param(b"\xff\xd8\x00\xdb", "broken", id="no marker"),
        pytest.param(b"\xff\xd8\xff\xd8", "broken", id="two starts"),
        pytest.param(b"\xff\xd8\xff\xd9", "broken", id="an end at once"),
        pytest.param(b"\xff\xd8\xff\xdb\0\0\xff\xd9", "broken", id="segment shorter than its length"),
        pytest.param(b"\xff\xd8\xff\xdb\0\x05\0\0\0\xff\xda\0\2\xff\xd9", "broken", id="table cut off"),
        pytest.param(b"\xff\xd8\xff\xc4\0\x05\0\0\0\xff\xda\0\2\xff\xd9", "broken", id="Huffman table cut off"),
        pytest.param(b"\xff\xd8\xff\xda\0\2" + bytes(10**6), "does not end", id="scan without an end"),
        pytest.param(b"\xff\xd8" + b"\xff\xe0\xff\xff" + bytes(65533) + b"\xff\xe0\xff\xff" + bytes(65533), "larger", id="endless comments"),
        pytest.param(jpeg(21, 10), "another size", id="too wide"),
        pytest.param(jpeg(20, 9), "another size", id="too low"),
    ],
)  # fmt: skip
def test_hostile_images_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(RfbError, match=message):
        rectangles.decode(Jpeg(), data, RECT)
