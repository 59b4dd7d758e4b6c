"""One page of a VT: a grid with a cursor, margins, tab stops and character sets. No scrollback, no view, no bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.terminal.cells import DEFAULT, Flag, blank_style
from proxyd.terminal.charsets import ASCII, Charset
from proxyd.terminal.graphemes import CLUSTER_LIMIT, cell_width, is_narrow, joins, split
from proxyd.terminal.grid import Grid

if TYPE_CHECKING:
    from proxyd.terminal.cells import Row, Style

__all__ = ["Page", "default_tabs"]


def default_tabs(columns: int, start: int = 0) -> set[int]:
    """A tab stop every eight columns, from column `start` on."""
    return set(range(8 * max(-(-start // 8), 1), columns, 8))


class Page:
    """Where characters go and what the editing functions do, after DEC STD 070 and xterm.

    Columns and rows count from 0; margins are half-open; the cursor is always inside the page.

    Attributes:
        columns, rows: the size, cells.
        x, y: the cursor.
        pending: the last column was written: the next character wraps first (the "last column flag").
        style: how the next character will look.
        margin_top, margin_bottom, margin_left, margin_right: the scrolling region.
        charsets: the sets designated as G0 to G3.
        tabs: columns with a tab stop.
        origin: DECOM.
        autowrap: DECAWM.
        reverse_wrap: mode 45: backspace wraps to the line before.
        left_right: DECLRMM.
        grid: the cells.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.grid = Grid(columns, rows)
        self.x = 0
        self.y = 0
        self.tabs: set[int] = set()
        self._reset_page()

    def _reset_page(self) -> None:
        """Set all but the cells to the state of a fresh page."""
        self.pending = False
        self.style = DEFAULT
        self.origin = False
        self.autowrap = True
        self.reverse_wrap = False
        self.left_right = False
        self._insert = False
        self._protections = 0
        # ASCII in G0 to G3, G0 in use.
        self.charsets: list[Charset] = [ASCII] * 4
        self._shift = 0
        self._single: int | None = None
        self.reset_margins()
        self.tabs = default_tabs(self.columns)
        self._last = ""
        self.move_to(0, 0)

    # Settings that printing depends on

    @property
    def insert(self) -> bool:
        """IRM: characters push the rest of the line to the right."""
        return self._insert

    @insert.setter
    def insert(self, on: bool) -> None:
        self._insert = on
        self._choose_path()

    @property
    def blank(self) -> Style:
        """How erased cells look."""
        return DEFAULT if self.style is DEFAULT else blank_style(self.style.background)

    def allow_left_right(self, on: bool) -> None:
        """DECLRMM: left and right margins may be set; without it they are at the edges."""
        self.left_right = on
        self.margin_left, self.margin_right = 0, self.columns
        self._choose_path()

    def reset_margins(self) -> None:
        """Make the whole page the scrolling region."""
        self.margin_top, self.margin_bottom = 0, self.rows
        self.margin_left, self.margin_right = 0, self.columns
        self._choose_path()

    def set_margins_vertical(self, top: int, bottom: int) -> None:
        """DECSTBM: scroll rows [top, bottom) only; at least two rows, else nothing happens."""
        bottom = min(bottom, self.rows)
        if bottom - top >= 2:
            self.margin_top, self.margin_bottom = top, bottom
            self.home()

    def lock_above(self, y: int) -> None:
        """HP memory lock: rows above `y` do not scroll."""
        if y < self.margin_bottom - 1:
            self.margin_top = y

    def set_margins_horizontal(self, left: int, right: int) -> None:
        """DECSLRM: scroll columns [left, right) only; at least two columns, else nothing happens."""
        right = min(right, self.columns)
        if right - left >= 2:
            self.margin_left, self.margin_right = left, right
            self._choose_path()
            self.home()

    def designate(self, slot: int, charset: Charset) -> None:
        """SCS: put a character set into G0 to G3."""
        if self.charsets[slot] is not charset:
            self.charsets[slot] = charset
            self._choose_path()

    def shift(self, slot: int) -> None:
        """LS0 to LS3: use G0 to G3."""
        self._shift = slot
        self._choose_path()

    def shift_once(self, slot: int) -> None:
        """SS2, SS3: use G2 or G3 for one character."""
        self._single = slot
        self._choose_path()

    @property
    def plain(self) -> bool:
        """Nothing is set that changes what plain lines look like: the state floods may be skipped in."""
        return (
            self._fast_edge > 0
            and self.autowrap
            and not self._protections
            and self.margin_top == 0
            and self.margin_bottom == self.rows
            and self.tabs == default_tabs(self.columns)
        )

    def _choose_path(self) -> None:
        """Decide how far the fast path of `print` may go: to the page's edge, or nowhere."""
        plain = (
            not self._insert
            and self._single is None
            and self.charsets[self._shift] is ASCII
            and self.margin_left == 0
            and self.margin_right == self.columns
        )
        self._fast_edge = self.columns if plain else 0

    # Printing

    def print(self, text: str) -> None:
        """Write printable characters at the cursor."""
        self._last = text
        x = self.x
        end = x + len(text)
        if end <= self._fast_edge and not self.pending and (text.isascii() or is_narrow(text)):
            row = self.grid.rows[self.y]
            if row.wide:
                row.cut(x)
                row.cut(end)
            if end - x == 1:
                row.text[x] = text
                row.styles[x] = self.style
            else:
                row.text[x:end] = text
                row.styles[x:end] = [self.style] * (end - x)
            if x < row.left:
                row.left = x
            if end > row.right:
                row.right = end
            if end == self.columns:
                row.spare = False
                self.pending = True
                end -= 1
            self.x = end
        else:
            self._print_any(text)

    def repeat(self, count: int) -> None:
        """REP: write the last character again, at most a page full of them."""
        if self._last:
            count = min(count, self.columns * self.rows)
            self.grid.work += count
            self.print(self._last[-1] * count)

    def _print_any(self, text: str) -> None:
        for narrow, wide, other in split(self._translate(text)):
            if narrow:
                self._put(list(narrow), 1)
            elif wide:
                cells = [""] * (2 * len(wide))
                cells[::2] = wide
                self._put(cells, 2)
            elif not self._join(other):
                width = cell_width(other)
                if width:
                    self._put([other, ""][:width], width)

    def _translate(self, text: str) -> str:
        if self._single is None and self.charsets[self._shift] is ASCII:
            return text
        head = ""
        if self._single is not None:
            head, text = text[0].translate(self.charsets[self._single]), text[1:]
            self._single = None
            self._choose_path()
        return head + text.translate(self.charsets[self._shift])

    def _put(self, cells: list[str], width: int) -> None:
        """Write cells that come in units of `width` columns, wrapping as the modes say."""
        done, total = 0, len(cells)
        if self.x + total < self._edge() and not self.pending:
            self._write(cells, wide=width == 2)
            self.x += total
            return
        while done < total:
            if self.pending and self.autowrap:
                self._wrap(spare=False)
            edge = self._edge()
            room = edge - self.x
            if room < width:
                if self.autowrap:
                    self._wrap(spare=True)
                    continue
                self.x = edge - width
            elif width == 1 and total - done > room and not self.autowrap:
                # What does not fit is written over the last column, one on the other.
                cells[done + room - 1 :] = cells[-1:]
                total = len(cells)
            count = min(total - done, room - room % width) or width
            self._write(cells[done : done + count], wide=width == 2)
            done += count
            self.pending = self.x + count >= edge
            self.x = min(self.x + count, edge - 1)

    def _write(self, cells: list[str], *, wide: bool) -> None:
        row = self.grid.rows[self.y]
        if self._insert and self._inside_columns():
            row.insert(self.x, self.margin_right, len(cells), self.blank)
        row.wide |= wide
        row.put(self.x, cells, [self.style] * len(cells))

    def _wrap(self, *, spare: bool) -> None:
        row = self.grid.rows[self.y]
        if spare:
            row.fill(self._edge() - 1, self._edge(), " ", self.blank)
        if self._full_width():
            row.wrapped, row.spare = True, spare
        self.pending = False
        self.x = self.margin_left
        self.index()

    def _join(self, character: str) -> bool:
        """Add a character to the cell before the cursor if they make one cluster."""
        row = self.grid.rows[self.y]
        x = self.x if self.pending else self.x - 1
        if x > 0 and not row.text[x]:
            x -= 1
        if x < 0 or not joins(row.text[x], character):
            return False
        if len(row.text[x]) < CLUSTER_LIMIT:
            self._extend(row, x, row.text[x] + character)
        return True

    def _extend(self, row: Row, x: int, cluster: str) -> None:
        row.text[x] = cluster
        row.damage(x, min(x + 2, self.columns))
        grows = cell_width(cluster) == 2 and (x + 1 == self.columns or row.text[x + 1])
        if grows and x + 1 == self.x and self.x < self._edge():
            row.wide = True
            row.cut(x + 2)
            row.text[x + 1] = ""
            row.styles[x + 1] = row.styles[x]
            self.pending = x + 2 >= self._edge()
            self.x = min(x + 2, self._edge() - 1)

    def _edge(self) -> int:
        """Where a line that holds the cursor ends: at the right margin, or beyond it at the page's edge."""
        return self.margin_right if self.x < self.margin_right else self.columns

    def _inside_columns(self) -> bool:
        return self.margin_left <= self.x < self.margin_right

    def _full_width(self) -> bool:
        return self.margin_left == 0 and self.margin_right == self.columns

    def _inside_rows(self) -> bool:
        return self.margin_top <= self.y < self.margin_bottom

    # Moving

    def move_to(self, x: int, y: int) -> None:
        """Put the cursor at a place of the page, whatever the margins; clamped."""
        self.x = x if 0 <= x < self.columns else min(max(x, 0), self.columns - 1)
        self.y = y if 0 <= y < self.rows else min(max(y, 0), self.rows - 1)
        self.pending = False

    def address(self, x: int | None = None, y: int | None = None) -> None:
        """CUP, CHA, VPA: go to a column and row, counted from the margins in origin mode; None keeps one."""
        if self.origin:
            x = None if x is None else min(self.margin_left + x, self.margin_right - 1)
            y = None if y is None else min(self.margin_top + y, self.margin_bottom - 1)
        self.move_to(self.x if x is None else x, self.y if y is None else y)

    @property
    def column(self) -> int:
        """The cursor's column as programs count it: from the left margin in origin mode."""
        return self.x - self.margin_left if self.origin else self.x

    @property
    def row(self) -> int:
        """The cursor's row as programs count it: from the top margin in origin mode."""
        return self.y - self.margin_top if self.origin else self.y

    def home(self) -> None:
        """Go to the origin."""
        self.address(0, 0)

    def up(self, count: int) -> None:
        """CUU: stops at the top margin, or beyond it at the page's edge."""
        limit = self.margin_top if self.y >= self.margin_top else 0
        self.move_to(self.x, max(self.y - count, limit))

    def down(self, count: int) -> None:
        """CUD: stops at the bottom margin, or beyond it at the page's edge."""
        limit = self.margin_bottom if self.y < self.margin_bottom else self.rows
        self.move_to(self.x, min(self.y + count, limit - 1))

    def right(self, count: int) -> None:
        """CUF: stops at the right margin, or beyond it at the page's edge."""
        self.move_to(min(self.x + count, self._edge() - 1), self.y)

    def left(self, count: int) -> None:
        """CUB: stops at the left margin, or beyond it at the page's edge; with mode 45 goes on in the row above."""
        if self.reverse_wrap and self.autowrap:
            count = min(count, self.columns * self.rows)
            count -= self.pending
            while count > self.x - self._left_stop():
                self.grid.work += self.columns
                count -= self.x - self._left_stop() + 1
                top = self.y == self.margin_top or self.y == 0
                self.move_to(self.margin_right - 1, self.margin_bottom - 1 if top else self.y - 1)
        self.move_to(max(self.x - count, self._left_stop()), self.y)

    def carriage_return(self) -> None:
        """CR: to the left margin, or from beyond it to the page's edge."""
        self.x = self.margin_left if self.x >= self.margin_left or self.origin else 0
        self.pending = False

    def _left_stop(self) -> int:
        return self.margin_left if self.x >= self.margin_left else 0

    def index(self) -> None:
        """IND: down one row; at the bottom margin the region scrolls instead."""
        self.pending = False
        if self.y == self.margin_bottom - 1:
            if self.margin_left <= self.x < self.margin_right:
                self.scroll_up(1)
        elif self.y < self.rows - 1:
            self.y += 1

    def next_line(self) -> None:
        """NEL: to the start of the next row."""
        self.index()
        self.carriage_return()

    def reverse_index(self) -> None:
        """RI: up one row; at the top margin the region scrolls instead."""
        if self.y == self.margin_top:
            if self._inside_columns():
                self.scroll_down(1)
        elif self.y > 0:
            self.y -= 1
        self.pending = False

    def forward_index(self) -> None:
        """DECFI: right one column; at the right margin the region scrolls instead."""
        if self.x != self.margin_right - 1:
            self.right(1)
        elif self._inside_rows():
            self._shift_columns(self.margin_left, 1)
        self.pending = False

    def back_index(self) -> None:
        """DECBI: left one column; at the left margin the region scrolls instead."""
        if self.x != self.margin_left:
            self.move_to(self.x - 1, self.y)
        elif self._inside_rows():
            self._shift_columns(self.margin_left, -1)
        self.pending = False

    def tab(self, count: int = 1) -> None:
        """HT, CHT: to the next tab stop, at most to the edge. A pending wrap stays pending."""
        edge = self._edge() - 1
        while count and self.x < edge:
            self.grid.work += self.columns
            self.x = next((x for x in range(self.x + 1, edge) if x in self.tabs), edge)
            count -= 1

    def back_tab(self, count: int) -> None:
        """CBT: to the previous tab stop, at least to the left edge (in origin mode: margin)."""
        stop = self.margin_left if self.origin else 0
        self.pending = False
        while count and self.x > stop:
            count -= 1
            self.move_to(next((x for x in range(self.x - 1, stop, -1) if x in self.tabs), stop), self.y)

    # Erasing and shifting

    def scroll_up(self, count: int) -> None:
        """SU: the region's content moves up."""
        top, bottom = self.margin_top, self.margin_bottom
        if count > bottom - top:
            count = bottom - top
        if self.margin_left == 0 and self.margin_right == self.columns:
            gone = self.grid.scroll_up(top, bottom, count, self.blank)
            if top == 0:
                self._keep(gone)
        else:
            self.grid.shift(top, bottom, self.margin_left, self.margin_right, count, self.blank)

    def scroll_down(self, count: int) -> None:
        """SD: the region's content moves down."""
        self._scroll_down_from(self.margin_top, count)

    def scroll_left(self, count: int) -> None:
        """SL: the region's content moves left."""
        self._shift_columns(self.margin_left, count)

    def scroll_right(self, count: int) -> None:
        """SR: the region's content moves right."""
        self._shift_columns(self.margin_left, -count)

    def _keep(self, gone: list[Row]) -> None:
        """Rows left the page at its top; they are lost here."""

    def _scroll_down_from(self, top: int, count: int) -> None:
        bottom = self.margin_bottom
        count = min(count, bottom - top)
        if self._full_width():
            self.grid.scroll_down(top, bottom, count, self.blank)
        else:
            self.grid.shift(top, bottom, self.margin_left, self.margin_right, -count, self.blank)

    def _shift_columns(self, left: int, count: int) -> None:
        """Move columns from `left` to the right margin to the left, in every row of the region."""
        for y in range(self.margin_top, self.margin_bottom):
            self._shift_cells(y, left, count)

    def _shift_cells(self, y: int, left: int, count: int) -> None:
        row, right = self.grid.rows[y], self.margin_right
        size = min(abs(count), right - left)
        self.grid.work += right - left
        (row.delete if count > 0 else row.insert)(left, right, size, self.blank)
        row.wrapped = row.spare = False

    def insert_lines(self, count: int) -> None:
        """IL: blank lines at the cursor, inside the margins only."""
        if self._inside_rows() and self._inside_columns():
            self._scroll_down_from(self.y, count)
            self.move_to(self.margin_left, self.y)

    def delete_lines(self, count: int) -> None:
        """DL: lines from the cursor go, inside the margins only."""
        if self._inside_rows() and self._inside_columns():
            top, bottom = self.y, self.margin_bottom
            count = min(count, bottom - top)
            if self._full_width():
                self.grid.scroll_up(top, bottom, count, self.blank)
            else:
                self.grid.shift(top, bottom, self.margin_left, self.margin_right, count, self.blank)
            self.move_to(self.margin_left, self.y)

    def insert_characters(self, count: int) -> None:
        """ICH: blanks at the cursor, inside the margins only."""
        self.pending = False
        if self._inside_columns():
            self._shift_cells(self.y, self.x, -count)

    def delete_characters(self, count: int) -> None:
        """DCH: characters from the cursor go, inside the margins only."""
        self.pending = False
        if self._inside_columns():
            self._shift_cells(self.y, self.x, count)

    def insert_columns(self, count: int) -> None:
        """DECIC: blank columns at the cursor, inside the margins only."""
        if self._inside_rows() and self._inside_columns():
            self._shift_columns(self.x, -count)

    def delete_columns(self, count: int) -> None:
        """DECDC: columns from the cursor go, inside the margins only."""
        if self._inside_rows() and self._inside_columns():
            self._shift_columns(self.x, count)

    def protect(self, flag: int, *, on: bool) -> None:
        """DECSCA, SPA, EPA: characters written from here on have this protection, or not."""
        self._protections |= flag
        flags = self.style.flags | flag if on else self.style.flags & ~flag
        self.style = self.style._replace(flags=flags)

    def erase_characters(self, count: int) -> None:
        """ECH: blanks over `count` characters from the cursor."""
        self.pending = False
        end = min(self.x + count, self.columns)
        self.grid.erase(self.y, self.x, end, self.blank, self._protections & Flag.GUARDED)

    def erase_line(self, part: int, keep: int = Flag.GUARDED) -> None:
        """EL, DECSEL: from the cursor (part 0), to it (1), the whole line (2), but for cells with a flag of `keep`.

        A cursor that waits to wrap stands behind the last column, as in most terminals: `grep --color` ends each match
        with EL 0 and would lose that character under a strict xterm.
        """
        if part == 0 and not self.pending:
            self.grid.erase(self.y, self.x, self.columns, self.blank, keep & self._protections)
        elif part in (1, 2):
            self.pending = False
            right = self.x + 1 if part == 1 else self.columns
            self.grid.erase(self.y, 0, right, self.blank, keep & self._protections)

    def erase_display(self, part: int, keep: int = Flag.GUARDED) -> None:
        """ED, DECSED: from the cursor (part 0), to it (1), the whole page (2), but for cells with a flag of `keep`."""
        ranges = {0: (self.y + 1, self.rows), 1: (0, self.y), 2: (0, self.rows)}
        if part in ranges:
            self.erase_line(part, keep)
            for y in range(*ranges[part]):
                self.grid.erase(y, 0, self.columns, self.blank, keep & self._protections)

    def align(self) -> None:
        """DECALN: the screen full of E, margins reset, cursor home."""
        self.reset_margins()
        self.origin = False
        self.home()
        for y, row in enumerate(self.grid.rows):
            self.grid.fill(y, 0, self.columns, "E", DEFAULT)
            row.wrapped = row.spare = False
