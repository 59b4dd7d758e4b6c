"""The instruction codec: vectors shared with the browser's parser, limits, and properties."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.wire.instruction import (
    MAX_ELEMENT,
    MAX_ELEMENTS,
    MAX_INSTRUCTION,
    Instruction,
    InstructionParser,
    WireError,
    encode,
)
from tests.cuts import every_cut

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "instructions.json").read_text())

text = st.text(max_size=40)
instructions = st.lists(
    st.builds(lambda opcode, args: Instruction(opcode, tuple(args)), text, st.lists(text, max_size=6)),
    max_size=6,
)


def parse(pieces: list[bytes]) -> list[Instruction]:
    parser = InstructionParser()
    done = [instruction for piece in pieces for instruction in parser.feed(piece)]
    assert not parser.pending
    return done


def outcome(pieces: list[bytes]) -> tuple[list[Instruction], str]:
    """What came out before the failure, and the failure."""
    parser = InstructionParser()
    done: list[Instruction] = []
    try:
        for piece in pieces:
            done += parser.feed(piece)
    except WireError as error:
        return done + error.completed, str(error)
    return done, ""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_at_every_cut(vector: dict) -> None:
    expected = [Instruction(opcode, tuple(args)) for opcode, *args in vector["instructions"]]
    for pieces in every_cut(vector["wire"].encode()):
        assert parse(pieces) == expected


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"x.nop;", "not a number"),
        (b"3x.nop;", "not a number"),
        (b"-1.nop;", "not a number"),
        ("٣.nop;".encode(), "not a number"),
        ("³.nop;".encode(), "not a number"),
        (b"3.nop;\n3.nop;", "not a number"),
        (b"000003.nop;", "more than 5 digits"),
        (b"123456", "more than 5 digits"),
        (b"3.nopx", "does not end"),
        (b"2.nop;", "does not end"),
        (b"4.nop;3.nop;", "does not end"),
        (b"9999.", "longer than 8192"),
        (b"4.name,8193.", "longer than 8192"),
        (b"3.n\xffp;", "not UTF-8"),
        (b"3.nop;\xc3(", "not UTF-8"),
        (b"1.\xed\xa0\x80;", "not UTF-8"),
    ],
)
def test_broken_bytes_fail_alike_at_every_cut(wire: bytes, reason: str) -> None:
    whole = outcome([wire])
    assert reason in whole[1]
    for pieces in every_cut(wire):
        assert outcome(pieces) == whole


def test_instructions_before_the_broken_one_are_reported() -> None:
    parser = InstructionParser()
    with pytest.raises(WireError) as caught:
        parser.feed(b"3.nop;x")
    assert caught.value.completed == [Instruction("nop")]
    with pytest.raises(WireError):
        parser.feed(b"3.nop;")


def test_limits_are_inclusive() -> None:
    longest = Instruction("x", ("a" * MAX_ELEMENT,))
    assert parse([longest.encode()]) == [longest]
    widest = Instruction("x", ("",) * (MAX_ELEMENTS - 1))
    assert parse([widest.encode()]) == [widest]
    assert "more than 128 elements" in outcome([Instruction("x", ("",) * MAX_ELEMENTS).encode()])[1]


@pytest.mark.parametrize("pieces", [1, 1000])
def test_an_endless_instruction_is_refused_before_it_fills_memory(pieces: int) -> None:
    wire = encode("connect", *["k" * 8000] * 5)
    size = len(wire) // pieces + 1
    cut = [wire[start : start + size] for start in range(0, len(wire), size)]
    assert f"longer than {MAX_INSTRUCTION}" in outcome(cut)[1]


def test_a_connect_with_a_long_key_fits() -> None:
    wire = encode("connect", "VERSION_1_5_0", *["k" * 8000] * 3)
    assert [len(argument) for argument in parse([wire])[0].args] == [13, 8000, 8000, 8000]


def test_a_sender_that_counts_utf16_units_is_understood() -> None:
    for pieces in every_cut("4.name,4.a😀b,2.cd;3.nop;".encode()):
        assert parse(pieces) == [Instruction("name", ("a😀b", "cd")), Instruction("nop")]


@given(instructions)
def test_encode_then_parse_is_identity(sent: list[Instruction]) -> None:
    assert parse([b"".join(instruction.encode() for instruction in sent)]) == sent


@given(instructions, st.data())
def test_any_cut_gives_the_same(sent: list[Instruction], data: st.DataObject) -> None:
    wire = b"".join(instruction.encode() for instruction in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert parse(pieces) == sent


@given(st.binary(max_size=200))
def test_garbage_gives_only_the_one_error(data: bytes) -> None:
    assert outcome([data]) == outcome([data[i : i + 1] for i in range(len(data))])
