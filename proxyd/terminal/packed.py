"""Rows at rest: a row of the screen made small for scrollback, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.terminal.cells import DEFAULT, Row, Style

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Packed", "PackedRow", "compress", "expand", "length", "pack", "plain", "unpack", "wraps"]

_HALF = "\0"
"""Stands for the right half of a wide character in packed text."""


class Packed(NamedTuple):
    """A row without its trailing blanks.

    Attributes:
        text: a character for each cell; where a cell holds several, a tuple of cells.
        styles: the styles of runs of cells, in order; empty where all is DEFAULT.
        ends: the column where each run ends; bytes where all fit into one.
        wrapped: as in Row; the text is as wide as the row was, without the column that `spare` means there.
    """

    text: str | tuple[str, ...]
    styles: tuple[Style, ...] = ()
    ends: Sequence[int] = b""
    wrapped: bool = False
    spare: bool = False


PackedRow = Packed | str
"""A plain row (no styles, no wide characters, not wrapped) is its text alone."""


def pack(row: Row) -> PackedRow:
    """Make a row small."""
    text = "".join(row.text)
    simple = not row.wide and len(text) == len(row.text)
    if simple and not row.wrapped and row.styles == [DEFAULT] * len(text):
        return text.rstrip(" ")
    cells: Sequence[str] = text if simple else row.text
    end = len(row.text) - row.spare
    return compress(cells[:end], row.styles[:end], wrapped=row.wrapped, spare=row.spare)


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


def compress(cells: Sequence[str], styles: list[Style], *, wrapped: bool, spare: bool) -> Packed:
    """Make cells small; a row that is not wrapped loses its trailing blanks. A string is a row of single characters."""
    looks: list[Style] = []
    ends: list[int] = []
    current = styles[0] if styles else DEFAULT
    for x, style in enumerate(styles):
        if style is not current and style != current:
            looks.append(current)
            ends.append(x)
            current = style
    if current != DEFAULT:
        looks.append(current)
        ends.append(len(styles))
    if not wrapped:
        cells = _trim(cells, ends[-1] if ends else 0)
    small = bytes(ends) if len(styles) < 256 else tuple(ends)
    return Packed(_join(cells), tuple(looks), small, wrapped, spare)


def _trim(cells: Sequence[str], least: int) -> Sequence[str]:
    """Drop blanks at the end, down to `least` cells."""
    if isinstance(cells, str):
        return cells[:least] + cells[least:].rstrip(" ")
    end = len(cells)
    while end > least and cells[end - 1] == " ":
        end -= 1
    return cells[:end]


def _join(cells: Sequence[str]) -> str | tuple[str, ...]:
    if isinstance(cells, str):
        return cells
    cells = [cell or _HALF for cell in cells]
    text = "".join(cells)
    return text if len(text) == len(cells) else tuple(cells)


def expand(packed: PackedRow) -> tuple[list[str], list[Style]]:
    """The cells of a packed row and their styles, lists of equal length."""
    if isinstance(packed, str):
        return list(packed), [DEFAULT] * len(packed)
    cells = ["" if cell == _HALF else cell for cell in packed.text]
    styles: list[Style] = []
    for style, end in zip(packed.styles, packed.ends, strict=True):
        styles += [style] * (end - len(styles))
    return cells, styles + [DEFAULT] * (len(cells) - len(styles))


def length(packed: PackedRow) -> int:
    """Cells of a packed row."""
    return len(packed) if isinstance(packed, str) else len(packed.text)


def wraps(packed: PackedRow) -> bool:
    """Whether the row below continues this one."""
    return not isinstance(packed, str) and packed.wrapped


def plain(packed: PackedRow) -> str:
    """The characters of a packed row."""
    text = packed if isinstance(packed, str) else packed.text
    return (text if isinstance(text, str) else "".join(text)).replace(_HALF, "")
