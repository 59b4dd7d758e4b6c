"""The parser: sequences to calls, any cut, every bound, and the fast path against the table."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxyd.terminal.parser import STRING_LIMIT, Parser, parameters
from tests.cuts import every_cut


class Recorder:
    """A handler that writes down what it is told; neighbouring text and controls are joined."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def _add(self, kind: str, text: str) -> None:
        if self.calls and self.calls[-1][0] == kind:
            text = self.calls.pop()[1] + text
        self.calls.append((kind, text))

    def print(self, text: str) -> None:
        self._add("print", text)

    def execute(self, controls: str) -> None:
        self._add("execute", controls)

    def escape(self, function: str) -> None:
        self.calls.append(("escape", function))

    def csi(self, function: str, parameters: str) -> None:
        self.calls.append(("csi", function, parameters))

    def osc(self, text: str) -> None:
        self.calls.append(("osc", text))

    def dcs(self, function: str, parameters: str, data: str) -> None:
        self.calls.append(("dcs", function, parameters, data))


def calls(*pieces: bytes) -> list[tuple[str, ...]]:
    recorder = Recorder()
    parser = Parser(recorder)
    for piece in pieces:
        parser.feed(piece)
    return recorder.calls


CASES = [
    ("text", b"ab", [("print", "ab")]),
    ("controls", b"a\r\n\tb", [("print", "a"), ("execute", "\r\n\t"), ("print", "b")]),
    ("DEL is nothing", b"a\x7fb", [("print", "ab")]),
    ("CSI", b"\x1b[1;2H", [("csi", "H", "1;2")]),
    ("CSI without parameters", b"\x1b[m", [("csi", "m", "")]),
    ("CSI with a private marker", b"\x1b[?25l", [("csi", "?l", "25")]),
    ("CSI with an intermediate", b"\x1b[2 q", [("csi", " q", "2")]),
    ("CSI with both", b"\x1b[?4$p", [("csi", "?$p", "4")]),
    ("CSI with sub-parameters", b"\x1b[4:3;58:2::1:2:3m", [("csi", "m", "4:3;58:2::1:2:3")]),
    ("C0 inside CSI is obeyed", b"\x1b[1\r;2H", [("execute", "\r"), ("csi", "H", "1;2")]),
    ("ESC inside CSI begins anew", b"\x1b[1\x1b[2J", [("csi", "J", "2")]),
    ("CAN ends CSI", b"\x1b[1\x18J", [("execute", "\x18"), ("print", "J")]),
    ("SUB ends CSI", b"\x1b[1\x1aJ", [("execute", "\x1a"), ("print", "J")]),
    ("a marker too late spoils CSI", b"\x1b[1?2Jx", [("print", "x")]),
    ("digits too late spoil CSI", b"\x1b[1 2qx", [("print", "x")]),
    ("three intermediates spoil CSI", b"\x1b[   qx", [("print", "x")]),
    ("DEL inside CSI is nothing", b"\x1b[1\x7f2H", [("csi", "H", "12")]),
    ("a character beyond ASCII ends CSI", "\x1b[1äJ".encode(), [("print", "äJ")]),
    ("escape", b"\x1b7\x1b(0\x1b#8", [("escape", "7"), ("escape", "(0"), ("escape", "#8")]),
    ("C1 in UTF-8", "\x85\x9b2J".encode(), [("escape", "E"), ("csi", "J", "2")]),
    ("OSC with BEL", b"\x1b]0;t\x07x", [("osc", "0;t"), ("print", "x")]),
    ("OSC with ST", b"\x1b]0;t\x1b\\x", [("osc", "0;t"), ("escape", "\\"), ("print", "x")]),
    ("OSC with C1 ST", "\x1b]0;t\x9cx".encode(), [("osc", "0;t"), ("print", "x")]),
    ("OSC beyond ASCII", "\x1b]0;ä\x07".encode(), [("osc", "0;ä")]),
    ("OSC drops controls", b"\x1b]0;a\r\nb\x07", [("osc", "0;ab")]),
    ("CAN drops OSC", b"\x1b]0;a\x18b", [("execute", "\x18"), ("print", "b")]),
    ("DCS", b"\x1bP1$qm\x1b\\", [("dcs", "$q", "1", "m"), ("escape", "\\")]),
    ("DCS without data", b"\x1bPq\x1b\\", [("dcs", "q", "", ""), ("escape", "\\")]),
    ("DCS keeps controls", b"\x1bPq\r\x1b\\", [("dcs", "q", "", "\r"), ("escape", "\\")]),
    ("SUB drops DCS", b"\x1bPqx\x1ay", [("execute", "\x1a"), ("print", "y")]),
    ("DCS spoilt", b"\x1bP1?q\x1b\\x", [("escape", "\\"), ("print", "x")]),
    ("APC, PM, SOS are skipped", b"\x1b_a\x07b\x1b\\\x1b^c\x1b\\\x1bXd\x1b\\", [("escape", "\\")] * 3),
    ("UTF-8", "aé中👍".encode(), [("print", "aé中👍")]),
    ("broken UTF-8", b"a\xffb\xe4\xb8c\xc3", [("print", "a\ufffdb\ufffdc")]),
    ("overlong UTF-8", b"\xc0\xafx", [("print", "\ufffd\ufffdx")]),
    ("surrogate in UTF-8", b"\xed\xa0\x80x", [("print", "\ufffd\ufffd\ufffdx")]),
    ("ESC inside a character", b"\xe4\xb8\x1b[J", [("print", "\ufffd"), ("csi", "J", "")]),
]


@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_sequences_become_calls_however_they_are_cut(data, expected):
    for pieces in every_cut(data):
        assert calls(*pieces) == expected


def test_parameters_are_numbers_with_zero_for_omitted_and_a_ceiling():
    assert parameters("") == (0,)
    assert parameters("1;;3") == (1, 0, 3)
    assert parameters("9" * 200) == (65535,)


ALPHABET = [
    *(bytes([code]) for code in range(256)),
    b"\x1b[",
    b"\x1b]0;",
    b"\x1bP",
    b"\x1b\\",
    b"\x1b[31m",
    b"\x1b[1;2H",
    b"\x1b(0",
    b"\r\n",
    b"\x07",
    "äöü".encode(),
    "中文".encode(),
    "\x9b".encode(),
    "e\u0301".encode(),
    b"plain text",
    b"0123456789;" * 30,
]
STREAMS = st.lists(st.sampled_from(ALPHABET), max_size=40).map(b"".join)


@settings(max_examples=60, deadline=None)
@given(STREAMS)
@example(b"\x1b[" + b"1;" * 200 + b"H" + b"x")
@example(b"\x1b[" + b"1" * 256 + b"H" + b"x")
@example(b"\x1b[" + b"1" * 257 + b"H" + b"x")
@example(b"\x1b[?" + b"1" * 257 + b"h" + b"x")
@example(b"\x1b(((BB")
def test_the_fast_path_equals_the_table(data):
    fast, slow = Recorder(), Recorder()
    Parser(fast).feed(data)
    Parser(slow).feed_by_table(data)
    assert fast.calls == slow.calls


@settings(max_examples=60, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 200), max_size=6))
def test_cuts_do_not_matter(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert calls(*pieces) == calls(data)


def test_cuts_at_internal_slices_do_not_matter():
    data = (b"text \x1b[1;31mred\x1b[0m \x1b]2;title\x07\r\n" * 1000)[5:]
    expected = calls(data)
    assert calls(*(data[i : i + 7] for i in range(0, len(data), 7))) == expected


@pytest.mark.parametrize(
    "introducer", [b"\x1b]0;", b"\x1bPq", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1b[", b"\x1bP"]
)
def test_endless_sequences_take_bounded_memory_and_are_dropped(introducer):
    recorder = Recorder()
    parser = Parser(recorder)
    parser.feed(introducer)
    filler = (
        "1中".encode() * 25_000 if introducer[1:2] in b"]_^X" or introducer == b"\x1bPq" else b"1;" * 50_000
    )
    tracemalloc.start()
    for _ in range(12):
        parser.feed(filler)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000
    parser.feed(b"\x1b\\")
    assert recorder.calls == [("escape", "\\")]


def test_a_string_may_be_as_long_as_its_limit():
    longest = b"x" * STRING_LIMIT
    assert calls(b"\x1b]" + longest + b"\x07") == [("osc", longest.decode())]
    assert calls(b"\x1b]" + longest + b"y\x07") == []


def test_at_rest_means_nothing_is_open():
    parser = Parser(Recorder())
    for data, rests in (
        (b"a", True),
        (b"\x1b", False),
        (b"[1", False),
        (b"m", True),
        (b"\xe4", False),
        (b"\xb8\xad", True),
    ):
        parser.feed(data)
        assert parser.at_rest is rests
