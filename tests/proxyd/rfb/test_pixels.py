from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import RGB332, RGB565, RGB888, PixelFormat, PixelReader, rgb_bytes

BGR888 = PixelFormat(32, 24, False, True, 255, 255, 255, 16, 8, 0)
INDEXED = PixelFormat(8, 8, False, False, 0, 0, 0, 0, 0, 0)
DEEP = PixelFormat(32, 30, False, True, 1023, 1023, 1023, 20, 10, 0)
SHALLOW = PixelFormat(32, 15, False, True, 31, 31, 31, 10, 5, 0)


def little(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "little")


# -- formats -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixel_format", "wire"),
    [
        (RGB888, "20 18 00 01 00ff 00ff 00ff 00 08 10 000000"),
        (BGR888, "20 18 00 01 00ff 00ff 00ff 10 08 00 000000"),
        (RGB565, "10 10 00 01 001f 003f 001f 0b 05 00 000000"),
        (RGB332, "08 08 00 01 0007 0007 0003 05 02 00 000000"),
        (replace(BGR888, big_endian=True), "20 18 01 01 00ff 00ff 00ff 10 08 00 000000"),
        (INDEXED, "08 08 00 00 0000 0000 0000 00 00 00 000000"),
    ],
)
def test_formats_are_read_and_written(pixel_format: PixelFormat, wire: str) -> None:
    assert pixel_format.encode() == bytes.fromhex(wire)
    assert PixelFormat.parse(bytes.fromhex(wire)) == pixel_format


@pytest.mark.parametrize("bits", [0, 1, 15, 24, 64, 255])
def test_pixels_of_odd_sizes_are_refused(bits: int) -> None:
    with pytest.raises(RfbError, match=f"pixels of {bits} bits"):
        PixelFormat.parse(replace(RGB888, bits_per_pixel=bits).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"red_max": 0},
        {"green_max": 254},
        {"blue_max": 65535, "blue_shift": 17},
        {"red_shift": 25},
        {"green_shift": 255},
        {"bits_per_pixel": 8},
    ],
)
def test_channels_must_fit(change: dict[str, int]) -> None:
    with pytest.raises(RfbError, match="does not fit"):
        PixelFormat.parse(replace(RGB888, **change).encode())


# -- layouts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixel_format", "pixel", "rgb"),
    [
        (RGB888, b"\1\2\3\xaa", (1, 2, 3)),
        (BGR888, b"\1\2\3\xaa", (3, 2, 1)),
        (replace(BGR888, big_endian=True), b"\xaa\1\2\3", (1, 2, 3)),
        (replace(RGB888, big_endian=True), b"\xaa\1\2\3", (3, 2, 1)),
        (PixelFormat(32, 24, False, True, 255, 255, 255, 0, 16, 8), b"\1\2\3\xaa", (1, 3, 2)),
        (PixelFormat(32, 32, False, True, 255, 255, 255, 24, 16, 8), b"\xaa\3\2\1", (1, 2, 3)),
        (DEEP, little(1023 << 20 | 512 << 10 | 1), (255, 128, 0)),
        (SHALLOW, little(31 << 10 | 16 << 5 | 1), (255, 132, 8)),
        (RGB565, little(31 << 11 | 32 << 5 | 1, 2), (255, 130, 8)),
        (replace(RGB565, big_endian=True), b"\xf8\x1f", (255, 0, 255)),
        (RGB332, b"\xe1", (255, 0, 85)),
    ],
)
def test_pixels_become_colours(pixel_format: PixelFormat, pixel: bytes, rgb: tuple[int, int, int]) -> None:
    layout = PixelReader(pixel_format).pixel
    number = rgb[0] | rgb[1] << 8 | rgb[2] << 16
    assert layout.size == len(pixel)
    assert layout.rgb(pixel * 3) == bytes(rgb) * 3
    assert layout.colours(pixel * 2).tolist() == [number] * 2
    assert layout.colour(pixel) == number
    swapped = PixelReader(pixel_format, swap_red_blue=True).pixel
    if pixel_format.red_max == pixel_format.blue_max:
        assert swapped.rgb(pixel) == bytes(rgb)[::-1]


@pytest.mark.parametrize("pixel_format", [RGB565, RGB332, replace(RGB565, big_endian=True)])
def test_levels_are_stretched_evenly(pixel_format: PixelFormat) -> None:
    size = pixel_format.bits_per_pixel // 8
    order = "big" if pixel_format.big_endian else "little"
    layout = PixelReader(pixel_format).pixel
    for channel, (maximum, shift) in enumerate(pixel_format.channels):
        for level in range(maximum + 1):
            shown = layout.rgb((level << shift).to_bytes(size, order))
            assert shown[channel] == int(level * 255 / maximum + 0.5)
            assert sum(shown) == shown[channel]


@pytest.mark.parametrize(
    ("pixel_format", "size"), [(RGB888, 4), (BGR888, 4), (DEEP, 4), (RGB565, 2), (RGB332, 1), (INDEXED, 1)]
)
def test_no_pixels_are_no_colours(pixel_format: PixelFormat, size: int) -> None:
    reader = PixelReader(pixel_format)
    for layout in (reader.pixel, reader.cpixel, reader.tpixel):
        assert layout.rgb(b"") == b""
        assert layout.colours(b"").tolist() == []
    assert reader.pixel.size == size


@pytest.mark.parametrize(
    ("pixel_format", "pixel", "rgb"),
    [
        pytest.param(RGB888, b"\1\2\3", b"\1\2\3", id="low bytes"),
        pytest.param(BGR888, b"\1\2\3", b"\3\2\1", id="low bytes, blue first"),
        pytest.param(replace(BGR888, big_endian=True), b"\1\2\3", b"\1\2\3", id="low bytes of big endian"),
        pytest.param(PixelFormat(32, 24, False, True, 255, 255, 255, 24, 16, 8), b"\3\2\1", b"\1\2\3", id="high bytes"),
        pytest.param(PixelFormat(32, 24, True, True, 255, 255, 255, 24, 16, 8), b"\1\2\3", b"\1\2\3", id="high bytes of big endian"),
        pytest.param(SHALLOW, little(31 << 10, 3), b"\xff\0\0", id="fewer bits"),
        pytest.param(PixelFormat(32, 24, False, True, 255, 255, 255, 24, 8, 0), b"\1\2\3\4", b"\4\2\1", id="spread over all bytes"),
        pytest.param(replace(RGB888, depth=32), b"\1\2\3\4", b"\1\2\3", id="depth 32"),
        pytest.param(DEEP, little(1023 << 20), b"\xff\0\0", id="depth 30"),
        pytest.param(RGB565, b"\0\xf8", b"\xff\0\0", id="16 bits"),
    ],
)  # fmt: skip
def test_compact_pixels_of_zrle(pixel_format: PixelFormat, pixel: bytes, rgb: bytes) -> None:
    layout = PixelReader(pixel_format).cpixel
    assert layout.size == len(pixel)
    assert layout.rgb(pixel) == rgb


@pytest.mark.parametrize(
    ("pixel_format", "pixel", "rgb"),
    [
        pytest.param(RGB888, b"\1\2\3", b"\1\2\3", id="R, G, B"),
        pytest.param(BGR888, b"\1\2\3", b"\1\2\3", id="R, G, B whatever the shifts"),
        pytest.param(replace(BGR888, big_endian=True), b"\1\2\3", b"\1\2\3", id="or the byte order"),
        pytest.param(replace(RGB888, depth=32), b"\1\2\3\4", b"\1\2\3", id="depth 32"),
        pytest.param(SHALLOW, little(31 << 10), b"\xff\0\0", id="fewer bits"),
        pytest.param(RGB565, b"\0\xf8", b"\xff\0\0", id="16 bits"),
    ],
)
def test_compact_pixels_of_tight(pixel_format: PixelFormat, pixel: bytes, rgb: bytes) -> None:
    layout = PixelReader(pixel_format).tpixel
    assert layout.size == len(pixel)
    assert layout.rgb(pixel) == rgb


def test_red_and_blue_are_exchanged_in_compact_pixels_too() -> None:
    reader = PixelReader(RGB888, swap_red_blue=True)
    assert reader.cpixel.rgb(b"\1\2\3") == reader.tpixel.rgb(b"\1\2\3") == b"\3\2\1"


@pytest.mark.parametrize(
    ("pixel_format", "pixel", "levels", "maxima"),
    [
        (RGB888, b"\1\2\3", [1, 2, 3], (255, 255, 255)),
        (RGB565, little(30 << 11 | 33 << 5 | 7, 2), [30, 33, 7], (31, 63, 31)),
        (RGB332, b"\x6d", [3, 3, 1], (7, 7, 3)),
        (DEEP, little(1000 << 20 | 2 << 10 | 3), [1000, 2, 3], (1023, 1023, 1023)),
    ],
)
def test_levels(
    pixel_format: PixelFormat, pixel: bytes, levels: list[int], maxima: tuple[int, int, int]
) -> None:
    layout = PixelReader(pixel_format).tpixel
    assert layout.levels(pixel * 2).tolist() == [levels] * 2
    assert layout.maxima == maxima


# -- colour maps -------------------------------------------------------------------------------------------------------


def test_a_colour_map_is_looked_up() -> None:
    reader = PixelReader(INDEXED)
    reader.set_colours(1, [(0xFFFF, 0x8000, 0), (0, 0, 0x0100)])
    assert reader.pixel.rgb(b"\0\1\2\3") == bytes([0, 0, 0, 255, 128, 0, 0, 0, 1, 0, 0, 0])
    assert reader.cpixel is reader.tpixel is reader.pixel


def test_a_changed_colour_is_not_remembered() -> None:
    reader = PixelReader(INDEXED)
    assert reader.pixel.colour(b"\7") == 0
    reader.set_colours(7, [(0xFFFF, 0, 0)])
    assert reader.pixel.colour(b"\7") == reader.cpixel.colour(b"\7") == 255


def test_a_colour_map_with_red_and_blue_exchanged() -> None:
    reader = PixelReader(INDEXED, swap_red_blue=True)
    reader.set_colours(0, [(0x0100, 0x0200, 0x0300)])
    assert reader.pixel.rgb(b"\0") == b"\3\2\1"


def test_a_map_of_sixteen_bits() -> None:
    reader = PixelReader(PixelFormat(16, 16, True, False, 0, 0, 0, 0, 0, 0))
    reader.set_colours(65535, [(0x0100, 0x0200, 0x0300)])
    assert reader.pixel.rgb(struct.pack(">HH", 65535, 1)) == b"\1\2\3\0\0\0"


@pytest.mark.parametrize(("first", "count"), [(256, 1), (255, 2), (65535, 65535)])
def test_colours_past_the_map_are_refused(first: int, count: int) -> None:
    with pytest.raises(RfbError, match="past the end"):
        PixelReader(INDEXED).set_colours(first, [(0, 0, 0)] * count)


def test_pixels_of_a_map_past_its_end_stay_inside() -> None:
    reader = PixelReader(replace(INDEXED, bits_per_pixel=32))
    assert reader.pixel.rgb(b"\xff\xff\xff\xff") == b"\0\0\0"


def test_mapped_pixels_have_no_levels() -> None:
    with pytest.raises(RfbError, match="map"):
        PixelReader(INDEXED).tpixel.levels(b"\0")


def test_colours_become_bytes() -> None:
    assert rgb_bytes(np.array([[0x030201, 0xFFFEFD]], np.uint32)) == b"\1\2\3\xfd\xfe\xff"
