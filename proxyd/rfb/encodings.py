"""Encoding numbers and the list a client offers (sheet section H.6)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["JPEG_QUALITY", "PIXEL_ENCODINGS", "Encoding", "compression", "quality"]


class Encoding(IntEnum):
    """Numbers as rfbproto has them; pseudo-encodings are negative or start with a vendor's magic."""

    RAW = 0
    COPYRECT = 1
    RRE = 2
    HEXTILE = 5
    ZLIB = 6
    TIGHT = 7
    ZRLE = 16
    JPEG = 21
    TIGHT_PNG = -260

    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    X_CURSOR = -240
    QEMU_POINTER_MOTION = -257
    QEMU_EXTENDED_KEY = -258
    LED_STATE = -261
    DESKTOP_NAME = -307
    EXTENDED_DESKTOP_SIZE = -308
    XVP = -309
    FENCE = -312
    CONTINUOUS_UPDATES = -313
    CURSOR_WITH_ALPHA = -314
    EXTENDED_MOUSE_BUTTONS = -316
    EXTENDED_CLIPBOARD = 0xC0A1E5CE - (1 << 32)
    VMWARE_CURSOR = 0x574D5664
    VMWARE_CURSOR_STATE = 0x574D5665
    VMWARE_CURSOR_POSITION = 0x574D5666
    VMWARE_KEY_REPEAT = 0x574D5667
    VMWARE_LED_STATE = 0x574D5668
    VMWARE_DISPLAY_MODE = 0x574D5669


PIXEL_ENCODINGS: dict[str, Encoding] = {
    "copyrect": Encoding.COPYRECT,
    "tight": Encoding.TIGHT,
    "tightpng": Encoding.TIGHT_PNG,
    "zrle": Encoding.ZRLE,
    "jpeg": Encoding.JPEG,
    "hextile": Encoding.HEXTILE,
    "rre": Encoding.RRE,
    "zlib": Encoding.ZLIB,
    "raw": Encoding.RAW,
}
"""Names of the `encodings` setting, best first."""


JPEG_QUALITY = (15, 29, 41, 42, 62, 77, 79, 86, 92, 100)
"""What TigerVNC and TurboVNC make of the levels 0..9, in the IJG scale of 1..100."""


def quality(level: int) -> int:
    """JPEG quality 0..9. Without any such entry a server sends no JPEG."""
    return -32 + min(max(level, 0), 9)


def compression(level: int) -> int:
    """Effort 0..9 of encodings that deflate."""
    return -256 + min(max(level, 0), 9)
