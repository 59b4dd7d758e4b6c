"""Where things are on the picture of a terminal: margins, cells, the lane of the scroll bar. Plain arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.terminal.painter import Sheet
from proxyd.terminal.terminal import MAX_COLUMNS, MAX_ROWS

if TYPE_CHECKING:
    from proxyd.terminal.raster import Cell

__all__ = ["LANE", "Layout", "font_pixels"]

MIN_COLUMNS = 2
MARGIN_MM = 2
"""Around the text; guacd's."""
LANE = 10
"""Width of the scroll bar's lane at 96 dpi, pixels. It lies over the right margin and a little of the last column."""
MIN_DPI, MAX_DPI = 48, 960


class Layout(NamedTuple):
    """The picture of a terminal.

    Attributes:
        width, height: the picture, pixels.
        columns, rows: the terminal, cells.
        cell: one cell.
        margin: left of and above the first cell, pixels.
        lane: width of the scroll bar's lane at the right edge, pixels.
    """

    width: int
    height: int
    columns: int
    rows: int
    cell: Cell
    margin: int
    lane: int

    @classmethod
    def fit(cls, width: int, height: int, dpi: int, cell: Cell) -> Layout:
        """As many cells as go into a picture."""
        dpi = _sane(dpi)
        margin = round(dpi * MARGIN_MM / 25.4)
        lane = round(LANE * dpi / 96)
        columns = (width - 2 * margin) // cell.width
        rows = (height - 2 * margin) // cell.height
        return cls(
            width,
            height,
            max(MIN_COLUMNS, min(columns, MAX_COLUMNS)),
            max(1, min(rows, MAX_ROWS)),
            cell,
            margin,
            lane,
        )

    @property
    def sheet(self) -> Sheet:
        """For the painter."""
        return Sheet(self.width, self.height, self.margin, self.margin)

    def column_at(self, x: int) -> int:
        """The column at a pixel; the nearest one where the pixel is outside."""
        return max(0, min((x - self.margin) // self.cell.width, self.columns - 1))

    def row_at(self, y: int) -> int:
        """The row at a pixel; the nearest one where the pixel is outside."""
        return max(0, min((y - self.margin) // self.cell.height, self.rows - 1))

    def in_lane(self, x: int) -> bool:
        """Whether a pixel belongs to the scroll bar."""
        return x >= self.width - self.lane


def font_pixels(points: int, dpi: int) -> int:
    """The size of a font's em on a screen of this resolution."""
    return round(points * _sane(dpi) / 72)


def _sane(dpi: int) -> int:
    return max(MIN_DPI, min(dpi, MAX_DPI))
