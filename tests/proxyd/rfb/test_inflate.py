from __future__ import annotations

import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.rfb.errors import RfbError
from proxyd.rfb.inflate import Inflater, deflated_limit
from tests.fakes.rfb_encoder import Deflater


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.binary(max_size=400), max_size=6), level=st.sampled_from([0, 1, 6, 9]))
def test_a_stream_arrives_piece_by_piece(parts: list[bytes], level: int) -> None:
    server, inflater = Deflater(level), Inflater()
    for part in parts:
        assert inflater.exactly(server.piece(part), len(part)) == part


def test_pieces_that_refer_far_back() -> None:
    server, inflater = Deflater(9), Inflater()
    block = random.Random(1).randbytes(30000)
    for _ in range(4):
        assert inflater.at_most(server.piece(block), 40000) == block


@pytest.mark.parametrize("size", [0, 1, 99])
def test_more_than_expected_is_refused(size: int) -> None:
    with pytest.raises(RfbError, match="larger"):
        Inflater().at_most(Deflater().piece(bytes(100)), size)


def test_less_than_expected_is_refused_where_the_size_is_known() -> None:
    with pytest.raises(RfbError, match="shorter"):
        Inflater().exactly(Deflater().piece(bytes(100)), 101)


@pytest.mark.parametrize("data", [b"garbage", b"\x78\x9c\xff\xff", b"\x1f\x8b\x08\x00"])
def test_what_is_not_deflated_is_refused(data: bytes) -> None:
    with pytest.raises(RfbError):
        Inflater().exactly(data, 10)


def test_a_bomb_takes_no_memory() -> None:
    bomb = Deflater().piece(bytes(50_000_000))
    inflater = Inflater()
    tracemalloc.start()
    with pytest.raises(RfbError, match="larger"):
        inflater.exactly(bomb, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300_000


@pytest.mark.parametrize("size", [0, 1, 100, 5000, 100_000])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_no_compressor_reaches_the_limit(size: int, level: int) -> None:
    noise = random.Random(size).randbytes(size)
    assert len(Deflater(level).piece(noise)) < deflated_limit(size)
    smallest_blocks = zlib.compressobj(level, memLevel=1)
    assert len(smallest_blocks.compress(noise) + smallest_blocks.flush(zlib.Z_SYNC_FLUSH)) < deflated_limit(
        size
    )
