"""Logical lines: rows that belong together because one wrapped into the next, as text with places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.packed import pack, plain, wraps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.terminal.cells import Row, Style
    from proxyd.terminal.packed import PackedRow
    from proxyd.terminal.screen import Screen

__all__ = ["Cell", "LogicalLine", "Span", "logical_line", "row_cells", "texts_backwards", "to_text"]

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
    while number - first < ROW_LIMIT and (row := screen.packed(first - 1)) is not None and wraps(row):
        first -= 1
    return _collect(screen, first)


def texts_backwards(screen: Screen) -> Iterator[tuple[int, list[str]]]:
    """The number of the first row of every logical line of screen and scrollback and the text of its rows, newest first.

    A step may be empty (no rows): scrollback is made ready piece by piece, so that the caller may pause.
    """
    number = screen.top + screen.rows - 1
    while True:
        while not screen.history.prepare(screen.top - number + ROW_LIMIT):
            yield number, []
        rows: list[str] = []
        first = number
        row = screen.packed(first)
        if row is None:
            return
        rows.append(plain(row))
        while len(rows) < ROW_LIMIT and (row := screen.packed(first - 1)) is not None and wraps(row):
            rows.append(plain(row))
            first -= 1
        yield first, rows[::-1]
        number = first - 1


def to_text(screen: Screen) -> Iterator[str]:
    """Scrollback and screen as lines of text, each ended by a line feed; blank ones at the end are left out.

    A step may be empty: see `texts_backwards`. What changes meanwhile is not seen.
    """
    while not screen.history.prepare(screen.history.limit):
        yield ""
    history = () if screen.alternate else list(screen.history.rows())
    yield from _joined([*history, *(pack(row) for row in screen.grid.rows)])


def _joined(rows: list[PackedRow]) -> Iterator[str]:
    blank = 0
    parts: list[str] = []
    for row in rows:
        parts.append(plain(row))
        if wraps(row):
            continue
        text = "".join(parts).rstrip(" ")
        parts.clear()
        if text:
            yield "\n" * blank + text + "\n"
            blank = 0
        else:
            blank += 1
    if parts:
        yield "\n" * blank + "".join(parts) + "\n"


def _collect(screen: Screen, first: int) -> LogicalLine:
    text: list[str] = []
    cells: list[Cell] = []
    rows = 0
    while rows < ROW_LIMIT and (row := screen.line(first + rows)):
        characters, places = row_cells(row, first + rows)
        text += characters
        cells += places
        rows += 1
        if not row.wrapped:
            break
    joined = "".join(text).rstrip(" ")
    return LogicalLine(first, rows, joined, cells[: len(joined)])


def row_cells(row: Row, number: int) -> tuple[list[str], list[Cell]]:
    """The clusters of a row, and the cell of each character."""
    text: list[str] = []
    cells: list[Cell] = []
    end = len(row.text) - row.spare
    for column, cluster in enumerate(row.text[:end]):
        if cluster:
            width = 2 if column + 1 < end and not row.text[column + 1] else 1
            text.append(cluster)
            cells += [Cell(number, column, width, row.styles[column])] * len(cluster)
    return text, cells
