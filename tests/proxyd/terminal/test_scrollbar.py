from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.display.ops import Fill, Move, Shade, Size
from proxyd.terminal.layout import Layout
from proxyd.terminal.raster import Cell
from proxyd.terminal.scrollbar import SCROLL_LAYER, ScrollBar

LAYOUT = Layout.fit(824, 480, 96, Cell(10, 19, 15))


def place(ops: list[object]) -> Move:
    return next(op for op in ops if isinstance(op, Move))


def test_nothing_is_shown_at_the_end_of_the_output() -> None:
    assert ScrollBar().paint(LAYOUT, 1000, 0) == []


def test_the_handle_is_there_while_somebody_looks_back() -> None:
    bar = ScrollBar()
    kinds = [type(op) for op in bar.paint(LAYOUT, 1000, 10)]
    assert kinds == [Size, Fill, Move, Shade]
    assert [type(op) for op in bar.paint(LAYOUT, 1000, 20)] == [Move]
    assert bar.paint(LAYOUT, 1000, 20) == []
    assert bar.paint(LAYOUT, 1000, 0) == [Shade(SCROLL_LAYER, 0)]


def test_it_is_shown_when_it_is_wanted_and_there_is_something_to_scroll() -> None:
    bar = ScrollBar()
    bar.wanted = True
    assert bar.paint(LAYOUT, 0, 0) == []
    assert bar.paint(LAYOUT, 5, 0)


def test_the_handle_spans_the_lane_from_top_to_bottom() -> None:
    bar = ScrollBar()
    bar.wanted = True
    top = bar.paint(LAYOUT, 100, 100)
    size = next(op for op in top if isinstance(op, Size))
    assert place(top).y == 0
    assert place(bar.paint(LAYOUT, 100, 0)).y + size.height == LAYOUT.height
    assert place(top).x >= LAYOUT.width - LAYOUT.lane


def test_it_is_painted_anew_for_whoever_joins() -> None:
    bar = ScrollBar()
    first = bar.paint(LAYOUT, 100, 50)
    bar.forget()
    assert bar.paint(LAYOUT, 100, 50) == first


@pytest.mark.parametrize(("y", "offset"), [(0, 100), (479, 0)])
def test_a_press_beside_the_handle_jumps_there(y: int, offset: int) -> None:
    bar = ScrollBar()
    assert bar.press(LAYOUT, 100, 50, y) == offset
    assert bar.held
    bar.release()
    assert not bar.held


def test_a_press_on_the_handle_moves_nothing_until_it_is_dragged() -> None:
    bar = ScrollBar()
    y = place(bar.paint(LAYOUT, 100, 50)).y
    assert bar.press(LAYOUT, 100, 50, y + 3) == 50
    assert bar.drag(LAYOUT, 100, y + 3) == 50
    assert bar.drag(LAYOUT, 100, y - 37) > 50
    assert bar.drag(LAYOUT, 100, -1000) == 100
    assert bar.drag(LAYOUT, 100, 10_000) == 0


@given(st.integers(1, 100_000), st.integers(-100, 2000), st.integers(-100, 2000))
def test_dragging_stays_within_the_scrollback(history: int, pressed: int, dragged: int) -> None:
    bar = ScrollBar()
    assert 0 <= bar.press(LAYOUT, history, 0, pressed) <= history
    assert 0 <= bar.drag(LAYOUT, history, dragged) <= history
