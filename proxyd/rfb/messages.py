"""Messages of the client (sheet section H.5; RFC 6143 section 7.5 and the community's rfbproto)."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.display.ops import Rect
    from proxyd.rfb.pixels import PixelFormat

__all__ = [
    "ClientMessage",
    "FenceFlag",
    "Screen",
    "client_cut_text",
    "client_fence",
    "extended_cut_text",
    "framebuffer_update_request",
    "key_event",
    "pointer_event",
    "pointer_event_extended",
    "qemu_key_event",
    "set_desktop_size",
    "set_encodings",
    "set_pixel_format",
]


class ClientMessage(IntEnum):
    """First byte of a message to the server."""

    SET_PIXEL_FORMAT = 0
    SET_ENCODINGS = 2
    FRAMEBUFFER_UPDATE_REQUEST = 3
    KEY_EVENT = 4
    POINTER_EVENT = 5
    CLIENT_CUT_TEXT = 6
    FENCE = 248
    SET_DESKTOP_SIZE = 251
    QEMU = 255


class FenceFlag(IntEnum):
    """Flags of a fence."""

    BLOCK_BEFORE = 1
    BLOCK_AFTER = 2
    SYNC_NEXT = 4
    REQUEST = 1 << 31


class Screen(NamedTuple):
    """SCREEN of ExtendedDesktopSize."""

    id: int
    x: int
    y: int
    width: int
    height: int
    flags: int


_SET_ENCODINGS = Struct(">BxH")
_UPDATE_REQUEST = Struct(">BBHHHH")
_KEY = Struct(">BBxxI")
_POINTER = Struct(">BBHH")
_POINTER_EXTENDED = Struct(">BBHHB")
_CUT_TEXT = Struct(">Bxxxi")
_FENCE = Struct(">BxxxIB")
_DESKTOP_SIZE = Struct(">BxHHBx")
_SCREEN = Struct(">IHHHHI")
_QEMU_KEY = Struct(">BBHII")


def set_pixel_format(pixel_format: PixelFormat) -> bytes:
    """SetPixelFormat; not while an update is outstanding."""
    return bytes([ClientMessage.SET_PIXEL_FORMAT, 0, 0, 0]) + pixel_format.encode()


def set_encodings(encodings: Sequence[int]) -> bytes:
    """SetEncodings, best first."""
    numbers = b"".join(number.to_bytes(4, "big", signed=number < 0) for number in encodings)
    return _SET_ENCODINGS.pack(ClientMessage.SET_ENCODINGS, len(encodings)) + numbers


def framebuffer_update_request(rect: Rect, *, incremental: bool) -> bytes:
    """FramebufferUpdateRequest."""
    return _UPDATE_REQUEST.pack(ClientMessage.FRAMEBUFFER_UPDATE_REQUEST, incremental, *rect)


def key_event(keysym: int, pressed: bool) -> bytes:
    """KeyEvent."""
    return _KEY.pack(ClientMessage.KEY_EVENT, pressed, keysym)


def qemu_key_event(keysym: int, pressed: bool, scancode: int) -> bytes:
    """QEMU extended key event; `scancode` is XT's, with bit 7 for the e0 prefix."""
    return _QEMU_KEY.pack(ClientMessage.QEMU, 0, pressed, keysym, scancode)


def pointer_event(x: int, y: int, buttons: int) -> bytes:
    """PointerEvent; 8 buttons."""
    return _POINTER.pack(ClientMessage.POINTER_EVENT, buttons & 0xFF, x, y)


def pointer_event_extended(x: int, y: int, buttons: int) -> bytes:
    """PointerEvent where ExtendedMouseButtons is agreed; 9 buttons, the last two are back and forward."""
    if buttons < 0x80:
        return pointer_event(x, y, buttons)
    return _POINTER_EXTENDED.pack(
        ClientMessage.POINTER_EVENT, buttons & 0x7F | 0x80, x, y, buttons >> 7 & 0x03
    )


def client_cut_text(data: bytes) -> bytes:
    """ClientCutText in the server's own encoding."""
    return _CUT_TEXT.pack(ClientMessage.CLIENT_CUT_TEXT, len(data)) + data


def extended_cut_text(data: bytes) -> bytes:
    """ClientCutText of the extended clipboard: a negative length marks it."""
    return _CUT_TEXT.pack(ClientMessage.CLIENT_CUT_TEXT, -len(data)) + data


def client_fence(flags: int, payload: bytes) -> bytes:
    """ClientFence; up to 64 bytes of payload."""
    return _FENCE.pack(ClientMessage.FENCE, flags, len(payload)) + payload


def set_desktop_size(width: int, height: int, screens: Sequence[Screen]) -> bytes:
    """SetDesktopSize."""
    layout = b"".join(_SCREEN.pack(*screen) for screen in screens)
    return _DESKTOP_SIZE.pack(ClientMessage.SET_DESKTOP_SIZE, width, height, len(screens)) + layout
