from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.terminal.layout import Layout, font_pixels
from proxyd.terminal.raster import Cell

CELL = Cell(10, 19, 15)


def test_as_many_cells_as_fit() -> None:
    layout = Layout.fit(824, 480, 96, CELL)
    assert (layout.columns, layout.rows, layout.margin) == (80, 24, 8)


def test_margin_grows_with_resolution() -> None:
    assert Layout.fit(1648, 960, 192, CELL).margin == 15


@given(st.integers(1, 8192), st.integers(1, 8192), st.integers(-1, 10_000))
def test_the_grid_is_legal_for_any_window(width: int, height: int, dpi: int) -> None:
    layout = Layout.fit(width, height, dpi, CELL)
    assert 2 <= layout.columns <= 1024
    assert 1 <= layout.rows <= 1024
    assert (layout.sheet.width, layout.sheet.height) == (width, height)


@pytest.mark.parametrize(("x", "column"), [(-5, 0), (0, 0), (17, 0), (18, 1), (807, 79), (5000, 79)])
def test_columns_at_pixels(x: int, column: int) -> None:
    assert Layout.fit(824, 480, 96, CELL).column_at(x) == column


@pytest.mark.parametrize(("y", "row"), [(-5, 0), (26, 0), (27, 1), (5000, 23)])
def test_rows_at_pixels(y: int, row: int) -> None:
    assert Layout.fit(824, 480, 96, CELL).row_at(y) == row


def test_the_lane_is_at_the_right_edge() -> None:
    layout = Layout.fit(824, 480, 96, CELL)
    assert layout.in_lane(823)
    assert not layout.in_lane(813)


@pytest.mark.parametrize(
    ("points", "dpi", "pixels"), [(12, 96, 16), (12, 192, 32), (10, 144, 20), (12, 0, 8)]
)
def test_points_become_pixels(points: int, dpi: int, pixels: int) -> None:
    assert font_pixels(points, dpi) == pixels
