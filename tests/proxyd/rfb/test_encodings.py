from __future__ import annotations

import pytest

from proxyd.rfb import encodings
from proxyd.rfb.encodings import PIXEL_ENCODINGS, Encoding


@pytest.mark.parametrize(
    ("encoding", "wire"),
    [
        (Encoding.TIGHT_PNG, 0xFFFFFEFC),
        (Encoding.DESKTOP_SIZE, 0xFFFFFF21),
        (Encoding.LAST_RECT, 0xFFFFFF20),
        (Encoding.CURSOR, 0xFFFFFF11),
        (Encoding.QEMU_POINTER_MOTION, 0xFFFFFEFF),
        (Encoding.QEMU_EXTENDED_KEY, 0xFFFFFEFE),
        (Encoding.LED_STATE, 0xFFFFFEFB),
        (Encoding.DESKTOP_NAME, 0xFFFFFECD),
        (Encoding.EXTENDED_DESKTOP_SIZE, 0xFFFFFECC),
        (Encoding.XVP, 0xFFFFFECB),
        (Encoding.FENCE, 0xFFFFFEC8),
        (Encoding.CONTINUOUS_UPDATES, 0xFFFFFEC7),
        (Encoding.CURSOR_WITH_ALPHA, 0xFFFFFEC6),
        (Encoding.EXTENDED_MOUSE_BUTTONS, 0xFFFFFEC4),
        (Encoding.EXTENDED_CLIPBOARD, 0xC0A1E5CE),
    ],
)
def test_numbers_as_they_are_written_in_hexadecimal(encoding: Encoding, wire: int) -> None:
    assert encoding % (1 << 32) == wire


@pytest.mark.parametrize(
    ("number", "wire"),
    [
        (encodings.quality(0), 0xFFFFFFE0),
        (encodings.quality(9), 0xFFFFFFE9),
        (encodings.compression(0), 0xFFFFFF00),
        (encodings.compression(9), 0xFFFFFF09),
    ],
)
def test_levels_as_they_are_written_in_hexadecimal(number: int, wire: int) -> None:
    assert number % (1 << 32) == wire


def test_levels_outside_of_the_scale_are_moved_inside() -> None:
    assert encodings.quality(-1) == encodings.quality(0)
    assert encodings.quality(10) == encodings.quality(9)
    assert encodings.compression(99) == encodings.compression(9)


def test_every_pixel_encoding_has_a_name_and_a_decoder() -> None:
    from proxyd.rfb.decoders import DECODERS

    cursors = {Encoding.CURSOR, Encoding.X_CURSOR, Encoding.CURSOR_WITH_ALPHA, Encoding.VMWARE_CURSOR}
    assert set(PIXEL_ENCODINGS.values()) | cursors == set(DECODERS)
