"""Logical lines, the whole as text, links and search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxyd.terminal.lines import Span, logical_line, texts_backwards, to_text
from proxyd.terminal.links import link_at, uri_around
from proxyd.terminal.search import find_text
from tests.proxyd.terminal.screens import shown

if TYPE_CHECKING:
    from proxyd.terminal.screen import Screen


def lines(screen: Screen) -> list[str]:
    """All logical lines, oldest first."""
    return ["".join(rows) for _, rows in texts_backwards(screen) if rows][::-1]


def found(screen: Screen, text: str) -> list[list[Span]]:
    """All matches, newest first."""
    return [place for place in find_text(screen, text) if place is not None]


def test_wrapped_rows_are_one_line():
    screen = shown(5, 3, "abcdefgh\r\nx").screen
    line = logical_line(screen, 1)
    assert line is not None
    assert (line.first, line.rows, line.text) == (0, 2, "abcdefgh")
    assert line.spans(3, 7) == [Span(0, 3, 5), Span(1, 0, 2)]
    assert line.offset(1, 1) == 6
    assert line.offset(1, 4) is None
    assert logical_line(screen, 7) is None


def test_characters_know_their_cells():
    line = logical_line(shown(10, 2, "a中e\u0301b").screen, 0)
    assert line is not None
    assert [(cell.column, cell.width) for cell in line.cells] == [(0, 1), (1, 2), (3, 1), (3, 1), (4, 1)]
    assert line.offset(0, 2) == 1


def test_lines_reach_from_scrollback_to_screen():
    screen = shown(5, 2, "one\r\nabcdefghijkl\r\nlast").screen
    assert lines(screen) == ["one", "abcdefghijkl", "last"]
    assert [first for first, _ in texts_backwards(screen)] == [4, 1, 0]


def test_a_line_without_end_is_looked_at_in_parts():
    screen = shown(2, 2, "x" * 5000, scrollback=3000).screen
    assert "".join(lines(screen)) == "x" * 5000
    assert len(lines(screen)) == 3
    assert logical_line(screen, screen.top) is not None


def test_the_whole_as_text():
    assert "".join(to_text(shown(5, 3, "one\r\n\r\nabcdefg\r\nx\r\n\r\n").screen)) == "one\n\nabcdefg\nx\n"
    assert "".join(to_text(shown(5, 3).screen)) == ""


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("see http://x.y/z now", "http://x.y/z"),
        ("http://x.y/z.", "http://x.y/z"),
        ("(http://x.y/z)", "http://x.y/z"),
        ("http://x.y/z_(a)", "http://x.y/z_(a)"),
        ("[https://[::1]:80/]", "https://[::1]:80/"),
        ("'ssh://u@h'", "ssh://u@h"),
        ("HTTP://x", None),
        ("http:/x", None),
        ("nothing here", None),
    ],
)
def test_uris_in_text(text, uri):
    place = uri_around(text, 8)
    assert (text[slice(*place)] if place else None) == uri
    assert uri_around("x " + text, 0) is None


def test_a_link_has_all_its_cells():
    screen = shown(6, 3, "a\x1b]8;id=1;https://e.org/\x1b\\linked\x1b]8;;\x1b\\b").screen
    target = link_at(screen, 1, 0)
    assert target is not None
    assert target == ("https://e.org/", [Span(0, 1, 6), Span(1, 0, 1)])
    assert link_at(screen, 0, 0) is None
    assert link_at(screen, 2, 0) is None


def test_a_link_may_be_text_that_wraps():
    target = link_at(shown(10, 3, "http://example.org/").screen, 1, 2)
    assert target == ("http://example.org/", [Span(0, 0, 10), Span(1, 0, 9)])


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "data:text/html,x", "vscode://run"])
def test_a_link_may_not_start_just_anything(uri):
    assert link_at(shown(10, 2, f"\x1b]8;;{uri}\x07x").screen, 0, 0) is None


def test_search_finds_text_over_wraps_and_in_scrollback():
    screen = shown(5, 2, "Needle\r\nx\r\nneedle needle\r\n").screen
    assert found(screen, "needle") == [
        [Span(4, 2, 5), Span(5, 0, 3)],
        [Span(3, 0, 5), Span(4, 0, 1)],
        [Span(0, 0, 5), Span(1, 0, 1)],
    ]
    assert found(screen, "Needle") == [[Span(0, 0, 5), Span(1, 0, 1)]]
    assert found(screen, "") == []


def test_search_folds_case_that_changes_length():
    assert found(shown(10, 1, "İİx").screen, "x") == [[Span(0, 2, 3)]]


def test_search_finds_wide_characters_and_clusters():
    assert found(shown(6, 2, "a中e\u0301b 中").screen, "e\u0301b") == [[Span(0, 3, 5)]]
    assert found(shown(4, 2, "abc中").screen, "中") == [[Span(1, 0, 2)]]


def test_a_search_in_a_long_line_comes_in_steps():
    steps = find_text(shown(200, 20, ("x" * 200) * 10).screen, "x")
    assert next(place for place in steps if place is not None) == [Span(9, 199, 200)]
    assert next(steps) == [Span(9, 198, 199)]


def test_what_is_not_ready_is_made_ready_in_steps():
    terminal = shown(20, 5, b"".join(b"line %d\r\n" % n for n in range(5000)), scrollback=4000)
    screen = terminal.screen
    assert screen.history.ready < 100
    steps = list(find_text(screen, "line 12"))
    assert sum(place is not None for place in steps) == 100
    assert len(steps) > 4000
    assert screen.history.ready == 4000
    text = "".join(to_text(screen))
    assert text.startswith("line 996\n")
    assert text.count("\n") == 4004
