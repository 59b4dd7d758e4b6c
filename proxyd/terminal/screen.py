"""The screen of a terminal: cells, cursor, margins, scrollback, damage. It knows no escape sequence.

`Terminal` (terminal.py) joins a parser to a screen; the painter reads the screen; the instance asks `Terminal`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from proxyd.terminal.cells import DEFAULT, Row, Style
from proxyd.terminal.charsets import ASCII, Charset
from proxyd.terminal.colours import xterm_palette
from proxyd.terminal.grid import Grid
from proxyd.terminal.history import History
from proxyd.terminal.packed import pack, unpack
from proxyd.terminal.page import Page, default_tabs
from proxyd.terminal.reflow import Mark, reflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from proxyd.terminal.history import Raw
    from proxyd.terminal.packed import PackedRow

__all__ = ["Cursor", "CursorShape", "Damage", "Screen", "Scroll"]


MOST_TAKEN_BACK = 2000
"""Rows of scrollback that are wrapped anew at once, for a screen that grows."""


class CursorShape(IntEnum):
    """DECSCUSR without the blinking."""

    BLOCK = 0
    UNDERLINE = 1
    BAR = 2


class Cursor(NamedTuple):
    """The cursor as a painter needs it, in view coordinates."""

    x: int
    y: int
    shape: CursorShape
    blinking: bool
    visible: bool
    """False where DECTCEM hides it, or where the view is scrolled so far that it is outside."""
    wide: bool
    """It stands on a wide character and covers two columns."""


class SavedCursor(NamedTuple):
    """What DECSC keeps."""

    x: int = 0
    y: int = 0
    pending: bool = False
    style: Style = DEFAULT
    origin: bool = False
    charsets: tuple[Charset, ...] = (ASCII,) * 4
    shift: int = 0


class Scroll(NamedTuple):
    """The view's rows [top, bottom) moved up by `lines` (down where negative); 0 < abs(lines) < bottom - top."""

    top: int
    bottom: int
    lines: int


class Damage(NamedTuple):
    """What changed in the view since it was last asked.

    Move pixels for every scroll, in order; then paint every span, from the rows as they are now. Rows that a scroll
    brought in are among the spans.
    """

    scrolls: list[Scroll]
    spans: list[tuple[int, int, int]]
    """(row, left, right): columns [left, right) of a view row; at most one span a row, top down."""


class Screen(Page):
    """Cells, cursor, margins and scrollback of one terminal.

    Lines are numbered for good: line 0 is the first that was ever shown, `top` the number of the screen's first row,
    `oldest` that of the oldest row in scrollback. The view is what people see: the screen, or `offset` rows back.

    Attributes:
        columns, rows: the size, cells.
        palette: 259 colours 0xRRGGBB: 0..255, then FOREGROUND, BACKGROUND, CURSOR (see cells.py). Replaced as a whole
            by `set_palette`; single entries change by OSC 4, 10, 11 and 12. A change damages the whole view.
        reverse: DECSCNM: foreground and background of the whole screen are exchanged.
        synchronized: mode 2026: the program is in the middle of a frame; hold painting (for a limited time).
        title: the window title, at most 1,024 characters.
        alternate: the alternate screen is shown; it has no scrollback.
        offset: rows the view is scrolled back, 0..history_rows.
        epoch: grows whenever line numbers lose their meaning (reflow, another screen, reset): drop selections.
        history: the scrollback itself.
        cursor_shape, cursor_blinking, cursor_shown: DECSCUSR and DECTCEM.
    """

    def __init__(
        self, columns: int, rows: int, scrollback: int, replay: Callable[[Raw], Iterable[PackedRow]]
    ) -> None:
        """Start with a blank screen.

        Args:
            columns: width, at least 2.
            rows: height, at least 1.
            scrollback: rows to keep.
            replay: renders output that was skipped (see flood.py), when somebody looks at it.
        """
        super().__init__(columns, rows)
        self.history = History(scrollback, columns, replay)
        self.title = ""
        self.epoch = 0
        self.offset = 0
        self._scheme = xterm_palette()
        self._pushed = 0
        self._ghosts = 0
        self._exposed: set[int] = set()
        self._moved = 0
        self._all_damaged = True
        self._other: Grid | None = None
        self._reset_screen()

    def _reset_screen(self) -> None:
        self.palette = list(self._scheme)
        self.reverse = False
        self.synchronized = False
        self.alternate = False
        self.cursor_shape = CursorShape.BLOCK
        self.cursor_blinking = True
        self.cursor_shown = True
        self._saved = [SavedCursor(), SavedCursor()]

    def reset(self) -> None:
        """RIS: everything as at the start; scrollback stays."""
        self.use_alternate(False)
        self._reset_page()
        self.erase_display(2, 0)
        self._reset_screen()
        self.epoch += 1
        self.offset = 0
        self.damage_all()

    def soft_reset(self) -> None:
        """DECSTR: modes, margins, character sets and style as at the start; cells and cursor stay."""
        x, y = self.x, self.y
        tabs = self.tabs
        self._reset_page()
        self.tabs = tabs
        self.cursor_shown = True
        self._saved[self.alternate] = SavedCursor()
        self.move_to(x, y)

    # The view

    @property
    def cursor(self) -> Cursor:
        """Where and how to draw the cursor, in view coordinates."""
        y = self.y + self.offset
        row = self.grid.rows[self.y].text
        wide = self.x + 1 < self.columns and not row[self.x + 1]
        return Cursor(
            self.x, y, self.cursor_shape, self.cursor_blinking, self.cursor_shown and y < self.rows, wide
        )

    @property
    def history_rows(self) -> int:
        """Rows of scrollback that can be seen now; 0 on the alternate screen."""
        return 0 if self.alternate else len(self.history)

    @property
    def top(self) -> int:
        """The line number of the screen's first row."""
        return self._pushed

    @property
    def oldest(self) -> int:
        """The line number of the oldest row in scrollback."""
        return self._pushed - self.history_rows

    def view_row(self, y: int) -> Row:
        """The row shown at `y`, 0..rows-1. Its lists are `columns` long. To be read, not changed."""
        if y >= self.offset:
            return self.grid.rows[y - self.offset]
        return self.history.row(self.offset - y, self.columns)

    def packed(self, number: int) -> PackedRow | None:
        """As `line`, but small: for who reads many."""
        y = number - self._pushed
        if 0 <= y < self.rows:
            return pack(self.grid.rows[y])
        return self.history.rows(-y)[y] if self._is_kept(-y) else None

    def line(self, number: int) -> Row | None:
        """A row by line number, from scrollback or screen; None where there is none (any more)."""
        y = number - self._pushed
        if 0 <= y < self.rows:
            return self.grid.rows[y]
        return self.history.row(-y, self.columns) if self._is_kept(-y) else None

    def _is_kept(self, back: int) -> bool:
        """Whether scrollback reaches so many rows back."""
        return back > 0 and not self.alternate and back <= len(self.history.rows(back))

    def scroll_view(self, rows: int) -> None:
        """Scroll the view back by `rows` (towards the present where negative); clamped to what there is."""
        self.history.rows(self.offset + rows)
        rows = min(max(rows, -self.offset), (0 if self.alternate else self.history.ready) - self.offset)
        if not rows:
            return
        self.offset += rows
        self._moved -= rows
        self._exposed = {y + rows for y in self._exposed if 0 <= y + rows < self.rows}
        self._exposed.update(range(rows) if rows > 0 else range(self.rows + rows, self.rows))

    def take_damage(self) -> Damage:
        """What to paint; the next call reports what changed after this one. All at first and after a resize."""
        moves = [*self.grid.scrolls, [0, self.rows, self._moved]]
        if self._all_damaged or (self.grid.scrolls and (self.offset or self._moved)):
            # Rows that scroll while the view is moved, too: rare enough to paint everything.
            damage = Damage([], [(y, 0, self.columns) for y in range(self.rows)])
        else:
            scrolls = [Scroll(*move) for move in moves if 0 < abs(move[2]) < move[1] - move[0]]
            damage = Damage(scrolls, list(self._spans()))
        self.grid.clean()
        self._exposed.clear()
        self._moved = 0
        self._all_damaged = False
        return damage

    def _spans(self) -> Iterator[tuple[int, int, int]]:
        for y in range(self.rows):
            row = self.grid.rows[y - self.offset] if y >= self.offset else None
            if y in self._exposed:
                yield y, 0, self.columns
            elif row and row.left < row.right:
                yield y, row.left, row.right

    def damage_all(self) -> None:
        """Report everything as changed at the next `take_damage`."""
        self._all_damaged = True

    def set_palette(self, palette: list[int]) -> None:
        """Use another colour scheme: 259 colours, and what OSC 104, 110, 111 and 112 go back to."""
        self._scheme = list(palette)
        self.palette = list(palette)
        self.damage_all()

    def set_colour(self, index: int, colour: int | None) -> None:
        """Change one entry of the palette; None takes it back to the scheme's."""
        colour = self._scheme[index] if colour is None else colour
        if self.palette[index] != colour:
            self.palette[index] = colour
            self.damage_all()

    def set_reverse(self, on: bool) -> None:
        """DECSCNM."""
        if self.reverse != on:
            self.reverse = on
            self.damage_all()

    # Scrollback

    def _keep(self, gone: list[Row]) -> None:
        if self._other:
            return
        self._pushed += len(gone)
        if self._ghosts:
            known = gone[self._ghosts :]
            self._ghosts -= len(gone) - len(known)
            gone = known
        for row in gone:
            self.history.push(row)
        if self.offset:
            self.offset = min(self.offset + len(gone), self.history.ready)

    def skip(self, raw: Raw, style: Style, lines: int) -> None:
        """Go on as if plain lines had been printed, the cursor being in a fresh last row; what follows fills the screen.

        Args:
            raw: the last of the lines, as many as the scrollback holds.
            style: in force after them.
            lines: how many there were.
        """
        for row in self.grid.rows[:-1]:
            self.history.push(row)
        self.history.push_raw(raw)
        # The rows above the cursor are in `raw` already; they do not go to scrollback again.
        self._ghosts = self.rows - 1
        self._pushed += lines
        self.style = style
        self.grid.rows = [Row(self.columns, self.blank) for _ in range(self.rows)]
        self.damage_all()

    def clear_history(self) -> None:
        """ED 3: forget the scrollback."""
        self.history.clear()
        if self.offset:
            self.offset = 0
            self.damage_all()

    def limit_history(self, rows: int) -> None:
        """Keep at most `rows` rows of scrollback from now on."""
        self.history.resize(rows)
        if self.offset > self.history.ready:
            self.offset = self.history.ready
            self.damage_all()

    # Two buffers, saved cursors

    def use_alternate(self, on: bool) -> None:
        """Show the alternate screen, blank at first, or the normal one again. The cursor stays where it is."""
        if on == self.alternate:
            return
        self.alternate = on
        if on:
            self._other, self.grid = self.grid, Grid(self.columns, self.rows)
            self.grid.work += self._other.work
        elif self._other:
            self._other.work = self.grid.work
            self.grid, self._other = self._other, None
        self.offset = 0
        self.epoch += 1
        self.damage_all()

    def save_cursor(self) -> None:
        """DECSC: remember cursor, style, character sets and origin mode; each buffer has its own."""
        self._saved[self.alternate] = SavedCursor(
            self.x, self.y, self.pending, self.style, self.origin, tuple(self.charsets), self._shift
        )

    def restore_cursor(self) -> None:
        """DECRC: go back to what was saved, or home if nothing was."""
        saved = self._saved[self.alternate]
        self.origin = saved.origin
        self.style = saved.style
        self.charsets = list(saved.charsets)
        self.shift(saved.shift)
        self.move_to(saved.x, saved.y)
        self.pending = saved.pending and self.x == saved.x

    # Another size

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; lines of the normal screen wrap anew, rows go to scrollback or come back from it.

        A view that was scrolled back farther than the scrollback that is ready now comes forward.
        """
        if (columns, rows) == (self.columns, self.rows):
            return
        saved = Mark(self._saved[0].y, self._saved[0].x)
        cursor = saved if self._other else Mark(self.y, self.x + self.pending)
        cursor, saved = self._reflow(self._other or self.grid, columns, rows, cursor, saved)
        self._saved[0] = self._saved[0]._replace(x=min(saved.column, columns - 1), y=saved.row)
        pending = self.pending and cursor.column == columns
        if self._other:
            lost = max(self.y - rows + 1, 0)
            self.grid.resize(columns, rows, lost)
            cursor, pending = Mark(self.y - lost, self.x), False
        self.epoch += columns != self.columns
        self.tabs = {x for x in self.tabs if x < columns} | default_tabs(columns, self.columns)
        self.columns, self.rows = columns, rows
        self.reset_margins()
        self.move_to(cursor.column, cursor.row)
        self.pending = pending
        self.offset = min(self.offset, 0 if self.alternate else self.history.ready)
        self.damage_all()

    def _reflow(self, grid: Grid, columns: int, rows: int, *marks: Mark) -> list[Mark]:
        """Wrap scrollback and grid anew. Marks count rows of the grid, before and after; the first is the cursor."""
        # More rows of scrollback come back to a wider screen: several of them make one.
        back = rows * -(-columns // self.columns)
        history = self.history.take(min(back, MOST_TAKEN_BACK))
        screen = [pack(row) for row in grid.rows]
        while len(screen) > marks[0].row + 1 and screen[-1] == "":
            screen.pop()
        full = len(screen) == len(grid.rows)
        above = len(history)
        content, moved = reflow(
            [*history, *screen],
            columns,
            [*(Mark(above + mark.row, mark.column) for mark in marks), Mark(above, 0)],
        )
        top = moved.pop().row
        if full or len(content) - top > rows:
            # Text that reached the bottom stays there: rows leave at the top, or come back.
            top = min(max(len(content) - rows, 0), moved[0].row)
        grid.columns = columns
        grid.rows = [unpack(row, columns) for row in content[top : top + rows]]
        grid.rows += [Row(columns) for _ in range(rows - len(grid.rows))]
        grid.scrolls.clear()
        self.history.rewrap(columns)
        self.history.extend(content[:top])
        self._pushed += top - above
        return [Mark(min(max(mark.row - top, 0), rows - 1), mark.column) for mark in moved]
