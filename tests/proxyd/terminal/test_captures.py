"""Recorded output of real programs: the screen is the one tmux shows, and pyte, but for what is listed here."""

from __future__ import annotations

import re
from pathlib import Path

import pyte
import pytest

from tests.captures.terminal.record import COLUMNS, ROWS, tmux_screen
from tests.proxyd.terminal.screens import check_legal, picture, shown, state
from tests.servers import processes

FOLDER = Path(__file__).parents[2] / "captures" / "terminal"
CAPTURES = sorted(path.stem for path in FOLDER.glob("*.bytes"))

PYTE_DIFFERS = {
    "styles": "pyte prints what comes after `:` in SGR",
    "unicode": "pyte composes what it joins: é instead of e and an accent",
    "vim": "pyte raises at XTMODKEYS",
    "vim-256": "pyte raises at XTMODKEYS",
}


def bytes_of(name: str) -> bytes:
    return (FOLDER / f"{name}.bytes").read_bytes()


@pytest.mark.parametrize("name", CAPTURES)
def test_the_screen_is_the_one_tmux_shows(name):
    """Text and cursor everywhere; styles as far as tmux prints a row (it leaves cleared cells out)."""
    terminal = shown(COLUMNS, ROWS, bytes_of(name))
    *lines, cursor = (FOLDER / f"{name}.tmux").read_text().removesuffix("\n").split("\n")
    expected = shown(COLUMNS, ROWS, "".join(f"\x1b[{y + 1}H{line}" for y, line in enumerate(lines)))
    assert picture(terminal) == picture(expected)
    for y, line in enumerate(lines):
        printed = shown(COLUMNS, 1, re.sub(r"\x1b\[[0-9;:]*m", "", line)).screen
        end = printed.x + printed.pending
        assert terminal.screen.view_row(y).styles[:end] == expected.screen.view_row(y).styles[:end]
    assert f"{terminal.screen.x} {terminal.screen.y}" == cursor


@pytest.mark.real
@pytest.mark.parametrize("name", CAPTURES)
def test_tmux_still_shows_that(name):
    processes.require("tmux")
    assert tmux_screen(bytes_of(name)) == (FOLDER / f"{name}.tmux").read_text()


@pytest.mark.parametrize("name", CAPTURES)
def test_the_screen_is_the_one_pyte_shows(name):
    screen = pyte.Screen(COLUMNS, ROWS)
    try:
        pyte.ByteStream(screen).feed(bytes_of(name))
    except TypeError:
        assert name in PYTE_DIFFERS
        return
    same = [line.rstrip() for line in screen.display] == picture(shown(COLUMNS, ROWS, bytes_of(name)))
    assert same is (name not in PYTE_DIFFERS), PYTE_DIFFERS.get(name)


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_cuts_do_not_matter(name, size):
    data = bytes_of(name)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert state(shown(COLUMNS, ROWS, *pieces)) == state(shown(COLUMNS, ROWS, data))


@pytest.mark.parametrize("name", CAPTURES)
def test_any_size_is_legal(name):
    for columns, rows in ((2, 1), (20, 5), (200, 70)):
        terminal = shown(columns, rows, bytes_of(name))
        terminal.resize(columns + 3, rows + 1)
        check_legal(terminal.screen)
