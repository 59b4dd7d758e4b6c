"""Rows of one width to rows of another: what a resize does to lines that were wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.terminal.packed import Packed, PackedRow, compress, expand, length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Mark", "reflow"]


class Mark(NamedTuple):
    """A place that moves along with the text; the column may be one beyond the last."""

    row: int
    column: int


def reflow(
    rows: Iterable[PackedRow], columns: int, marks: Sequence[Mark]
) -> tuple[list[PackedRow], list[Mark]]:
    """Wrap rows anew, each logical line (rows joined by `wrapped`) on its own.

    Args:
        rows: packed rows of any width.
        columns: the new width, at least 2.
        marks: places among `rows`.

    Returns:
        The new rows, and where each mark went.
    """
    result: list[PackedRow] = []
    moved = list(marks)
    first = 0
    for line in _logical_lines(rows):
        pieces = line if len(line) == 1 and length(line[0]) <= columns else _wrap(line, columns)
        for number, mark in enumerate(marks):
            if first <= mark.row < first + len(line):
                offset = sum(map(length, line[: mark.row - first])) + mark.column
                row, column = _place(pieces, offset)
                moved[number] = Mark(len(result) + row, min(column, columns))
        result += pieces
        first += len(line)
    return result, moved


def _logical_lines(rows: Iterable[PackedRow]) -> Iterator[list[PackedRow]]:
    line: list[PackedRow] = []
    for row in rows:
        line.append(row)
        if isinstance(row, str) or not row.wrapped:
            yield line
            line = []
    if line:
        yield line


def _wrap(line: list[PackedRow], columns: int) -> list[PackedRow]:
    cells, styles = [], []
    for row in line:
        text, looks = expand(row)
        cells += text
        styles += looks
    pieces: list[PackedRow] = []
    start = 0
    while len(cells) - start > columns:
        end = start + columns
        spare = not cells[end]
        end -= spare
        pieces.append(compress(cells[start:end], styles[start:end], wrapped=True, spare=spare))
        start = end
    last = line[-1]
    wrapped = isinstance(last, Packed) and last.wrapped
    pieces.append(compress(cells[start:], styles[start:], wrapped=wrapped, spare=False))
    return pieces


def _place(pieces: list[PackedRow], offset: int) -> tuple[int, int]:
    for number, piece in enumerate(pieces[:-1]):
        if offset < length(piece):
            return number, offset
        offset -= length(piece)
    return len(pieces) - 1, offset
