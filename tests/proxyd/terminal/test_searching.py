from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.ops import Move, Op, Shade, Size
from proxyd.terminal.fonts import PACKAGED
from proxyd.terminal.glyphs import Atlas
from proxyd.terminal.highlight import Tint
from proxyd.terminal.layout import Layout
from proxyd.terminal.searching import SEARCH_LAYER, Search, SearchLine
from proxyd.terminal.terminal import Terminal
from tests.fakes.canvas import Canvas

ATLAS = Atlas(PACKAGED, 11)


@pytest.fixture
def terminal() -> Terminal:
    terminal = Terminal(60, 5, scrollback=100)
    terminal.feed("".join(f"line {n} of the log\r\n" for n in range(30)).encode())
    return terminal


def look_for(search: Search, typed: str) -> None:
    search.type(typed)
    assert list(search.look()).count(True) <= 1


def test_the_newest_match_comes_first_and_older_ones_scroll_into_view(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    look_for(search, "line")
    assert search.status == "1 of 30"
    assert terminal.screen.offset == 0
    for _ in range(10):
        search.older()
    assert search.status == "11 of 30"
    shown = ["".join(terminal.screen.view_row(y).text).rstrip() for y in range(5)]
    assert "line 19 of the log" in shown
    search.newer()
    assert search.status == "10 of 30"


def test_searching_goes_round(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    look_for(search, "line 2")
    assert search.status == "1 of 11"
    search.newer()
    assert search.status == "11 of 11"
    search.older()
    assert search.status == "1 of 11"


def test_the_text_is_edited(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    look_for(search, "lone\x7f\x7f\x7fine 7")
    assert (search.text, search.status) == ("line 7", "1 of 1")
    look_for(search, "\x15")
    assert (search.text, search.status) == ("", "")
    look_for(search, "\x1b\x00nothing like it")
    assert search.status == "not found"
    search.older()
    look_for(search, "x" * 1000)
    assert len(search.text) == 200


def test_the_current_match_stands_out(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    look_for(search, "log")
    tints = [mark.tint for mark in search.marks()]
    assert tints.count(Tint.CURRENT) == 1
    assert tints[0] is Tint.CURRENT


def test_matches_are_dropped_when_lines_lose_their_numbers_and_found_again(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    look_for(search, "log")
    terminal.resize(30, 5)
    assert search.marks() == []
    assert search.stale
    search.older()
    assert search.marks() == []
    look_for(search, "")
    assert search.marks()


def test_a_search_says_how_far_it_came(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    search.type("line 2")
    steps = search.look()
    while not next(steps):
        assert search.status == "…"
    assert (search.status, search.current, search.count) == ("1 of 1+", 1, "1+")
    list(steps)
    assert search.count == "11"


def test_the_newest_thousand_are_enough() -> None:
    terminal = Terminal(200, 20)
    terminal.feed(b"x" * 200 * 10)
    search = Search(terminal.screen)
    look_for(search, "x")
    assert search.status == "1 of 1000+"


def test_a_search_ends_when_lines_lose_their_numbers(terminal: Terminal) -> None:
    search = Search(terminal.screen)
    search.type("line")
    steps = search.look()
    next(steps)
    terminal.resize(30, 5)
    assert list(steps) == []


def painted(
    line: SearchLine, canvas: Canvas, terminal: Terminal, search: Search | None, columns: int = 60
) -> list[Op]:
    layout = Layout.fit(columns * ATLAS.cell.width + 20, 5 * ATLAS.cell.height + 20, 96, ATLAS.cell)
    ops = line.paint(layout, ATLAS, terminal.screen.palette, search)
    for op in ops:
        canvas.apply(op)
    return ops


def test_the_line_is_there_while_somebody_searches(terminal: Terminal) -> None:
    line, canvas, search = SearchLine(), Canvas(), Search(terminal.screen)
    assert painted(line, canvas, terminal, None) == []
    ops = painted(line, canvas, terminal, search)
    assert {Size, Move, Shade} <= {type(op) for op in ops}
    empty = canvas.layer(SEARCH_LAYER).copy()
    assert painted(line, canvas, terminal, search) == []
    look_for(search, "log")
    painted(line, canvas, terminal, search)
    assert not np.array_equal(canvas.layer(SEARCH_LAYER), empty)
    line.forget()
    assert painted(line, canvas, terminal, search)
    assert painted(line, canvas, terminal, None) == [Shade(SEARCH_LAYER, 0)]


@pytest.mark.parametrize("columns", [2, 5, 40, 200])
@pytest.mark.parametrize("text", ["", "x" * 200, "中文" * 40, "a中"])
def test_the_line_fits_any_window(terminal: Terminal, columns: int, text: str) -> None:
    canvas, search = Canvas(), Search(terminal.screen)
    look_for(search, text)
    painted(SearchLine(), canvas, terminal, search, columns)
    assert canvas.layer(SEARCH_LAYER).shape[1] == max(columns, 2) * ATLAS.cell.width
    assert (canvas.layer(SEARCH_LAYER)[..., 3] == 255).all()
