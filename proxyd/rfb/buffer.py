"""Bytes that have arrived and are not read yet; reading is a generator that yields while bytes are missing.

    mask, count = yield from buffer.unpack(HEADER)
    payload = yield from buffer.exactly(count)

However the bytes are cut, such code sees the same values. Whoever drives it feeds the buffer and resumes the generator.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from proxyd.rfb.errors import RfbError

if TYPE_CHECKING:
    import re
    from struct import Struct

__all__ = ["Buffer", "Reading"]

VIEW_FROM = 8192
"""Bytes above which a copy costs more than a view that avoids it."""

T = TypeVar("T")
Reading: TypeAlias = Generator[None, None, T]
"""Yields while bytes are missing, and where a long one may be interrupted; returns the value."""


class Buffer:
    """A queue of bytes. Readers ask for lengths they have checked, so it never holds more than one such length.

    Attributes:
        starved: a reader waits for more bytes; while it is not, a reading that yielded was only interrupted.
    """

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)
        self.starved = False

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes from the socket."""
        self._data += data

    def exactly(self, count: int) -> Reading[bytes]:
        """The next `count` bytes."""
        while len(self._data) < count:
            self.starved = True
            yield
        self.starved = False
        return self._take(count)

    def something(self) -> Reading[bytes]:
        """Whatever has arrived, at least one byte."""
        return (yield from self.exactly(max(len(self._data), 1)))

    def drained(self) -> bytes:
        """Whatever has arrived, for a reader that does not wait."""
        return self._take(len(self._data))

    def unpack(self, layout: Struct) -> Reading[tuple[Any, ...]]:
        """The next fields, as `layout` says."""
        return layout.unpack((yield from self.exactly(layout.size)))

    def until(self, pattern: re.Pattern[bytes], limit: int) -> Reading[bytes]:
        """The bytes before the next match of a pattern two bytes long; the match itself stays.

        Raises:
            RfbError: there is none within `limit` bytes.
        """
        searched = 0
        while (found := pattern.search(self._data, searched)) is None and len(self._data) <= limit:
            searched = max(len(self._data) - 1, 0)
            self.starved = True
            yield
        self.starved = False
        if found is None or found.start() > limit:
            raise RfbError("The server sent an image that does not end.")
        return self._take(found.start())

    def _take(self, count: int) -> bytes:
        data = bytes(memoryview(self._data)[:count])
        del self._data[:count]
        return data
