from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, Any

import pytest

from proxyd.rfb.buffer import Buffer
from proxyd.rfb.errors import RfbError
from tests.cuts import every_cut

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading

END = re.compile(rb"\xff[^\0]", re.DOTALL)


def read(reading: Reading[Any], buffer: Buffer, pieces: list[bytes]) -> Any:
    for piece in pieces:
        try:
            next(reading)
        except StopIteration as done:
            return done.value
        buffer.feed(piece)
    try:
        next(reading)
    except StopIteration as done:
        return done.value
    return None


def message(buffer: Buffer) -> Reading[tuple[Any, ...]]:
    count, kind = yield from buffer.unpack(Struct(">HB"))
    return kind, (yield from buffer.exactly(count)), (yield from buffer.exactly(0))


def test_values_are_the_same_at_every_cut() -> None:
    for pieces in every_cut(b"\0\3\7abc"):
        buffer = Buffer()
        assert read(message(buffer), buffer, pieces) == (7, b"abc", b"")
        assert len(buffer) == 0


def test_what_is_not_read_stays() -> None:
    buffer = Buffer(b"\0\1\7abc")
    assert read(message(buffer), buffer, []) == (7, b"a", b"")
    assert len(buffer) == 2
    assert read(buffer.exactly(2), buffer, []) == b"bc"


def test_the_reader_waits_for_missing_bytes() -> None:
    buffer = Buffer(b"ab")
    assert read(buffer.exactly(3), buffer, []) is None
    assert len(buffer) == 2


def test_a_pattern_is_found_at_every_cut() -> None:
    for pieces in every_cut(b"ab\xff\0c\xff\xd9d"):
        buffer = Buffer()
        assert read(buffer.until(END, 100), buffer, pieces) == b"ab\xff\0c"


def test_a_pattern_at_once() -> None:
    buffer = Buffer(b"\xff\xd9")
    assert read(buffer.until(END, 0), buffer, []) == b""
    assert len(buffer) == 2


@pytest.mark.parametrize("data", [bytes(11), bytes(11) + b"\xff\xd9"])
def test_a_pattern_that_does_not_come_is_refused(data: bytes) -> None:
    buffer = Buffer(data)
    with pytest.raises(RfbError, match="does not end"):
        read(buffer.until(END, 10), buffer, [])
