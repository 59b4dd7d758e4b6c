from __future__ import annotations

import pytest

from proxyd.display.ops import Image, Rect
from proxyd.rfb.errors import RfbError
from proxyd.rfb.images import jpeg_image, png_image
from tests.fakes import rfb_encoder

RECT = Rect(1, 2, 9, 7)


def image(kind: str, width: int = 9, height: int = 7, **options: object) -> bytes:
    return rfb_encoder.image([[(x, y, 0) for x in range(width)] for y in range(height)], kind, **options)


JPEG, PNG = image("JPEG"), image("PNG")


@pytest.mark.parametrize(
    "data", [JPEG, image("JPEG", progressive=True), image("JPEG", quality=100), JPEG + bytes(8)]
)
def test_jpegs_are_not_touched(data: bytes) -> None:
    assert jpeg_image(RECT, data) == Image(1, 2, 9, 7, "image/jpeg", data)


def test_pngs_are_not_touched() -> None:
    assert png_image(RECT, PNG) == Image(1, 2, 9, 7, "image/png", PNG)


def frame(marker: int = 0xC0, bits: int = 8, components: int = 3) -> bytes:
    """The least that counts as a JPEG."""
    header = bytes([0xFF, marker, 0, 8, bits, 0, 7, 0, 9, components])
    return b"\xff\xd8" + header + b"\xff\xda\0\2\xff\xd9"


def test_grey_jpegs_are_shown() -> None:
    assert jpeg_image(RECT, frame(components=1)).data == frame(components=1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "cut off", id="nothing"),
        pytest.param(JPEG[:-2], "cut off", id="no end"),
        pytest.param(JPEG[: len(JPEG) // 2], "cut off", id="half"),
        pytest.param(PNG + b"\xff\xd9", "broken", id="a PNG"),
        pytest.param(b"\xff\xd8\xff\xd9", "broken", id="no frame"),
        pytest.param(
            b"\xff\xd8\xff\xda\0\2\xff\xd9", "a kind that browsers do not show", id="no frame before the scan"
        ),
        pytest.param(JPEG[:20] + b"\0" + JPEG[21:], "broken", id="no marker where one must be"),
        pytest.param(b"\xff\xd8\xff\xe0\xff\xff\xff\xd9", "broken", id="segment past the end"),
        pytest.param(b"\xff\xd8\xff\xe0\0\0\xff\xd9", "broken", id="segment without a length"),
        pytest.param(
            b"\xff\xd8\xff\xc0\0\4\0\0\xff\xda\0\2\xff\xd9", "a kind that browsers", id="frame cut off"
        ),
        pytest.param(image("JPEG", 8, 7), "another size", id="too narrow"),
        pytest.param(image("JPEG", 9, 8), "another size", id="too high"),
        pytest.param(frame(0xC3), "a kind that browsers", id="lossless"),
        pytest.param(frame(0xC9), "a kind that browsers", id="arithmetic"),
        pytest.param(frame(bits=12), "a kind that browsers", id="12 bits"),
        pytest.param(frame(components=4), "a kind that browsers", id="CMYK"),
    ],
)
def test_jpegs_that_browsers_would_not_show_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(RfbError, match=message):
        jpeg_image(RECT, data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "broken", id="nothing"),
        pytest.param(JPEG, "broken", id="a JPEG"),
        pytest.param(PNG[:-1], "broken", id="cut off"),
        pytest.param(PNG[:12] + b"IDAT" + PNG[16:], "broken", id="no header"),
        pytest.param(image("PNG", 10, 7), "another size", id="too wide"),
        pytest.param(image("PNG", 9, 6), "another size", id="too low"),
    ],
)
def test_pngs_that_browsers_would_not_show_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(RfbError, match=message):
        png_image(RECT, data)
