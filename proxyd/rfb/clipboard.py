"""Text both ways: classic cut text, and the extended clipboard in UTF-8 (sheet section H.8; rfbproto).

The extended one is announced before it is sent: caps once, then notify, request, provide.
"""

from __future__ import annotations

import zlib
from enum import IntFlag
from struct import Struct
from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import ClipboardArrived
from proxyd.rfb.messages import client_cut_text, extended_cut_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.events import Event
    from proxyd.rfb.options import Options

__all__ = ["Clipboard"]


class _Flag(IntFlag):
    TEXT = 1 << 0
    CAPS = 1 << 24
    REQUEST = 1 << 25
    PEEK = 1 << 26
    NOTIFY = 1 << 27
    PROVIDE = 1 << 28


ACTIONS = _Flag.CAPS | _Flag.REQUEST | _Flag.PEEK | _Flag.NOTIFY | _Flag.PROVIDE
MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of a cut text that are read at all; what is beyond the limit is dropped as it arrives."""
_PIECE = 65536

_HEADER = Struct(">xxxi")
_FLAGS = Struct(">I")
_SIZE = Struct(">I")


class Clipboard:
    """One connection's clipboard."""

    def __init__(
        self, options: Options, buffer: Buffer, send: Callable[[bytes], None], report: Callable[[Event], None]
    ) -> None:
        self._encoding = options.clipboard_encoding
        self._limit = options.limits.clipboard
        self._buffer = buffer
        self._send = send
        self._report = report
        self._server = _Flag(0)  # what the server's extended clipboard can do
        self._offered = ""  # our text that the server may request

    def paste(self, text: str) -> None:
        """Put text on the server's clipboard, cut at the limit."""
        text = _within(text.replace("\r\n", "\n"), self._limit)
        if self._server & _Flag.TEXT and self._server & _Flag.NOTIFY:
            self._offered = text
            self._send(extended_cut_text(_FLAGS.pack(_Flag.NOTIFY | _Flag.TEXT)))
        else:  # x11vnc announces the extended clipboard without notify, and drops what is provided
            self._send(client_cut_text(text.encode(self._encoding, "replace")))

    def read(self) -> Reading[None]:
        """Read the rest of a ServerCutText.

        Raises:
            RfbError: absurdly long, or an extended message is broken.
        """
        (length,) = yield from self._buffer.unpack(_HEADER)
        if abs(length) > MAX_MESSAGE:
            raise RfbError(f"The desktop sent a clipboard of {abs(length)} bytes.")
        if length < 0:
            yield from self._extended(-length)
            return
        data = yield from self._start_of(length, self._limit)
        text = data.decode(self._encoding, "replace")
        self._report(ClipboardArrived(text.replace("\r\n", "\n"), length > self._limit))

    def _start_of(self, length: int, limit: int) -> Reading[bytes]:
        """The first `limit` of `length` bytes; the others are dropped."""
        data = yield from self._buffer.exactly(min(length, limit))
        rest = length - len(data)
        while rest > 0:
            rest -= len((yield from self._buffer.exactly(min(rest, _PIECE))))
        return data

    def _extended(self, length: int) -> Reading[None]:
        if length < _FLAGS.size:
            raise RfbError("The desktop sent a broken clipboard message.")
        (number,) = yield from self._buffer.unpack(_FLAGS)
        flags = _Flag(number & (ACTIONS | _Flag.TEXT))
        # deflated text is hardly ever longer than the text
        body = yield from self._start_of(length - _FLAGS.size, self._limit + _PIECE)
        if flags & _Flag.CAPS:
            self._agree(flags)
        elif flags & _Flag.REQUEST and flags & _Flag.TEXT:
            self._provide()
        elif flags & _Flag.PEEK:
            text = _Flag.TEXT if self._offered else _Flag(0)
            self._send(extended_cut_text(_FLAGS.pack(_Flag.NOTIFY | text)))
        elif flags & _Flag.NOTIFY and flags & _Flag.TEXT:
            self._send(extended_cut_text(_FLAGS.pack(_Flag.REQUEST | _Flag.TEXT)))
        elif flags & _Flag.PROVIDE and flags & _Flag.TEXT:
            self._report(self._provided(body))

    def _agree(self, flags: _Flag) -> None:
        self._server = flags
        # a maximum of 0: the server shall notify, and we request
        self._send(extended_cut_text(_FLAGS.pack(ACTIONS | _Flag.TEXT) + _SIZE.pack(0)))

    def _provide(self) -> None:
        data = self._offered.replace("\n", "\r\n").encode("utf-8", "replace") + b"\0"
        packed = zlib.compress(_SIZE.pack(len(data)) + data)
        self._send(extended_cut_text(_FLAGS.pack(_Flag.PROVIDE | _Flag.TEXT) + packed))

    def _provided(self, body: bytes) -> ClipboardArrived:
        try:
            plain = zlib.decompressobj().decompress(body, _SIZE.size + self._limit)
        except zlib.error:
            raise RfbError("The desktop sent a clipboard that cannot be unpacked.") from None
        if len(plain) < _SIZE.size:
            raise RfbError("The desktop sent a broken clipboard message.")
        (size,) = _SIZE.unpack_from(plain)
        data = plain[_SIZE.size : _SIZE.size + size]
        text = data.removesuffix(b"\0").decode("utf-8", "replace").replace("\r\n", "\n")
        return ClipboardArrived(text, len(data) < size)


def _within(text: str, limit: int) -> str:
    """The text cut so that it takes at most `limit` bytes."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= limit else data[:limit].decode("utf-8", "ignore")
