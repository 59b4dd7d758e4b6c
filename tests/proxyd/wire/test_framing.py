"""Cutting at whole instructions: always what the parser would have found."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.wire.framing import Splitter
from proxyd.wire.instruction import InstructionParser, WireError, encode
from tests.cuts import every_cut

WHOLE = [
    b"4.size,4.1024,3.768,2.96;",
    b"3.nop;",
    b"0.;",
    b"0.,4.ping,3.123;",
    encode("name", "d\u00e9j\u00e0 vu; 1.a,2.bc;"),
    encode("name", "\U0001f600,;."),
    encode("clipboard", "\u20ac" * 30),
    encode("blob", 1, "A" * 8064),
    encode("blob", 1, "\u00e9" * 8000),
    encode("many", *("x" * 127)),
    encode("many", *["y" * 40] * 127),
    encode("copy", -1, 0, 0, 8, 17, 14, 0, 100, 200) * 3,
    b"04.size,.,1.x;",
]

BROKEN = [
    b"4.size,4.1024,3.7685;",
    b"x.size;",
    b"-1.size;",
    b"123456.size;",
    b"\n3.nop;",
    b"3.nop;\n3.nop;",
    b"8193.",
    b"1." + b"a,1.b" * 200 + b";",
    encode("many", *("x" * 128)),
    encode("many", *["y" * 40] * 128),
    encode("many", *["z" * 8192] * 5),
    b"\xff.size;",
    "٣.nop;".encode(),
]


@pytest.mark.parametrize("data", WHOLE, ids=lambda data: data[:20].decode("ascii", "replace"))
def test_whole_instructions_come_back_as_they_are(data: bytes) -> None:
    if len(data) > 400:
        pieces = [[data], [data[:100], data[100:]], [data[:-1], data[-1:]], [data[:-2], data[-2:]]]
    else:
        pieces = list(every_cut(data))
    for cut in pieces:
        splitter = Splitter()
        assert b"".join(splitter.split(piece) for piece in cut) == data
        assert not splitter.pending


@pytest.mark.parametrize("data", BROKEN, ids=lambda data: data[:20].decode("ascii", "replace"))
def test_broken_ones_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        InstructionParser().feed(data)
    with pytest.raises(WireError):
        Splitter().split(data)


def test_what_is_given_out_ends_where_an_instruction_ends() -> None:
    splitter = Splitter()
    assert splitter.split(b"3.nop;4.si") == b"3.nop;"
    assert splitter.pending
    assert splitter.split(b"ze,1.1,1.1") == b""
    assert splitter.split(b";3.nop;3") == b"4.size,1.1,1.1;3.nop;"


def test_the_shared_vectors() -> None:
    vectors = json.loads(Path("tests/vectors/instructions.json").read_text())
    whole = [vector["wire"].encode() for vector in vectors if vector.get("instructions")]
    assert whole
    for data in whole:
        assert Splitter().split(data) == data


def test_an_endless_instruction_takes_no_memory() -> None:
    splitter = Splitter()
    element = b"8192." + b"x" * 8192 + b","
    for _ in range(3):
        splitter.split(element)
    with pytest.raises(WireError):
        splitter.split(element)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
instructions = st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=20)


@given(instructions, st.data())
@settings(max_examples=150, deadline=None)
def test_any_cut_gives_the_same_bytes_and_whole_instructions(
    rows: list[list[str]], data: st.DataObject
) -> None:
    wire = b"".join(encode(*row) for row in rows)
    splitter, out = Splitter(), []
    position = 0
    while position < len(wire):
        size = data.draw(st.integers(1, len(wire)))
        out.append(splitter.split(wire[position : position + size]))
        position += size
    assert b"".join(out) == wire
    for piece in out:
        parser = InstructionParser()
        parser.feed(piece)
        assert not parser.pending


@given(st.binary(max_size=120) | st.text("0123456789.,;ab\u00e9", max_size=60).map(str.encode))
@settings(max_examples=400, deadline=None)
def test_garbage_is_judged_as_the_parser_judges_it(data: bytes) -> None:
    with contextlib.suppress(UnicodeDecodeError):
        data.decode()
        parser = InstructionParser()
        try:
            parser.feed(data)
        except WireError:
            with pytest.raises(WireError):
                Splitter().split(data)
            return
        splitter = Splitter()
        splitter.split(data)
        assert splitter.pending == parser.pending
