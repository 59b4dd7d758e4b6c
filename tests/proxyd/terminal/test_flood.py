"""Floods: what is skipped, what is not, and that nobody can tell the difference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.cells import DEFAULT, Flag
from proxyd.terminal.flood import find_flood, last_lines, style_after
from proxyd.terminal.parser import Parser
from proxyd.terminal.terminal import Terminal
from tests.proxyd.terminal.screens import scrollback, state

LINES = b"".join(b"line %d\r\n" % number for number in range(400))
COLOURED = b"".join(b"\033[%dmline\033[0m %d\033[K\r\n" % (30 + number % 8, number) for number in range(400))


def skipped(terminal: Terminal, data: bytes) -> bool:
    """Feed `data` and tell whether a part was skipped, by what the parser was given."""
    given_bytes = 0
    feed = Parser.feed

    def count(parser: Parser, piece: bytes) -> None:
        nonlocal given_bytes
        given_bytes += len(piece)
        feed(parser, piece)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parser, "feed", count)
        terminal.feed(data)
    return given_bytes < len(data)


def test_a_flood_of_plain_lines_is_skipped():
    terminal = Terminal(20, 5)
    assert skipped(terminal, LINES)
    assert scrollback(terminal)[-1] == "line 395"
    assert scrollback(terminal)[0] == "line 0"
    assert terminal.screen.top == 396


@pytest.mark.parametrize(
    "before",
    [
        b"\x1b[?1049h", b"\x1b[2;4r", b"\x1b[?69h\x1b[2;9s", b"\x1b[4h", b"\x1b[20h", b"\x1b[?7l", b"\x1b(0", b"\x0e\x1b)0",
        b"\x1b[3g", b'\x1b[1"q', b"\x1b]8;;http://x\x07", b"\x1b]482202;pipe\x07", b"\x1b]2;title",
    ],
)  # fmt: skip
def test_an_unusual_state_is_never_skipped(before):
    terminal = Terminal(20, 5)
    terminal.feed(before)
    assert not skipped(terminal, LINES)


@pytest.mark.parametrize("columns", [30, 20, 10, 100])
def test_a_window_of_another_size_skips_as_well(columns):
    terminal = Terminal(40, 5)
    terminal.resize(columns, 5)
    assert skipped(terminal, LINES)


def test_a_view_that_is_scrolled_back_stays_where_it_is():
    terminal = Terminal(20, 5)
    terminal.feed(b"first\r\n" + b"x\r\n" * 10)
    terminal.screen.scroll_view(100)
    assert not skipped(terminal, LINES)
    assert "".join(terminal.screen.view_row(0).text).rstrip() == "first"


@pytest.mark.parametrize(
    "inside",
    [
        b"\x1b[H", b"\x07", b"\x1b[6n", b"\x1b]2;t\x07", b"\x1b[?25l", b"\xc2\x9b2J", b"\b", b"\x0e",
        b"\x1b", b"\x1b[", b"\x1b[3", b"\x1b[1 q", b"\x1b(0", b"\x1b(B", b"\x1b[" + b"1;" * 40 + b"7m", b"\x1b[31\x1b[7m",
    ],
)  # fmt: skip
@pytest.mark.parametrize("lines", [LINES, COLOURED], ids=["plain", "coloured"])
def test_what_is_not_plain_is_interpreted(lines, inside):
    data = lines[:2000] + inside + lines[2000:4000]
    whole, reference = Terminal(20, 5), Terminal(20, 5)
    whole.feed(data)
    Parser(reference).feed(data)
    assert state(whole) == state(reference)
    assert whole.take_replies() == reference.take_replies()
    assert whole.take_events() == reference.take_events()


@pytest.mark.parametrize("lost", range(12))
def test_a_coloured_flood_is_skipped_wherever_it_is_cut(lost):
    terminal, reference = Terminal(40, 5), Terminal(40, 5)
    assert skipped(terminal, COLOURED[: len(COLOURED) - lost])
    Parser(reference).feed(COLOURED[: len(COLOURED) - lost])
    assert state(terminal) == state(reference)


def test_a_flood_may_begin_in_the_middle_of_a_sequence():
    terminal = Terminal(20, 5)
    terminal.feed(b"\x1b[3")
    assert skipped(terminal, b"1m" + LINES)
    assert terminal.screen.style == DEFAULT._replace(foreground=1)


def test_lines_that_wrap_are_not_skipped():
    assert find_flood(b"x" * 5000 + b"\r\n" * 10, 80, 5, 0) is None
    assert find_flood((b"x" * 900 + b"\r\n") * 50, 80, 5, 0) is None


def test_last_lines_begin_after_a_line_feed():
    assert last_lines(b"a\r\nb\r\nc\r\n", 2) == 3
    assert last_lines(b"a\r\nb\r\n", 5) == 0


def test_the_style_goes_on_from_the_last_reset():
    assert style_after(DEFAULT, b"\x1b[31mx\x1b[0m\x1b[1;32my") == DEFAULT._replace(
        foreground=2, flags=Flag.BOLD
    )
    assert style_after(DEFAULT._replace(foreground=3), b"x") == DEFAULT._replace(foreground=3)
    assert style_after(DEFAULT._replace(foreground=3), b"x\x1b[m") == DEFAULT


PIECES = st.sampled_from(
    [b"word ", b"longer words here ", b"\x1b[31m", b"\x1b[0m", b"\x1b[m", b"\x1b[1;44m", b"\x1b[K", b"\t", b"\x1b(B", b"\r",
     "中文".encode(), "e\u0301".encode(), b"\x1b[4:3m", b"x" * 30, b"\x1b[38;5;200m", b"\xff", b"\x1b[48;2;1;2;3m"]
)  # fmt: skip
LINE = st.lists(PIECES, max_size=6).map(lambda pieces: b"".join(pieces) + b"\r\n")
NOISE = st.sampled_from(
    [b"\n", b"\x1b[3;3Hx", b"\x1b[2;3r", b"\x1b[r", b"\x1b[?1049h", b"\x1b[?1049l", b"partial \x1b["]
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(LINE, min_size=1, max_size=12), st.integers(1, 60), NOISE | st.just(b"")),
        max_size=4,
    ),
    st.integers(1, 5),
    st.sampled_from([0, 500]),
)
def test_skipping_floods_changes_nothing(parts, rows, work):
    """Screen, scrollback and line numbers are those of a terminal that interprets every byte, with pauses or without."""
    quick, thorough = Terminal(12, rows, scrollback=30), Terminal(12, rows, scrollback=30)
    parser = Parser(thorough)
    for lines, times, noise in parts:
        data = b"".join(lines) * times + noise
        kept = quick.feed(data, work)
        while kept:
            assert quick.screen._ghosts == 0
            kept = quick.feed(b"", work)
        parser.feed(data)
    seen, expected = state(quick), state(thorough)
    for key in ("rows", "cursor", "style", "margins", "history"):
        assert seen[key] == expected[key], key
