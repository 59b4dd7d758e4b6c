"""The rows of one screen buffer, and what moves and erases them. No cursor, no margins: callers pass ranges."""

from __future__ import annotations

from proxyd.terminal.cells import DEFAULT, Row, Style

__all__ = ["Grid"]

_SCROLL_LIMIT = 16
"""Different scrolls between two paintings; more make the whole grid dirty."""


class Grid:
    """Rows and their damage. Ranges are half-open.

    Attributes:
        columns: the width of every row.
        rows: top down.
        scrolls: [top, bottom, lines] each, in order, since the last `clean`; see `screen.Scroll`.
        work: grows with every cell that is moved or erased: what a function costs.
    """

    __slots__ = ("columns", "rows", "scrolls", "work")

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = [Row(columns) for _ in range(rows)]
        self.scrolls: list[list[int]] = []
        self.work = columns * rows

    def clean(self) -> None:
        """Forget the damage."""
        self.scrolls.clear()
        for row in self.rows:
            row.clean()

    def soil(self) -> None:
        """Report every cell as damaged."""
        self.scrolls.clear()
        for row in self.rows:
            row.damage(0, self.columns)

    def scroll_up(self, top: int, bottom: int, count: int, style: Style) -> list[Row]:
        """Move rows [top, bottom) up; blank ones come in below.

        Returns:
            The rows that left, top down.
        """
        rows = self.rows
        gone = rows[top : top + count]
        if count == 1:
            del rows[top]
            rows.insert(bottom - 1, Row(self.columns, style))
        else:
            rows[top:bottom] = [
                *rows[top + count : bottom],
                *[Row(self.columns, style) for _ in range(count)],
            ]
        if top:
            rows[top - 1].wrapped = False
        self.work += count * self.columns
        self.scrolled(top, bottom, count)
        return gone

    def scroll_down(self, top: int, bottom: int, count: int, style: Style) -> None:
        """Move rows [top, bottom) down; blank ones come in above."""
        rows = self.rows
        del rows[bottom - count : bottom]
        rows[top:top] = [Row(self.columns, style) for _ in range(count)]
        if top:
            rows[top - 1].wrapped = False
        rows[bottom - 1].wrapped = False
        self.work += count * self.columns
        self.scrolled(top, bottom, -count)

    def shift(self, top: int, bottom: int, left: int, right: int, lines: int, style: Style) -> None:
        """Move a rectangle's cells up by `lines` (down where negative) within it; blanks come in."""
        order = range(top, bottom) if lines > 0 else range(bottom - 1, top - 1, -1)
        for y in order:
            if top <= y + lines < bottom:
                self.copy(y + lines, left, right, y, left)
            else:
                self.fill(y, left, right, " ", style)

    def copy(self, source: int, left: int, right: int, target: int, column: int) -> None:
        """Copy columns [left, right) of row `source` to row `target` from `column` on."""
        origin, row = self.rows[source], self.rows[target]
        self.work += right - left
        text = origin.text[left:right]
        if origin.wide:
            if not text[0]:
                text[0] = " "
            if right < self.columns and not origin.text[right]:
                text[-1] = " "
            row.wide = True
        row.put(column, text, origin.styles[left:right])
        row.wrapped = False

    def erase(self, y: int, left: int, right: int, style: Style, keep: int = 0) -> None:
        """Blank columns [left, right) of a row, but for cells whose style has a flag of `keep`."""
        row = self.rows[y]
        self.work += right - left
        if right == self.columns:
            row.wrapped = row.spare = False
        if keep and any(cell.flags & keep for cell in row.styles[left:right]):
            for x in range(left, right):
                if not row.styles[x].flags & keep:
                    row.fill(x, x + 1, " ", style)
        elif left == 0 and right == self.columns:
            row.text = [" "] * right
            row.styles = [style] * right
            row.wide = False
            row.damage(0, right)
        else:
            row.fill(left, right, " ", style)

    def fill(self, y: int, left: int, right: int, text: str, style: Style) -> None:
        """Put the one-column `text` into columns [left, right) of a row."""
        self.work += right - left
        self.rows[y].fill(left, right, text, style)

    def resize(self, columns: int, rows: int, first: int, style: Style = DEFAULT) -> None:
        """Cut or pad to another size; `first` rows at the top are lost."""
        self.columns = columns
        self.rows = self.rows[first : first + rows]
        for row in self.rows:
            row.set_width(columns, style)
        self.rows += [Row(columns, style) for _ in range(rows - len(self.rows))]
        self.scrolls.clear()

    def scrolled(self, top: int, bottom: int, lines: int) -> None:
        """Note that rows [top, bottom) moved up by `lines` (down where negative)."""
        if self.scrolls:
            last = self.scrolls[-1]
            if last[0] == top and last[1] == bottom and (last[2] > 0) == (lines > 0):
                last[2] += lines
                return
            if len(self.scrolls) >= _SCROLL_LIMIT:
                self.soil()
                return
        self.scrolls.append([top, bottom, lines])
