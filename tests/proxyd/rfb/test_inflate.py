from __future__ import annotations

import random
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.rfb.buffer import Buffer
from proxyd.rfb.errors import RfbError
from proxyd.rfb.inflate import READ_BYTES, Inflater
from tests.cuts import every_cut
from tests.fakes.rfb_encoder import Deflater

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading


def inflate(
    inflater: Inflater, pieces: list[bytes], counts: list[int], largest: int | None = None
) -> list[bytes]:
    """Inflate a piece that arrives in parts, and take so many bytes at a time."""
    buffer = Buffer()
    waiting = list(pieces)

    def read() -> Reading[list[bytes]]:
        inflater.begin(buffer, sum(map(len, pieces)), sum(counts) if largest is None else largest)
        taken = []
        for count in counts:
            part = yield from inflater.exactly(count)
            taken.append(part)
        yield from inflater.end()
        return taken

    reading = read()
    try:
        while True:
            next(reading)
            buffer.feed(waiting.pop(0))
    except StopIteration as done:
        assert not waiting
        assert not len(buffer)
        return done.value


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.lists(st.binary(max_size=300), max_size=5), max_size=5),
    level=st.sampled_from([0, 1, 6, 9]),
)
def test_a_stream_arrives_piece_by_piece(parts: list[list[bytes]], level: int) -> None:
    server, inflater = Deflater(level), Inflater()
    for wanted in parts:
        assert inflate(inflater, [server.piece(b"".join(wanted))], [len(part) for part in wanted]) == wanted


def test_the_same_at_every_cut() -> None:
    data = Deflater().piece(b"abcabcabcabc" + bytes(1000))
    for pieces in every_cut(data):
        assert inflate(Inflater(), pieces, [5, 7, 1000]) == [b"abcab", b"cabcabc", bytes(1000)]


@pytest.mark.parametrize("count", [997, READ_BYTES, 3 * READ_BYTES])
def test_pieces_larger_than_what_is_read_at_once(count: int) -> None:
    noise = random.Random(1).randbytes(3 * READ_BYTES)
    server, inflater = Deflater(0), Inflater()
    for _ in range(2):
        counts = [count] * (len(noise) // count) + [len(noise) % count]
        assert b"".join(inflate(inflater, [server.piece(noise)], counts)) == noise


def test_pieces_that_refer_far_back() -> None:
    server, inflater = Deflater(9), Inflater()
    block = random.Random(1).randbytes(30000)
    for _ in range(4):
        assert inflate(inflater, [server.piece(block)], [30000]) == [block]


def test_up_to_a_number_of_bytes() -> None:
    buffer, inflater = Buffer(), Inflater()
    data = Deflater().piece(bytes(10))
    buffer.feed(data)
    inflater.begin(buffer, len(data), 100)
    for count, given_out in ((7, 7), (7, 3), (7, 0), (0, 0)):
        with pytest.raises(StopIteration) as done:
            next(inflater.up_to(count))
        assert done.value.value == bytes(given_out)


def test_empty_blocks_after_the_last_byte_are_read_to_their_end() -> None:
    data = Deflater().piece(bytes(300_000)) + b"\0\0\0\xff\xff" * (READ_BYTES // 5 * 3)
    assert inflate(Inflater(), [data], [300_000]) == [bytes(300_000)]


@pytest.mark.parametrize("size", [0, 1, 99])
def test_more_than_expected_is_refused(size: int) -> None:
    with pytest.raises(RfbError, match="larger"):
        inflate(Inflater(), [Deflater().piece(bytes(100))], [size])


def test_more_than_expected_is_refused_however_it_is_cut() -> None:
    for pieces in every_cut(Deflater().piece(bytes(100))):
        with pytest.raises(RfbError, match="larger"):
            inflate(Inflater(), pieces, [50, 49])


def test_less_than_expected_is_refused() -> None:
    with pytest.raises(RfbError, match="shorter"):
        inflate(Inflater(), [Deflater().piece(bytes(100))], [101])


@pytest.mark.parametrize("data", [b"garbage", b"\x78\x9c\xff\xff", b"\x1f\x8b\x08\x00\x00\x00"])
def test_what_is_not_deflated_is_refused(data: bytes) -> None:
    with pytest.raises(RfbError):
        inflate(Inflater(), [data], [10])


def test_nothing_may_follow_the_end_of_a_stream() -> None:
    inflater, whole = Inflater(), zlib.compress(bytes(100))
    assert inflate(inflater, [whole], [100]) == [bytes(100)]
    with pytest.raises(RfbError, match="after the end"):
        inflate(inflater, [whole], [100])


def test_a_bomb_takes_no_memory() -> None:
    bomb = Deflater().piece(bytes(10_000_000))
    tracemalloc.start()
    with pytest.raises(RfbError, match="larger"):
        inflate(Inflater(), [bomb], [1000], 100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000


@pytest.mark.parametrize("length", [1026, 1 << 31, (1 << 32) - 1])
def test_more_than_a_compressor_makes_is_refused_before_it_comes(length: int) -> None:
    with pytest.raises(RfbError, match="more compressed data"):
        Inflater().begin(Buffer(), length, 1)


@pytest.mark.parametrize("size", [0, 1, 100, 5000, 100_000])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_no_compressor_makes_more(size: int, level: int) -> None:
    noise = random.Random(size).randbytes(size)
    smallest_blocks = zlib.compressobj(level, memLevel=1)
    for data in (
        Deflater(level).piece(noise),
        smallest_blocks.compress(noise) + smallest_blocks.flush(zlib.Z_SYNC_FLUSH),
    ):
        assert inflate(Inflater(), [data], [size]) == [noise]
