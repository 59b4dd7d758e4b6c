"""One continuing zlib stream of a connection, a rectangle's piece at a time."""

from __future__ import annotations

from isal import isal_zlib

from proxyd.rfb.errors import RfbError

__all__ = ["Inflater", "deflated_limit"]


def deflated_limit(size: int) -> int:
    """More bytes than any compressor makes of `size`, even one that stores them in small blocks."""
    return size + size // 8 + 1024


class Inflater:
    """Inflates pieces that end with a flush. Nothing is allocated beyond what the caller expects."""

    def __init__(self) -> None:
        self._stream = isal_zlib.decompressobj()

    def exactly(self, data: bytes, size: int) -> bytes:
        """Inflate a piece to exactly `size` bytes.

        Raises:
            RfbError: it is another size, or not deflated data.
        """
        inflated = self.at_most(data, size)
        if len(inflated) != size:
            raise RfbError("The server sent compressed data that is shorter than its picture.")
        return inflated

    def at_most(self, data: bytes, size: int) -> bytes:
        """Inflate a piece of up to `size` bytes.

        Raises:
            RfbError: it is larger, or not deflated data.
        """
        try:
            inflated: bytes = self._stream.decompress(data, size + 1)
        except isal_zlib.error:  # type: ignore[misc] # its stub declares an instance
            raise RfbError("The server sent compressed data that is broken.") from None
        if len(inflated) > size or self._stream.unconsumed_tail:
            raise RfbError("The server sent compressed data that is larger than its picture.")
        return inflated
