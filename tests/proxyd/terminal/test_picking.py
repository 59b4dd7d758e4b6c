"""Clicks and drags to selected text, and its tint."""

from __future__ import annotations

import pytest

from proxyd.display.ops import Fill, Mask, Size
from proxyd.terminal.highlight import HIGHLIGHT_LAYER, Highlight, Mark, Tint
from proxyd.terminal.layout import Layout
from proxyd.terminal.picking import MULTI_CLICK, Picker
from proxyd.terminal.raster import Cell
from proxyd.terminal.terminal import Terminal

LAYOUT = Layout.fit(220, 120, 96, Cell(10, 20, 15))


@pytest.fixture
def terminal() -> Terminal:
    terminal = Terminal(20, 5, scrollback=50)
    terminal.feed(b"one /tmp/a.txt\r\ntwo words here\r\nthree")
    return terminal


def gesture(picker: Picker, *places: tuple[int, int], clicks: int = 1, at: float = 0.0, **how: bool) -> str:
    """Press at the first place `clicks` times, drag over the others, release."""
    text = ""
    for click in range(clicks):
        picker.press(*places[0], at + click * MULTI_CLICK / 2, **how)
        for place in places[1:]:
            picker.drag(*place)
        text = picker.release()
    return text


def test_a_click_selects_nothing(terminal: Terminal) -> None:
    picker = Picker(terminal.screen)
    assert gesture(picker, (0, 4)) == ""
    assert not picker.selection.active


def test_a_tremor_within_a_cell_selects_nothing(terminal: Terminal) -> None:
    assert gesture(Picker(terminal.screen), (0, 4), (0, 4)) == ""


def test_a_drag_selects_characters(terminal: Terminal) -> None:
    assert gesture(Picker(terminal.screen), (0, 4), (1, 2)) == "/tmp/a.txt\ntwo"


def test_two_clicks_select_a_word_and_three_a_line_and_four_begin_anew(terminal: Terminal) -> None:
    picker = Picker(terminal.screen)
    assert gesture(picker, (0, 6), clicks=2) == "/tmp/a.txt"
    assert gesture(picker, (0, 6), clicks=3, at=10) == "one /tmp/a.txt"
    assert gesture(picker, (0, 6), clicks=4, at=20) == ""


def test_slow_or_distant_clicks_are_single(terminal: Terminal) -> None:
    picker = Picker(terminal.screen)
    gesture(picker, (0, 6))
    assert gesture(picker, (0, 6), at=MULTI_CLICK * 1.1) == ""
    assert gesture(picker, (1, 6), at=MULTI_CLICK * 1.2) == ""


def test_shift_extends_and_alt_takes_a_block(terminal: Terminal) -> None:
    picker = Picker(terminal.screen)
    gesture(picker, (0, 0), (0, 2))
    assert gesture(picker, (1, 2), at=5, extend=True) == "one /tmp/a.txt\ntwo"
    assert gesture(picker, (0, 0), (2, 2), at=9, block=True) == "one\ntwo\nthr"


def test_the_tint_follows_its_lines_and_goes(terminal: Terminal) -> None:
    picker, highlight = Picker(terminal.screen), Highlight()

    def painted() -> list[object]:
        return highlight.paint(LAYOUT, terminal.screen, map(Mark, picker.selection.spans()))

    assert painted() == []
    gesture(picker, (1, 0), (1, 2))
    margin = LAYOUT.margin
    ops = painted()
    assert Size(220, 120, HIGHLIGHT_LAYER) in ops
    assert ops[-1] == Fill(margin, margin + 20, 30, 20, *Tint.SELECTED.value, HIGHLIGHT_LAYER)
    assert painted() == []
    terminal.feed(b"\r\n" * 3)  # one row scrolls out
    assert painted()[-1] == Fill(margin, margin, 30, 20, *Tint.SELECTED.value, HIGHLIGHT_LAYER)
    picker.selection.clear()
    assert painted() == [Fill(0, 0, 220, 120, 0, 0, 0, 255, HIGHLIGHT_LAYER, Mask.ROUT)]
    assert painted() == []


def test_a_browser_that_knows_nothing_is_told_of_an_empty_tint_too(terminal: Terminal) -> None:
    picker, highlight = Picker(terminal.screen), Highlight()
    gesture(picker, (1, 0), (1, 2))
    highlight.paint(LAYOUT, terminal.screen, map(Mark, picker.selection.spans()))
    picker.selection.clear()
    highlight.forget()
    ops = highlight.paint(LAYOUT, terminal.screen, [])
    assert ops[-1] == Fill(0, 0, 220, 120, 0, 0, 0, 255, HIGHLIGHT_LAYER, Mask.ROUT)
