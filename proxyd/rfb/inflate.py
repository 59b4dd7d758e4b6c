"""One continuing zlib stream of a connection, a rectangle's piece at a time.

    stream.begin(buffer, length, largest)
    header = yield from stream.exactly(12)
    pixels = yield from stream.up_to(65536)
    yield from stream.end()

Neither side of it is ever held whole: a piece is read as it is needed, and inflated as far as it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal import isal_zlib

from proxyd.rfb.buffer import Buffer
from proxyd.rfb.errors import RfbError

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading

__all__ = ["Inflater"]

READ_BYTES = 1 << 16
"""Compressed bytes held at a time."""


class Inflater:
    """Inflates pieces that end with a flush."""

    def __init__(self) -> None:
        self._stream = isal_zlib.decompressobj()
        self._buffer = Buffer()
        self._unread = 0  # bytes of the piece that are still to be read
        self._pending = b""  # bytes of it that are read and not inflated

    def begin(self, buffer: Buffer, length: int, largest: int) -> None:
        """A piece of `length` bytes comes, which inflates to `largest` at most.

        Raises:
            RfbError: no compressor makes so much of so little.
        """
        if length > _deflated_limit(largest):
            raise RfbError("The server sent more compressed data than its picture can need.")
        self._buffer = buffer
        self._unread = length

    def up_to(self, count: int) -> Reading[bytes]:
        """The next `count` bytes, or as many as the piece still has.

        Raises:
            RfbError: this is not deflated data.
        """
        parts: list[bytes] = []
        while count:
            yield from self._read()
            part = self._inflate(count)
            if not part and not self._pending and not self._unread:
                break
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def exactly(self, count: int) -> Reading[bytes]:
        """The next `count` bytes.

        Raises:
            RfbError: the piece has fewer, or this is not deflated data.
        """
        data = yield from self.up_to(count)
        if len(data) < count:
            raise RfbError("The server sent compressed data that is shorter than its picture.")
        return data

    def end(self) -> Reading[None]:
        """Nothing more is expected of the piece.

        Raises:
            RfbError: it has more.
        """
        more = True
        while more:
            yield from self._read()
            if self._inflate(1):
                raise RfbError("The server sent compressed data that is larger than its picture.")
            more = bool(self._unread or self._pending)

    def _read(self) -> Reading[None]:
        if self._unread and not self._pending:
            size = min(self._unread, READ_BYTES)
            self._pending = yield from self._buffer.exactly(size)
            self._unread -= size

    def _inflate(self, limit: int) -> bytes:
        if self._stream.eof and self._pending:
            raise RfbError("The server sent compressed data after the end of its stream.")
        try:
            inflated: bytes = self._stream.decompress(self._pending, limit)
        except isal_zlib.error:  # type: ignore[misc] # its stub declares an instance
            raise RfbError("The server sent compressed data that is broken.") from None
        self._pending = self._stream.unconsumed_tail
        return inflated


def _deflated_limit(size: int) -> int:
    """More bytes than any compressor makes of `size`, even one that stores them in small blocks."""
    return size + size // 8 + 1024
