from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.rfb.errors import RfbError
from proxyd.rfb.runs import palette_runs, plain_runs

LENGTHS = st.one_of(
    st.integers(1, 4),
    st.integers(1, 300),
    st.sampled_from([127, 128, 129, 254, 255, 256, 257, 510, 511, 1000]),
)


def run(length: int) -> bytes:
    return b"\xff" * ((length - 1) // 255) + bytes([(length - 1) % 255])


def plain(tokens: list[tuple[int, int]]) -> bytes:
    return b"".join(bytes([value, value ^ 0xFF, 255]) + run(length) for value, length in tokens)


def packed(tokens: list[tuple[int, int]], chooser: random.Random) -> bytes:
    """A single pixel may be written with a run as well as without."""
    return b"".join(
        bytes([value]) if length == 1 and chooser.random() < 0.7 else bytes([128 | value]) + run(length)
        for value, length in tokens
    )


@settings(max_examples=50, deadline=None)
@given(tokens=st.lists(st.tuples(st.integers(0, 127), LENGTHS), min_size=1, max_size=60), before=st.binary(max_size=3), after=st.binary(max_size=700), seed=st.integers(0, 1 << 30))  # fmt: skip
def test_any_runs(tokens: list[tuple[int, int]], before: bytes, after: bytes, seed: int) -> None:
    area = sum(length for _, length in tokens)
    data = plain(tokens)
    pixels, lengths, end = plain_runs(before + data + after, len(before), area, 3)
    assert pixels == b"".join(bytes([value, value ^ 0xFF, 255]) for value, _ in tokens)
    assert lengths == [length for _, length in tokens]
    assert end == len(before) + len(data)
    data = packed(tokens, random.Random(seed))
    indexes, lengths, end = palette_runs(before + data + after, len(before), area)
    assert list(indexes) == [value for value, _ in tokens]
    assert lengths == [length for _, length in tokens]
    assert end == len(before) + len(data)


@pytest.mark.parametrize("length", [1, 2, 128, 129, 200, 255, 256, 300, 1000])
def test_data_that_ends_too_early_is_refused(length: int) -> None:
    for tokens in ([(5, length)], [(1, 1), (2, 3), (5, length)]):
        area = sum(length for _, length in tokens)
        data = plain(tokens)
        for end in range(len(data)):
            with pytest.raises(RfbError, match="shorter"):
                plain_runs(data[:end], 0, area, 3)
        data = packed(tokens, random.Random(1))
        for end in range(len(data)):
            with pytest.raises(RfbError, match="shorter"):
                palette_runs(data[:end], 0, area)


@pytest.mark.parametrize("length", [2, 128, 255, 256, 300, 100_000])
@pytest.mark.parametrize("before", [[], [(1, 1)], [(1, 300), (2, 2)]])
def test_a_run_that_leaves_the_tile_is_refused(length: int, before: list[tuple[int, int]]) -> None:
    tokens = [*before, (5, length)]
    area = sum(length for _, length in tokens) - 1
    with pytest.raises(RfbError, match="leaves its tile"):
        plain_runs(plain(tokens), 0, area, 3)
    with pytest.raises(RfbError, match="leaves its tile"):
        palette_runs(packed(tokens, random.Random(1)), 0, area)


def test_a_run_that_never_ends_is_refused() -> None:
    endless = b"\xff" * 100_000
    with pytest.raises(RfbError, match="shorter"):
        plain_runs(b"abc" + endless, 0, 4096, 3)
    with pytest.raises(RfbError, match="shorter"):
        palette_runs(b"\x80" + endless, 0, 4096)
