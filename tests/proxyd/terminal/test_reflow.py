"""Reflow: rows to other widths, and places that move with their text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.cells import Style
from proxyd.terminal.packed import Packed, expand
from proxyd.terminal.reflow import Mark, reflow


def texts(rows):
    return ["".join(expand(row)[0]) for row in rows]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (["abc", "de"], 5, ["abc", "de"]),
        (["abcdef"], 4, ["abcd", "ef"]),
        (["abcdef"], 3, ["abc", "def"]),
        ([Packed("abc", wrapped=True), "de", "f"], 5, ["abcde", "f"]),
        ([Packed("abc", wrapped=True), "de", "f"], 2, ["ab", "cd", "e", "f"]),
        ([Packed("a中\0文\0")], 4, ["a中", "文"]),
        ([Packed("a中\0", wrapped=True, spare=True), Packed("文\0")], 5, ["a中文"]),
        ([Packed("abc", wrapped=True)], 2, ["ab", "c"]),
        ([], 5, []),
    ],
)
def test_rows_wrap_anew(rows, columns, expected):
    result, _ = reflow(rows, columns, [])
    assert texts(result) == expected


def test_rows_know_that_they_are_wrapped():
    result, _ = reflow([Packed("ab中\0")], 3, [])
    assert [(row.wrapped, row.spare) for row in result] == [(True, True), (False, False)]


def test_styles_stay_with_their_characters():
    red = Style(foreground=1)
    result, _ = reflow([Packed("abcdef", (Style(), red), b"\x02\x05")], 3, [])
    assert result == [
        Packed("abc", (Style(), red), b"\x02\x03", wrapped=True),
        Packed("def", (red,), b"\x02"),
    ]


@pytest.mark.parametrize(
    ("mark", "columns", "moved"),
    [
        (Mark(0, 1), 2, Mark(0, 1)),
        (Mark(0, 2), 2, Mark(1, 0)),
        (Mark(0, 4), 2, Mark(2, 0)),
        (Mark(1, 0), 2, Mark(3, 0)),
        (Mark(0, 5), 9, Mark(0, 5)),
        (Mark(1, 7), 4, Mark(2, 4)),
        (Mark(9, 0), 4, Mark(9, 0)),
    ],
)
def test_marks_move_with_the_text(mark, columns, moved):
    assert reflow(["abcde", "f"], columns, [mark])[1] == [moved]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab中", max_size=12), max_size=6), st.integers(2, 9), st.integers(2, 9))
def test_logical_lines_survive_any_widths(lines, first, second):
    rows = [
        Packed("".join("中\0" if character == "中" else character for character in line)) for line in lines
    ]
    once, _ = reflow(rows, first, [])
    twice, _ = reflow(once, second, [])
    direct, _ = reflow(rows, second, [])
    assert texts(twice) == texts(direct)
    whole, _ = reflow(once, 100, [])
    assert texts(whole) == lines
