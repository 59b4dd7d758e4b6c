"""Scrollback: rows made small and back, limits, skipped output, and how little memory it takes."""

from __future__ import annotations

import gc
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.cells import DEFAULT, Row, Style
from proxyd.terminal.history import PIECE, History, Raw
from proxyd.terminal.packed import Packed, compress, expand, length, pack, plain, unpack, wraps
from proxyd.terminal.terminal import Terminal

CELL = st.sampled_from([[" "], ["a"], ["é"], ["e\u0301"], ["中", ""], ["👩\u200d🚀", ""]])
STYLE = st.sampled_from([DEFAULT, Style(foreground=1), Style(background=2)])


@st.composite
def rows(draw):
    cells = [cell for group in draw(st.lists(CELL, max_size=12)) for cell in group]
    row = Row(len(cells))
    row.text = cells
    row.styles = draw(st.lists(STYLE, min_size=len(cells), max_size=len(cells)))
    row.wide = "" in cells
    row.wrapped = draw(st.booleans())
    return row


@settings(max_examples=60, deadline=None)
@given(rows())
def test_a_row_survives_packing(row):
    packed = pack(row)
    again = unpack(packed, len(row.text))
    assert (again.text, again.styles) == (row.text, row.styles)
    assert again.wrapped == row.wrapped
    assert again.wide == ("" in row.text)
    assert pack(again) == packed
    cells, styles = expand(packed)
    assert length(packed) == len(cells) == len(styles)
    assert row.wrapped or not cells or cells[-1] != " " or styles[-1] != DEFAULT


@settings(max_examples=60, deadline=None)
@given(rows(), st.integers(2, 30))
def test_a_row_can_be_unpacked_at_any_width(row, columns):
    again = unpack(pack(row), columns)
    assert len(again.text) == len(again.styles) == columns
    assert all(cell or (x and again.text[x - 1]) for x, cell in enumerate(again.text))


def test_plain_rows_are_their_text():
    row = Row(5)
    row.text[:2] = "ab"
    assert pack(row) == "ab"
    assert pack(Row(5)) == ""
    row.wrapped = True
    assert pack(row) == Packed("ab   ", wrapped=True)


def test_equal_styles_are_one_run():
    twins = [Style(foreground=1), Style(foreground=1)]
    assert compress("ab", twins, wrapped=False, spare=False) == Packed("ab", (twins[0],), b"\x02")


def row(text: str) -> Row:
    made = Row(5)
    made.text[: len(text)] = text
    return made


def replay(raw: Raw) -> list[str]:
    return raw.data.decode().splitlines()


def test_the_oldest_rows_are_dropped():
    history = History(2, 5, replay)
    for text in "abc":
        history.push(row(text))
    assert (list(history.rows()), len(history)) == (["b", "c"], 2)
    history.resize(1)
    assert list(history.rows()) == ["c"]
    history.resize(0)
    history.push(row("d"))
    assert (list(history.rows()), len(history)) == ([], 0)


def test_skipped_output_counts_at_once_and_is_rendered_when_looked_at():
    rendered = []
    history = History(4, 5, lambda raw: rendered.append(raw) or replay(raw))
    history.push(row("a"))
    history.push_raw(Raw(b"b\nc\n", DEFAULT, 2))
    history.push(row("d"))
    assert (len(history), rendered) == (4, [])
    assert "".join(history.row(1, 5).text) == "d    "
    assert rendered == []
    assert "".join(history.row(2, 5).text) == "c    "
    assert (history.ready, len(rendered)) == (3, 1)
    assert (list(history.rows()), len(rendered)) == (["a", "b", "c", "d"], 1)


def test_skipped_output_goes_when_enough_came_after_it():
    history = History(3, 5, lambda _: ["never"] * 3)
    history.push_raw(Raw(b"x" * 1000, DEFAULT, 3))
    for text in "ab":
        history.push(row(text))
    assert len(history) == 3
    history.push(row("c"))
    assert list(history.rows()) == ["a", "b", "c"]
    history.push_raw(Raw(b"x\ny\nz\nw\n", DEFAULT, 9))
    assert list(history.rows()) == ["never"] * 3


def test_wrapping_may_make_more_rows_of_skipped_output_than_were_counted():
    history = History(9, 5, lambda _: ["x"] * 5)
    history.push_raw(Raw(b"x" * 100 + b"\n", DEFAULT, 1))
    assert len(history) == 1
    assert len(history.rows()) == len(history) == 5


def flood(lines: int, start: bytes = b"") -> Raw:
    return Raw(start + b"".join(b"%d\n" % n for n in range(lines)), DEFAULT, lines)


def test_skipped_output_is_rendered_piece_by_piece_newest_first():
    rendered = []
    history = History(1000, 5, lambda raw: rendered.append(raw) or replay(raw))
    history.push_raw(flood(1000))
    assert not history.prepare(200)
    assert history.prepare(200)
    assert history.ready < 300
    assert [int(raw.data.split()[-1]) for raw in rendered] == [999, 895]
    assert list(history.rows(200))[-3:] == ["997", "998", "999"]
    assert list(history.rows()) == [str(n) for n in range(1000)]
    assert max(raw.rows for raw in rendered) == PIECE


def test_a_piece_begins_in_the_style_of_the_one_before():
    pieces = flood(300, b"\x1b[31m").pieces()
    assert pieces[0].style == DEFAULT != pieces[1].style == pieces[2].style
    assert b"".join(piece.data for piece in pieces) == flood(300, b"\x1b[31m").data


def wrapped(text: str) -> Packed:
    return Packed(text, wrapped=True)


def test_another_width_wraps_what_is_looked_at():
    history = History(100, 5, replay)
    history.extend(["one", wrapped("12345"), "678", "last"])
    history.rewrap(10)
    assert (len(history), history.ready) == (4, 0)
    assert [plain(row) for row in history.rows()] == ["one", "12345678", "last"]
    history.rewrap(4)
    assert [(plain(row), wraps(row)) for row in history.rows()] == [
        ("one", False), ("1234", True), ("5678", False), ("last", False),
    ]  # fmt: skip


def test_whole_lines_are_taken_away():
    history = History(100, 5, replay)
    history.extend(["one", wrapped("12345"), wrapped("67890"), "last"])
    assert history.take(1) == [wrapped("12345"), wrapped("67890"), "last"]
    assert list(history.rows()) == ["one"]
    history.push_raw(flood(3))
    assert history.take(10) == ["one", "0", "1", "2"]
    assert history.take(10) == []


def test_the_limit_holds_for_what_waits():
    history = History(6, 5, replay)
    history.extend("abcdef")
    history.rewrap(7)
    history.extend("gh")
    assert len(history) == 6
    assert list(history.rows()) == list("cdefgh")
    history.push_raw(flood(4))
    history.resize(5)
    assert list(history.rows()) == ["h", "0", "1", "2", "3"]
    history.clear()
    assert (len(history), list(history.rows())) == (0, [])


def terminal_bytes(line: bytes, lines: int) -> int:
    gc.collect()
    tracemalloc.start()
    terminal = Terminal(80, 24, scrollback=1000)
    for _ in range(lines):
        terminal.feed(line)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del terminal
    return size


def test_a_terminal_is_small():
    assert terminal_bytes(b"", 0) < 60_000
    assert terminal_bytes(b"a line of text as programs print it, fifty long\r\n", 1100) < 180_000
    assert (
        terminal_bytes(b"\x1b[1;34mdirectory\x1b[0m  file.txt  \x1b[1;32mprogram\x1b[0m\r\n", 1100) < 400_000
    )
