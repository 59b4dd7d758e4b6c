"""Grids: scrolls and their records, rectangles, erasing around protected cells, sizes."""

from __future__ import annotations

import pytest

from proxyd.terminal.cells import DEFAULT, Flag, Style
from proxyd.terminal.grid import Grid


def grid(*lines: str) -> Grid:
    made = Grid(len(lines[0]), len(lines))
    for row, line in zip(made.rows, lines, strict=True):
        row.text = list(line)
    made.clean()
    return made


def shown(made: Grid) -> list[str]:
    return ["".join(row.text) for row in made.rows]


@pytest.mark.parametrize(
    ("change", "result", "scrolls"),
    [
        (lambda made: made.scroll_up(0, 3, 1, DEFAULT), ["def", "ghi", "   "], [[0, 3, 1]]),
        (lambda made: made.scroll_up(0, 3, 2, DEFAULT), ["ghi", "   ", "   "], [[0, 3, 2]]),
        (lambda made: made.scroll_up(1, 3, 1, DEFAULT), ["abc", "ghi", "   "], [[1, 3, 1]]),
        (lambda made: made.scroll_down(0, 2, 1, DEFAULT), ["   ", "abc", "ghi"], [[0, 2, -1]]),
        (lambda made: made.shift(0, 3, 1, 3, 1, DEFAULT), ["aef", "dhi", "g  "], []),
        (lambda made: made.shift(0, 3, 0, 2, -1, DEFAULT), ["  c", "abf", "dei"], []),
        (lambda made: made.copy(0, 0, 2, 2, 1), ["abc", "def", "gab"], []),
    ],
)
def test_moves(change, result, scrolls):
    made = grid("abc", "def", "ghi")
    change(made)
    assert shown(made) == result
    assert made.scrolls == scrolls


def test_rows_that_leave_are_handed_over():
    assert ["".join(row.text) for row in grid("abc", "def", "ghi").scroll_up(0, 3, 2, DEFAULT)] == [
        "abc",
        "def",
    ]


def test_scrolls_of_one_kind_are_one_record():
    made = grid("abc", "def", "ghi")
    made.scroll_up(0, 3, 1, DEFAULT)
    made.scroll_up(0, 3, 1, DEFAULT)
    made.scroll_down(0, 3, 1, DEFAULT)
    assert made.scrolls == [[0, 3, 2], [0, 3, -1]]


def test_a_row_above_a_scroll_no_longer_wraps_into_it():
    made = grid("abc", "def", "ghi")
    made.rows[0].wrapped = True
    made.scroll_up(1, 3, 1, DEFAULT)
    assert not made.rows[0].wrapped


def test_erasing_goes_around_what_is_kept():
    made = grid("abcd")
    made.rows[0].styles[1] = Style(flags=Flag.PROTECTED)
    made.erase(0, 0, 3, DEFAULT, Flag.GUARDED)
    assert shown(made) == ["   d"]
    made = grid("abcd")
    made.rows[0].styles[1] = Style(flags=Flag.PROTECTED)
    made.erase(0, 0, 3, Style(background=4), Flag.PROTECTED)
    assert shown(made) == [" b d"]
    assert [style.background for style in made.rows[0].styles] == [4, 257, 4, 257]


def test_another_size():
    made = grid("abc", "def", "ghi")
    made.resize(2, 2, 1)
    assert shown(made) == ["de", "gh"]
    made.resize(3, 3, 0)
    assert shown(made) == ["de ", "gh ", "   "]
