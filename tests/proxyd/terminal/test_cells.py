"""Rows of cells: damage, and wide characters that are never cut in two."""

from __future__ import annotations

import pytest

from proxyd.terminal.cells import BACKGROUND, DEFAULT, Row, Style, blank_style

RED = Style(foreground=1)


def row(text: str) -> Row:
    """A clean row; `中` takes two columns."""
    made = Row(0)
    for character in text:
        made.text += [character, ""] if character == "中" else [character]
    made.styles = [DEFAULT] * len(made.text)
    made.wide = "中" in text
    made.clean()
    return made


def shown(made: Row) -> tuple[str, tuple[int, int]]:
    return "".join(made.text), (made.left, made.right)


@pytest.mark.parametrize(
    ("text", "column", "result", "damage"),
    [
        ("a中b", 1, "a中b", (4, 0)),
        ("a中b", 2, "a  b", (1, 3)),
        ("a中b", 3, "a中b", (4, 0)),
        ("a中b", 0, "a中b", (4, 0)),
        ("a中b", 4, "a中b", (4, 0)),
        ("abcd", 2, "abcd", (4, 0)),
    ],
)
def test_cut(text, column, result, damage):
    made = row(text)
    made.cut(column)
    assert shown(made) == (result, damage)


@pytest.mark.parametrize(
    ("text", "change", "result", "damage"),
    [
        ("abcde", lambda made: made.fill(1, 3, "x", RED), "axxde", (1, 3)),
        ("a中中", lambda made: made.fill(2, 4, "x", RED), "a xx ", (1, 5)),
        ("abcde", lambda made: made.insert(1, 4, 2, RED), "a  be", (1, 4)),
        ("a中de", lambda made: made.insert(1, 5, 1, RED), "a 中d", (1, 5)),
        ("abc中", lambda made: made.insert(0, 5, 1, RED), " abc ", (0, 5)),
        ("abcde", lambda made: made.delete(1, 4, 2, RED), "ad  e", (1, 4)),
        ("a中de", lambda made: made.delete(1, 5, 1, RED), "a de ", (1, 5)),
        ("abcde", lambda made: made.put(3, ["x", "y"], [RED] * 2), "abcxy", (3, 5)),
        ("abc中", lambda made: made.set_width(4, DEFAULT), "abc ", (0, 4)),
        ("abc", lambda made: made.set_width(5, DEFAULT), "abc  ", (0, 5)),
    ],
)
def test_changes(text, change, result, damage):
    made = row(text)
    change(made)
    assert shown(made) == (result, damage)
    assert len(made.styles) == len(made.text)


def test_erased_cells_keep_the_background_alone():
    assert blank_style(BACKGROUND) is DEFAULT
    assert blank_style(3) == Style(background=3)
