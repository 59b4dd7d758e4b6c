"""Logical lines, the whole as text, links and search."""

from __future__ import annotations

import pytest

from proxyd.terminal.lines import Span, logical_line, logical_lines, to_text
from proxyd.terminal.links import link_at, uri_around
from proxyd.terminal.search import MATCH_LIMIT, find_text
from tests.proxyd.terminal.screens import shown


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
    assert [line.text for line in logical_lines(screen)] == ["one", "abcdefghijkl", "last"]


def test_a_line_without_end_is_looked_at_in_parts():
    screen = shown(2, 2, "x" * 5000, scrollback=3000).screen
    assert "".join(line.text for line in logical_lines(screen)) == "x" * 5000
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
    assert find_text(screen, "needle") == [
        [Span(0, 0, 5), Span(1, 0, 1)],
        [Span(3, 0, 5), Span(4, 0, 1)],
        [Span(4, 2, 5), Span(5, 0, 3)],
    ]
    assert find_text(screen, "Needle") == [[Span(0, 0, 5), Span(1, 0, 1)]]
    assert find_text(screen, "") == []


def test_search_folds_case_that_changes_length():
    assert find_text(shown(10, 1, "İİx").screen, "x") == [[Span(0, 2, 3)]]


def test_search_reports_the_newest_matches():
    screen = shown(200, 20, ("x" * 200) * 10).screen
    matches = find_text(screen, "x")
    assert len(matches) == MATCH_LIMIT
    assert matches[-1] == [Span(9, 199, 200)]
