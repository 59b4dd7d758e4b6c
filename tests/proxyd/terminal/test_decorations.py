from __future__ import annotations

import numpy as np
import pytest

from proxyd.terminal.cells import Flag, Underline
from proxyd.terminal.decorations import lines, underline

CELLS = [(7, 14, 11), (10, 19, 15), (19, 38, 30), (5, 9, 7), (9, 18, 14)]
DRAWN = [kind for kind in Underline if kind]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", DRAWN)
def test_underlines_are_inside_the_cell_and_below_the_letters(
    kind: Underline, cell: tuple[int, int, int]
) -> None:
    ink = underline(kind, *cell)
    assert ink.shape == (cell[1], cell[0])
    assert ink.any()
    top = np.argwhere(ink)[:, 0].min()
    assert top >= cell[2] - 1


@pytest.mark.parametrize("cell", CELLS)
def test_every_kind_of_underline_looks_different(cell: tuple[int, int, int]) -> None:
    assert len({underline(kind, *cell).tobytes() for kind in Underline}) == len(Underline)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", [Underline.SINGLE, Underline.DOUBLE])
def test_straight_underlines_go_on_in_the_next_cell(kind: Underline, cell: tuple[int, int, int]) -> None:
    ink = underline(kind, *cell)
    assert (ink == ink[:, :1]).all()


@pytest.mark.parametrize("cell", CELLS)
def test_a_curl_meets_the_next_one(cell: tuple[int, int, int]) -> None:
    ink = underline(Underline.CURLY, *cell).astype(int)
    middle = (ink * np.arange(cell[1])[:, None]).sum(axis=0) / ink.sum(axis=0)
    assert abs(middle[0] - middle[-1]) < 2.5 * max(1, cell[1] / 17)


@pytest.mark.parametrize("cell", CELLS)
def test_strike_goes_through_and_overline_over(cell: tuple[int, int, int]) -> None:
    rows = np.nonzero(lines(Flag.STRIKE, *cell).any(axis=1))[0]
    assert cell[2] // 3 < rows.min() <= rows.max() < cell[2]
    assert lines(Flag.OVERLINE, *cell)[0].all()
    both = lines(Flag.STRIKE | Flag.OVERLINE, *cell)
    assert np.array_equal(both, np.maximum(lines(Flag.STRIKE, *cell), lines(Flag.OVERLINE, *cell)))
    assert not lines(0, *cell).any()
