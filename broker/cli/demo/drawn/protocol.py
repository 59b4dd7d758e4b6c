"""The server's side of RFB 3.8 (RFC 6143) without I/O: bytes in, events out, bytes out.

Security is VNC authentication; encodings are Raw, CopyRect and ExtendedDesktopSize.
"""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from broker.cli.demo.vncauth import CHALLENGE_BYTES, response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = [
    "Clipboard",
    "Event",
    "Key",
    "PixelFormat",
    "Pointer",
    "Rect",
    "ResizeWanted",
    "RfbServer",
    "RfbServerError",
    "UpdateWanted",
]

VERSION = b"RFB 003.008\n"
VNC_AUTH = 2
RAW, COPY_RECT, EXTENDED_DESKTOP_SIZE = 0, 1, -308
MAX_CUT_TEXT = 256 * 1024
"""Bytes of clipboard text taken."""
MIN_SIDE, MAX_SIDE = 64, 8192
"""Pixels."""


class RfbServerError(Exception):
    """The client broke the protocol, gave the wrong password, or wants what this server has not."""


class Rect(NamedTuple):
    """A region of the screen, pixels."""

    x: int
    y: int
    width: int
    height: int


class Key(NamedTuple):
    """A key went down or up."""

    keysym: int
    pressed: bool


class Pointer(NamedTuple):
    """The pointer moved, or a button changed; bit 0 of `buttons` is the left one."""

    x: int
    y: int
    buttons: int


class Clipboard(NamedTuple):
    """The viewer copied a text."""

    text: str


class UpdateWanted(NamedTuple):
    """The viewer can show another picture; `whole` asks for all of it."""

    whole: bool


class ResizeWanted(NamedTuple):
    """The viewer wants another screen size."""

    width: int
    height: int


Event = Key | Pointer | Clipboard | UpdateWanted | ResizeWanted


class PixelFormat(NamedTuple):
    """True-colour pixels as RFC 6143 section 7.4 describes them."""

    bits: int = 32
    depth: int = 24
    big_endian: bool = False
    true_colour: bool = True
    red_max: int = 255
    green_max: int = 255
    blue_max: int = 255
    red_shift: int = 16
    green_shift: int = 8
    blue_shift: int = 0

    def encode(self, rgb: NDArray[np.uint8]) -> bytes:
        """The bytes of height x width x 3 colours."""
        maxima = np.array([self.red_max, self.green_max, self.blue_max], np.uint32)
        shifts = np.array([self.red_shift, self.green_shift, self.blue_shift], np.uint32)
        scaled = (rgb.astype(np.uint32) * maxima + 127) // 255 << shifts
        order = ">" if self.big_endian else "<"
        encoded: bytes = scaled.sum(axis=2, dtype=np.uint32).astype(f"{order}u{self.bits // 8}").tobytes()
        return encoded


_PIXEL_FORMAT = struct.Struct(">BB??HHHBBB3x")


class RfbServer:
    """One viewer. Feed `receive`; send what `take_output` returns.

    Attributes:
        ready: the handshake is over.
        encodings: what the viewer said it understands.
    """

    def __init__(self, password: str, challenge: bytes, width: int, height: int, name: str) -> None:
        assert len(challenge) == CHALLENGE_BYTES
        self._expected = response(password, challenge)
        self._challenge = challenge
        self._size = (width, height)
        self._name = name
        self._format = PixelFormat()
        self._buffer = bytearray()
        self._output = bytearray(VERSION)
        self._state: Callable[[list[Event]], bool] = self._version
        self.ready = False
        self.encodings: frozenset[int] = frozenset()

    def receive(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes.

        Raises:
            RfbServerError: the viewer is to be disconnected, after what `take_output` holds was sent.
        """
        self._buffer += data
        events: list[Event] = []
        while self._state(events):
            pass
        return events

    def take_output(self) -> bytes:
        """The bytes to send now."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def send_update(self, rectangles: Iterable[bytes]) -> None:
        """One FramebufferUpdate of rectangles made by `raw`, `copy` and `desktop_size`."""
        parts = list(rectangles)
        self._output += struct.pack(">BxH", 0, len(parts)) + b"".join(parts)

    def raw(self, rect: Rect, rgb: NDArray[np.uint8]) -> bytes:
        """A rectangle of pixels."""
        return _header(rect, RAW) + self._format.encode(rgb)

    def copy(self, source: Rect, target: Rect) -> bytes:
        """A rectangle that the viewer has already, at another place."""
        return _header(target, COPY_RECT) + struct.pack(">HH", source.x, source.y)

    def desktop_size(self, width: int, height: int, reason: int = 0, status: int = 0) -> bytes:
        """The size of the only screen; reason 1 answers this viewer's wish."""
        screen = struct.pack(">B3xIHHHHI", 1, 0, 0, 0, width, height, 0)
        return _header(Rect(reason, status, width, height), EXTENDED_DESKTOP_SIZE) + screen

    def send_clipboard(self, text: str) -> None:
        """ServerCutText: Latin-1, other characters become question marks."""
        encoded = text.encode("latin-1", "replace")[:MAX_CUT_TEXT]
        self._output += struct.pack(">B3xI", 3, len(encoded)) + encoded

    def _take(self, count: int) -> bytes | None:
        if len(self._buffer) < count:
            return None
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _version(self, _events: list[Event]) -> bool:
        version = self._take(len(VERSION))
        if version is None:
            return False
        if version != VERSION:
            raise RfbServerError("the viewer does not speak RFB 3.8")
        self._output += bytes([1, VNC_AUTH])
        self._state = self._security
        return True

    def _security(self, _events: list[Event]) -> bool:
        choice = self._take(1)
        if choice is None:
            return False
        if choice[0] != VNC_AUTH:
            raise RfbServerError("the viewer chose a security type that was not offered")
        self._output += self._challenge
        self._state = self._authentication
        return True

    def _authentication(self, _events: list[Event]) -> bool:
        answer = self._take(CHALLENGE_BYTES)
        if answer is None:
            return False
        if not hmac.compare_digest(answer, self._expected):
            reason = b"Wrong password"
            self._output += struct.pack(">II", 1, len(reason)) + reason
            raise RfbServerError("wrong password")
        self._output += struct.pack(">I", 0)
        self._state = self._client_init
        return True

    def _client_init(self, _events: list[Event]) -> bool:
        if self._take(1) is None:
            return False
        name = self._name.encode()
        self._output += struct.pack(">HH", *self._size) + _PIXEL_FORMAT.pack(*self._format)
        self._output += struct.pack(">I", len(name)) + name
        self._state = self._message
        self.ready = True
        return True

    def _message(self, events: list[Event]) -> bool:
        if not self._buffer:
            return False
        kind = _MESSAGES.get(self._buffer[0])
        if kind is None:
            raise RfbServerError(f"unknown message type {self._buffer[0]}")
        if len(self._buffer) < kind.head:
            return False
        message = self._take(kind.head + kind.tail(self._buffer))
        if message is None:
            return False
        match kind.read(message):
            case PixelFormat() as wanted:
                self._format = wanted
            case frozenset() as understood:
                self.encodings = understood
            case event:
                events.append(event)
        return True


def _header(rect: Rect, encoding: int) -> bytes:
    return struct.pack(">HHHHi", *rect, encoding)


def _cut_text_length(head: bytearray) -> int:
    (length,) = struct.unpack_from(">I", head, 4)
    if length > MAX_CUT_TEXT:
        raise RfbServerError("the viewer's clipboard is too large")
    return int(length)


def _pixel_format(message: bytes) -> PixelFormat:
    wanted = PixelFormat(*_PIXEL_FORMAT.unpack_from(message, 4))
    if wanted.bits not in {8, 16, 32} or not wanted.true_colour:
        raise RfbServerError("the viewer wants a pixel format without true colour")
    if max(wanted.red_shift, wanted.green_shift, wanted.blue_shift) >= wanted.bits:
        raise RfbServerError("the viewer's pixel format shifts colours out of the pixel")
    return wanted


def _encodings(message: bytes) -> frozenset[int]:
    return frozenset(value for (value,) in struct.iter_unpack(">i", message[4:]))


def _key(message: bytes) -> Key:
    pressed, keysym = struct.unpack(">x?2xI", message)
    return Key(keysym, pressed)


def _pointer(message: bytes) -> Pointer:
    buttons, x, y = struct.unpack(">xBHH", message)
    return Pointer(x, y, buttons)


class _Message(NamedTuple):
    """How a client message is read: bytes of its head, of its tail by what the head says, and what it means."""

    head: int
    tail: Callable[[bytearray], int]
    read: Callable[[bytes], Event | PixelFormat | frozenset[int]]


def _no_tail(_head: bytearray) -> int:
    return 0


_MESSAGES = {
    0: _Message(20, _no_tail, _pixel_format),
    2: _Message(4, lambda head: 4 * int.from_bytes(head[2:4]), _encodings),
    3: _Message(10, _no_tail, lambda message: UpdateWanted(whole=message[1] == 0)),
    4: _Message(8, _no_tail, _key),
    5: _Message(6, _no_tail, _pointer),
    6: _Message(8, _cut_text_length, lambda message: Clipboard(message[8:].decode("latin-1"))),
    251: _Message(
        8, lambda head: 16 * head[6], lambda message: ResizeWanted(*struct.unpack_from(">HH", message, 2))
    ),
}
