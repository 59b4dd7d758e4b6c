"""Bytes that have arrived and are not read yet; reading is a generator that yields while bytes are missing.

    mask, count = yield from buffer.unpack(HEADER)
    payload = yield from buffer.exactly(count)

However the bytes are cut, such code sees the same values. Whoever drives it feeds the buffer and resumes the generator.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from struct import Struct

__all__ = ["Buffer", "Reading"]

T = TypeVar("T")
Reading: TypeAlias = Generator[None, None, T]
"""Yields while bytes are missing, returns the value."""


class Buffer:
    """A queue of bytes. Readers ask for lengths they have checked, so it never holds more than one such length."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes from the socket."""
        self._data += data

    def exactly(self, count: int) -> Reading[bytes]:
        """The next `count` bytes."""
        while len(self._data) < count:
            yield
        with memoryview(self._data) as view:
            data = bytes(view[:count])
        del self._data[:count]
        return data

    def unpack(self, layout: Struct) -> Reading[tuple[Any, ...]]:
        """The next fields, as `layout` says."""
        return layout.unpack((yield from self.exactly(layout.size)))
