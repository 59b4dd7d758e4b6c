from __future__ import annotations

import pytest

from proxyd.display.ops import Rect
from proxyd.rfb import messages
from proxyd.rfb.messages import FenceFlag, Screen
from proxyd.rfb.pixels import RGB888


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (messages.set_pixel_format(RGB888), "00 000000 20 18 00 01 00ff 00ff 00ff 00 08 10 000000"),
        (messages.set_encodings([7, -239, 0x574D5664]), "02 00 0003 00000007 ffffff11 574d5664"),
        (
            messages.framebuffer_update_request(Rect(1, 2, 3, 4), incremental=True),
            "03 01 0001 0002 0003 0004",
        ),
        (
            messages.framebuffer_update_request(Rect(0, 0, 1, 1), incremental=False),
            "03 00 0000 0000 0001 0001",
        ),
        (messages.key_event(0xFF0D, pressed=True), "04 01 0000 0000ff0d"),
        (messages.qemu_key_event(0xFF0D, pressed=False, scancode=0x1C), "ff 00 0000 0000ff0d 0000001c"),
        (messages.pointer_event(258, 3, 0x1FF), "05 ff 0102 0003"),
        (messages.pointer_event_extended(1, 2, 0x7F), "05 7f 0001 0002"),
        (messages.pointer_event_extended(1, 2, 0x181), "05 81 0001 0002 03"),
        (messages.client_cut_text(b"hi"), "06 000000 00000002 6869"),
        (messages.extended_cut_text(b"\x01\x02\x03\x04"), "06 000000 fffffffc 01020304"),
        (messages.client_fence(FenceFlag.REQUEST | FenceFlag.SYNC_NEXT, b"ab"), "f8 000000 80000004 02 6162"),
        (
            messages.set_desktop_size(640, 480, [Screen(5, 0, 0, 640, 480, 6)]),
            "fb 00 0280 01e0 01 00 00000005 0000 0000 0280 01e0 00000006",
        ),
    ],
)
def test_messages_are_what_the_sheet_says(message: bytes, wire: str) -> None:
    assert message.hex() == wire.replace(" ", "")
