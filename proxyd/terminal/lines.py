"""Logical lines: rows that belong together because one wrapped into the next, as text with places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.terminal.cells import Row, Style
    from proxyd.terminal.screen import Screen

__all__ = ["Cell", "LogicalLine", "Span", "logical_line", "logical_lines", "to_text"]

ROW_LIMIT: Final = 1024
"""Rows of one logical line that are looked at together."""


class Span(NamedTuple):
    """Columns [left, right) of the line `number`; see `Screen` for the numbers."""

    number: int
    left: int
    right: int


class Cell(NamedTuple):
    """A character's place: its line number and column, and how many columns it takes."""

    number: int
    column: int
    width: int
    style: Style


class LogicalLine(NamedTuple):
    """A logical line.

    Attributes:
        first: the number of its first row.
        rows: how many rows it has.
        text: its characters, without trailing blanks.
        cells: the cell of each character of `text`; those of one cluster share it.
    """

    first: int
    rows: int
    text: str
    cells: list[Cell]

    def offset(self, number: int, column: int) -> int | None:
        """Where in `text` the cell at a place begins; None beyond its end."""
        for offset, cell in enumerate(self.cells):
            if cell.number == number and cell.column <= column < cell.column + cell.width:
                return offset
        return None

    def spans(self, start: int, end: int) -> list[Span]:
        """The columns that `text[start:end]` takes, a span for each row."""
        spans: list[Span] = []
        for cell in self.cells[start:end]:
            right = cell.column + cell.width
            if spans and spans[-1].number == cell.number:
                spans[-1] = spans[-1]._replace(right=right)
            else:
                spans.append(Span(cell.number, cell.column, right))
        return spans


def logical_line(screen: Screen, number: int) -> LogicalLine | None:
    """The logical line that contains a row; None where there is no such row."""
    if screen.line(number) is None:
        return None
    first = number
    while number - first < ROW_LIMIT and (row := screen.line(first - 1)) and row.wrapped:
        first -= 1
    return _collect(screen, first)


def logical_lines(screen: Screen) -> Iterator[LogicalLine]:
    """All logical lines of scrollback and screen, oldest first."""
    number = screen.oldest
    while number < screen.top + screen.rows:
        line = _collect(screen, number)
        yield line
        number += line.rows


def to_text(screen: Screen) -> Iterator[str]:
    """Scrollback and screen as lines of text, each ended by a line feed; blank ones at the end are left out."""
    blank = 0
    for line in logical_lines(screen):
        if line.text:
            yield "\n" * blank + line.text + "\n"
            blank = 0
        else:
            blank += 1


def _collect(screen: Screen, first: int) -> LogicalLine:
    text: list[str] = []
    cells: list[Cell] = []
    rows = 0
    while rows < ROW_LIMIT and (row := screen.line(first + rows)):
        _add(row, first + rows, text, cells)
        rows += 1
        if not row.wrapped:
            break
    joined = "".join(text).rstrip(" ")
    return LogicalLine(first, rows, joined, cells[: len(joined)])


def _add(row: Row, number: int, text: list[str], cells: list[Cell]) -> None:
    end = len(row.text) - row.spare
    for column, cluster in enumerate(row.text[:end]):
        if cluster:
            width = 2 if column + 1 < end and not row.text[column + 1] else 1
            text.append(cluster)
            cells += [Cell(number, column, width, row.styles[column])] * len(cluster)
