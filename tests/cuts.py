"""The ways a socket might hand over the same bytes; one helper for every incremental parser we own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def every_cut(data: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and cut in two at every point."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    yield from ([data[:i], data[i:]] for i in range(1, len(data)))
