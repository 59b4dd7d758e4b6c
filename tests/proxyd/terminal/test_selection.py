"""Selecting: characters, words, lines, blocks, over wraps, wide characters and scrollback."""

from __future__ import annotations

import pytest

from proxyd.terminal.lines import Span
from proxyd.terminal.selection import Selection, Unit
from tests.proxyd.terminal.screens import shown


def selected(
    data: str, begin: tuple[int, int], end: tuple[int, int] | None, unit: Unit = Unit.CHARACTER
) -> str:
    selection = Selection(shown(10, 4, data).screen)
    selection.begin(*begin, unit)
    if end:
        selection.extend(*end)
    return selection.text()


@pytest.mark.parametrize(
    ("about", "data", "begin", "end", "unit", "text"),
    [
        ("a press alone", "hello", (0, 1), None, Unit.CHARACTER, ""),
        ("characters", "hello", (0, 1), (0, 3), Unit.CHARACTER, "ell"),
        ("backwards", "hello", (0, 3), (0, 1), Unit.CHARACTER, "ell"),
        ("two lines", "one\r\ntwo", (0, 1), (1, 1), Unit.CHARACTER, "ne\ntw"),
        ("a wrapped line", "0123456789abc", (0, 8), (1, 1), Unit.CHARACTER, "89ab"),
        ("blanks at the end", "a b   \r\nc", (0, 0), (1, 9), Unit.CHARACTER, "a b\nc"),
        ("half a wide character", "a中b", (0, 2), (0, 2), Unit.CHARACTER, "中"),
        ("up to half a wide character", "a中b", (0, 0), (0, 1), Unit.CHARACTER, "a中"),
        ("a cluster", "xe\u0301y", (0, 1), (0, 1), Unit.CHARACTER, "e\u0301"),
        ("a wide character that did not fit", "012345678中x", (0, 8), (1, 2), Unit.CHARACTER, "8中x"),
        ("a word", "ls /usr/x y", (0, 5), None, Unit.WORD, "/usr/x"),
        ("a word that wraps", "say $HOME/.ssh/id", (0, 6), None, Unit.WORD, "$HOME/.ssh/id"),
        ("several words", "one two", (0, 1), (0, 5), Unit.WORD, "one two"),
        ("words backwards", "one two", (0, 5), (0, 1), Unit.WORD, "one two"),
        ("a letter of another script", "größe x", (0, 1), None, Unit.WORD, "größe"),
        ("punctuation", "a = b", (0, 2), None, Unit.WORD, "="),
        ("beyond the end", "a", (0, 5), None, Unit.WORD, ""),
        ("a URI", "(http://x.y/?a=b&c).", (1, 2), None, Unit.WORD, "http://x.y/?a=b&c"),
        ("a line", "one two\r\nx", (0, 4), None, Unit.LINE, "one two"),
        ("a logical line", "0123456789abc\r\nx", (1, 1), None, Unit.LINE, "0123456789abc"),
        ("lines", "a\r\nb\r\nc", (0, 0), (1, 0), Unit.LINE, "a\nb"),
        ("a block", "abcd\r\nefgh\r\nijkl", (0, 1), (2, 2), Unit.BLOCK, "bc\nfg\njk"),
        ("a block from the other corner", "abcd\r\nefgh", (1, 2), (0, 1), Unit.BLOCK, "bc\nfg"),
        ("a block over a wrap", "0123456789abc", (0, 9), (1, 9), Unit.BLOCK, "9\n"),
    ],
)  # fmt: skip
def test_the_text_that_is_selected(about, data, begin, end, unit, text):
    assert selected(data, begin, end, unit) == text, about


@pytest.mark.parametrize("last", ["x", "\x1b[120;1;10;1;10$x"])
def test_what_is_written_where_a_wide_character_did_not_fit_counts(last):
    assert selected("012345678中\x1b[1;10H" + last, (0, 8), (0, 9)) == "8x"


def test_spans_tell_what_to_highlight():
    selection = Selection(shown(10, 4, "one\r\n中b\r\nx").screen)
    selection.begin(0, 2)
    assert selection.spans() == []
    selection.extend(1, 0)
    assert selection.spans() == [Span(0, 2, 10), Span(1, 0, 2)]
    selection.clear()
    assert not selection.active


def test_a_selection_stays_with_its_text_when_the_screen_scrolls():
    terminal = shown(10, 4, "one\r\ntwo\r\n")
    selection = Selection(terminal.screen)
    selection.begin(0, 0)
    selection.extend(1, 2)
    terminal.feed(b"x\r\n" * 20)
    assert selection.text() == "one\ntwo"
    assert terminal.screen.oldest == 0


def test_what_left_the_scrollback_is_no_longer_selected():
    terminal = shown(10, 4, "one\r\ntwo\r\n", scrollback=3)
    selection = Selection(terminal.screen)
    selection.begin(0, 0)
    selection.extend(1, 2)
    terminal.feed(b"x\r\n" * 5)
    assert selection.text() == "two"
    terminal.feed(b"x\r\n" * 5)
    assert selection.text() == ""


@pytest.mark.parametrize("event", ["\x1b[?1049h", "\x1bc", "resize"])
def test_a_selection_dies_with_the_line_numbers(event):
    terminal = shown(10, 4, "one")
    selection = Selection(terminal.screen)
    selection.begin(0, 0)
    selection.extend(0, 2)
    if event == "resize":
        terminal.resize(20, 4)
    else:
        terminal.feed(event.encode())
    assert not selection.active
    assert selection.text() == ""
    selection.extend(0, 1)
    assert not selection.active


def test_whole_lines_between_the_ends():
    data = "one\r\nabcdefghijkl\r\nend"
    assert selected(data, (0, 1), (3, 1)) == "ne\nabcdefghijkl\nen"
    assert selected("one\r\n中文 \r\n\r\nend", (0, 0), (3, 2)) == "one\n中文\n\nend"


def test_spans_of_the_lines_in_view_only():
    selection = Selection(shown(10, 4, "one\r\nabcdefghijkl\r\nend").screen)
    selection.begin(0, 1)
    selection.extend(3, 1)
    assert selection.spans(range(1, 3)) == [Span(1, 0, 10), Span(2, 0, 10)]
    assert selection.spans(range(3, 9)) == [Span(3, 0, 2)]
    assert selection.spans(range(7, 9)) == []
