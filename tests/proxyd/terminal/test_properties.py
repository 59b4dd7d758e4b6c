"""What holds for any output whatever: cuts, the fast path, floods, resizes; the screen stays legal."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.packed import plain, wraps
from proxyd.terminal.parser import Parser
from proxyd.terminal.terminal import Terminal
from tests.proxyd.terminal.screens import check_legal, shown, state

LETTERS = st.sampled_from(
    ["a", "b ", "hello world", "\t", "é", "中", "文字", "e\u0301", "👩\u200d🚀", "🇩", "\u200d", "\x7f", "─┼"]
)
CONTROLS = st.sampled_from(["\r\n", "\n", "\r", "\b", "\x0b", "\x0e", "\x0f", "\x1bM", "\x1bD", "\x1bE", "\x1b7", "\x1b8", "\x1bc",
    "\x1b(0", "\x1b(B", "\x1b)0", "\x1bN", "\x1b#8", "\x1b6", "\x1b9", "\x1bH", "\x1bl", "\x1bm", "\x1bV", "\x1bW"])  # fmt: skip
NUMBERS = st.lists(
    st.sampled_from(["", "0", "1", "2", "3", "4", "5", "7", "9", "30", "99999"]), max_size=5
).map(";".join)
FINALS = [
    *"@ABCDEFGHIJKLMPSTXZ`abdefgrsu^m",
    " @",
    " A",
    "'}",
    "'~",
    "$r",
    "$t",
    "$v",
    "$x",
    "$z",
    "${",
    '"q',
    "!p",
    "*x",
]
CSI = st.builds("\x1b[{}{}".format, NUMBERS, st.sampled_from(FINALS))
MODES = st.builds("\x1b[{}{}{}".format, st.sampled_from(["", "?"]),
    st.sampled_from(["4", "6", "7", "20", "45", "47", "69", "1047", "1048", "1049", "2026"]), st.sampled_from("hl"))  # fmt: skip
STREAM = st.lists(st.one_of(LETTERS, CONTROLS, CSI, MODES, st.just("\x1b[31m")), max_size=60).map("".join)
SIZE = st.tuples(st.integers(2, 12), st.integers(1, 8))


@settings(max_examples=60, deadline=None)
@given(STREAM, SIZE)
def test_the_screen_stays_legal_and_the_fast_path_equals_the_table(text, size):
    fast, slow = Terminal(*size, scrollback=20), Terminal(*size, scrollback=20)
    fast.feed(text.encode())
    Parser(slow).feed_by_table(text.encode())
    check_legal(fast.screen)
    assert state(fast) == state(slow)


@settings(max_examples=60, deadline=None)
@given(STREAM, st.lists(st.integers(0, 300), max_size=5))
def test_cuts_do_not_matter(text, places):
    data = text.encode()
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert state(shown(10, 4, *pieces)) == state(shown(10, 4, data))


@settings(max_examples=60, deadline=None)
@given(STREAM, STREAM, st.integers(1, 200))
def test_pauses_do_not_matter(first, second, work):
    terminal, reference = Terminal(10, 4, scrollback=100), Terminal(10, 4, scrollback=100)
    terminal.feed(first.encode(), work)
    terminal.feed(second.encode() + b"x" * 3000, work)
    while terminal.feed(b"", work):
        pass
    reference.feed((first + second).encode() + b"x" * 3000)
    assert state(terminal) == state(reference)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(STREAM, st.tuples(st.integers(-3, 40), st.integers(-3, 30))), min_size=1, max_size=5)
)
def test_resize_storms_leave_a_legal_screen(steps):
    terminal = Terminal(10, 5, scrollback=20)
    for text, (columns, rows) in steps:
        terminal.feed(text.encode())
        terminal.screen.scroll_view(3)
        terminal.resize(columns, rows)
        check_legal(terminal.screen)
        terminal.screen.take_damage()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(LETTERS, st.sampled_from(["\r\n", "\x1b[31m", "\x1b[44m", "\x1b[m"])), max_size=60),
    SIZE,
)
def test_a_resize_to_and_fro_keeps_the_text(pieces, size):
    """Logical lines survive any width, as long as the scrollback holds them."""
    terminal = shown(10, 5, "".join(pieces), scrollback=1000)
    before = logical_lines(terminal)
    terminal.resize(size[0], 5)
    terminal.resize(10, 5)
    after = logical_lines(terminal)
    assert [line for line in after if line] == [line for line in before if line]


def logical_lines(terminal: Terminal) -> list[str]:
    lines, line = [], ""
    screen = terminal.screen
    for number in range(screen.oldest, screen.top + screen.rows):
        row = screen.line(number)
        assert row is not None
        line += "".join(row.text[: len(row.text) - row.spare])
        if not row.wrapped:
            lines.append(line.rstrip())
            line = ""
    return [*lines, line.rstrip()]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), SIZE)
def test_garbage_leaves_a_legal_screen(data, size):
    terminal = Terminal(*size, scrollback=10)
    terminal.feed(data)
    check_legal(terminal.screen)


def test_garbage_takes_bounded_memory():
    pieces = [b"\x1b[?1049h", b"\x1b]8;;http://x/%d\x07y\r\n", b"\x1b[38;2;%d;1;2mz", b"\x1b]2;%d\x07\x07", b"\x1b[c\x1b[22t",
              b"\x1b[>1u", b"\x1b7", "e\u0301".encode() + "\u0301".encode() * 50, b"\x1b]482200;/%d\x07", b"\x1b]52;c;QUJD\x07"]  # fmt: skip
    terminal = Terminal(80, 24, scrollback=100)
    tracemalloc.start()
    for number in range(400):
        for piece in pieces:
            terminal.feed(piece % number if b"%" in piece else piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    check_legal(terminal.screen)


FLOOD = "".join(f"\x1b[3{n % 8}mline {n} {'of a flood ' * (n % 5)}\r\n" for n in range(150))
STEPS = st.lists(
    st.one_of(
        st.just(FLOOD),
        st.text(st.sampled_from("ab 中\u0301"), max_size=60).map(lambda text: text + "\r\n"),
        st.tuples(st.integers(12, 60), st.integers(2, 12)),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_scrollback_is_the_same_whenever_somebody_looks(steps):
    late, early = Terminal(40, 6, scrollback=50_000), Terminal(40, 6, scrollback=50_000)
    for step in steps:
        for terminal in (late, early):
            if isinstance(step, str):
                terminal.feed(step.encode())
            else:
                terminal.resize(*step)
        early.screen.history.rows()
    now, then = state(late), state(early)
    assert [(plain(row), wraps(row)) for row in now.pop("history")] == [
        (plain(row), wraps(row)) for row in then.pop("history")
    ]
    for name in ("top", "rows", "cursor", "style"):
        assert now[name] == then[name], name
