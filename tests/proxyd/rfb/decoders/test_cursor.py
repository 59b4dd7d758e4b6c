from __future__ import annotations

import pytest

from proxyd.display.ops import Cursor, Rect
from proxyd.rfb.decoders.cursor import AlphaCursor, MaskedCursor, TwoColourCursor, VmwareCursor
from proxyd.rfb.errors import RfbError
from proxyd.rfb.pixels import RGB565
from tests import rectangles
from tests.cuts import every_cut

SPOT = Rect(1, 0, 3, 2)
R, G, B, BLACK, WHITE = b"\xff\0\0", b"\0\xff\0", b"\0\0\xff", b"\0\0\0", b"\xff\xff\xff"
SHOWN, HIDDEN = b"\xff", b"\0"
RAW = b"\0\0\0\0"


def test_pixels_with_a_mask_at_every_cut() -> None:
    data = b"".join(colour + b"\0" for colour in (R, G, B, B, G, R)) + bytes([0b10111111, 0b01000000])
    rgba = R + SHOWN + G + HIDDEN + B + SHOWN + B + HIDDEN + G + SHOWN + R + HIDDEN
    for pieces in every_cut(data):
        assert rectangles.decode(MaskedCursor(), pieces, SPOT) == [Cursor(1, 0, 3, 2, rgba)]


def test_pixels_of_sixteen_bits_with_a_mask() -> None:
    ops = rectangles.decode(MaskedCursor(), b"\x00\xf8\x80", Rect(0, 0, 1, 1), rectangles.screen(RGB565))
    assert ops == [Cursor(0, 0, 1, 1, R + SHOWN)]


def test_two_colours_at_every_cut() -> None:
    data = R + B + bytes([0b10100000, 0b01000000]) + bytes([0b11000000, 0b11100000])
    rgba = R + SHOWN + B + SHOWN + R + HIDDEN + B + SHOWN + R + SHOWN + B + SHOWN
    for pieces in every_cut(data):
        assert rectangles.decode(TwoColourCursor(), pieces, SPOT) == [Cursor(1, 0, 3, 2, rgba)]


def test_alpha_is_divided_out_at_every_cut() -> None:
    data = (
        RAW
        + b"\x40\x20\x00\x80"
        + b"\xff\x00\x10\xff"
        + b"\0\0\0\0"
        + b"\x09\x01\x02\x03"
        + b"\1\0\1\1"
        + bytes(4)
    )
    rgba = b"\x80\x40\x00\x80\xff\x00\x10\xff\0\0\0\0\xff\x55\xaa\x03\xff\0\xff\1" + bytes(4)
    for pieces in every_cut(data):
        assert rectangles.decode(AlphaCursor(), pieces, SPOT) == [Cursor(1, 0, 3, 2, rgba)]


def test_vmware_alpha_is_straight() -> None:
    data = bytes(range(24))
    for pieces in every_cut(b"\1\0" + data):
        assert rectangles.decode(VmwareCursor(), pieces, SPOT) == [Cursor(1, 0, 3, 2, data)]


def test_vmware_masks() -> None:
    colours = {
        "opaque": (BLACK, G, G + SHOWN),
        "transparent": (WHITE, BLACK, BLACK + HIDDEN),
        "inverting": (WHITE, WHITE, BLACK + SHOWN),
    }
    and_mask = b"".join(mask + b"\0" for mask, _, _ in colours.values())
    xor_mask = b"".join(mask + b"\0" for _, mask, _ in colours.values())
    rgba = b"".join(shown for _, _, shown in colours.values())
    for pieces in every_cut(b"\0\0" + and_mask + xor_mask):
        assert rectangles.decode(VmwareCursor(), pieces, Rect(0, 0, 3, 1)) == [Cursor(0, 0, 3, 1, rgba)]


@pytest.mark.parametrize(
    ("decoder", "data"),
    [
        (MaskedCursor, b""),
        (TwoColourCursor, b""),
        (AlphaCursor, RAW),
        (VmwareCursor, b"\0\0"),
        (VmwareCursor, b"\1\0"),
    ],
)
@pytest.mark.parametrize("rect", [Rect(0, 0, 0, 0), Rect(9, 9, 0, 0)])
def test_an_empty_shape_hides_the_pointer(decoder: type[MaskedCursor], data: bytes, rect: Rect) -> None:
    assert rectangles.decode(decoder(), data, rect) == [Cursor(0, 0, 0, 0, b"")]


def test_the_hot_spot_is_moved_inside() -> None:
    (op,) = rectangles.decode(VmwareCursor(), b"\1\0" + bytes(24), Rect(65535, 2, 3, 2))
    assert op[:2] == (2, 1)


@pytest.mark.parametrize("decoder", [MaskedCursor, TwoColourCursor, AlphaCursor, VmwareCursor])
@pytest.mark.parametrize("size", [(513, 1), (1, 513), (65535, 65535)])
def test_large_shapes_are_refused(decoder: type[MaskedCursor], size: tuple[int, int]) -> None:
    with pytest.raises(RfbError, match="pointer of"):
        rectangles.decode(decoder(), b"", Rect(0, 0, *size))


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(RfbError, match="unknown kind 2"):
        rectangles.decode(VmwareCursor(), b"\2\0", SPOT)
    with pytest.raises(RfbError, match="encoding 7"):
        rectangles.decode(AlphaCursor(), b"\0\0\0\7", SPOT)
