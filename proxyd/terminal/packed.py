"""Rows at rest: a row of the screen made small for scrollback, and back."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from proxyd.terminal.cells import DEFAULT, Row, Style

__all__ = ["Packed", "PackedRow", "compress", "expand", "length", "pack", "unpack"]

_HALF = "\0"
"""Stands for the right half of a wide character in packed text."""


class Packed(NamedTuple):
    """A row without its trailing blanks.

    Attributes:
        text: a character for each cell; where a cell holds several, a tuple of cells.
        runs: pairs of length and style; empty where all is DEFAULT.
        wrapped: as in Row; the text is as wide as the row was, without the column that `spare` means there.
    """

    text: str | tuple[str, ...]
    runs: tuple[tuple[int, Style], ...] = ()
    wrapped: bool = False
    spare: bool = False


PackedRow = Packed | str
"""A plain row (no styles, no wide characters, not wrapped) is its text alone."""


def pack(row: Row) -> PackedRow:
    """Make a row small."""
    if not row.wide and not row.wrapped and row.styles.count(DEFAULT) == len(row.styles):
        text = "".join(row.text)
        if len(text) == len(row.text):
            return text.rstrip(" ")
    end = len(row.text) - row.spare
    return compress(row.text[:end], row.styles[:end], wrapped=row.wrapped, spare=row.spare)


def unpack(packed: PackedRow, columns: int) -> Row:
    """Make a row of `columns` cells from a packed one; what is longer is cut."""
    row = Row(columns)
    if isinstance(packed, str):
        row.text[: len(packed)] = packed
        row.set_width(columns, DEFAULT)
    else:
        cells, styles = expand(packed)
        row.text[: len(cells)] = cells
        row.styles[: len(cells)] = styles
        row.wide = "" in cells
        row.set_width(columns, DEFAULT)
        row.wrapped, row.spare = packed.wrapped, packed.spare
    return row


def compress(cells: list[str], styles: list[Style], *, wrapped: bool, spare: bool) -> Packed:
    """Make cells small; one that is not wrapped loses its trailing blanks."""
    runs = [(len(list(run)), style) for style, run in groupby(styles)]
    if runs and runs[-1][1] == DEFAULT:
        runs.pop()
    end = len(cells)
    if not wrapped:
        styled = sum(count for count, _ in runs)
        while end > styled and cells[end - 1] == " ":
            end -= 1
    cells = [cell or _HALF for cell in cells[:end]]
    text = "".join(cells) if max(map(len, cells), default=1) == 1 else tuple(cells)
    return Packed(text, tuple(runs), wrapped, spare)


def expand(packed: PackedRow) -> tuple[list[str], list[Style]]:
    """The cells of a packed row and their styles, lists of equal length."""
    if isinstance(packed, str):
        return list(packed), [DEFAULT] * len(packed)
    cells = ["" if cell == _HALF else cell for cell in packed.text]
    styles = [style for count, style in packed.runs for _ in range(count)]
    return cells, styles + [DEFAULT] * (len(cells) - len(styles))


def length(packed: PackedRow) -> int:
    """Cells of a packed row."""
    return len(packed) if isinstance(packed, str) else len(packed.text)
