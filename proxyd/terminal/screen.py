"""The screen of a terminal: cells, cursor, margins, scrollback, damage. It knows no escape sequence.

`Terminal` (terminal.py) joins a parser to a screen; the painter reads the screen; the instance asks `Terminal`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proxyd.terminal.cells import Row

__all__ = ["Cursor", "CursorShape", "Damage", "Screen", "Scroll"]


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


class Screen:
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
    """

    columns: int
    rows: int
    palette: list[int]
    reverse: bool
    synchronized: bool
    title: str
    alternate: bool
    offset: int
    epoch: int

    @property
    def cursor(self) -> Cursor:
        """Where and how to draw the cursor, in view coordinates."""
        raise NotImplementedError

    @property
    def history_rows(self) -> int:
        """Rows of scrollback that can be seen now; 0 on the alternate screen."""
        raise NotImplementedError

    @property
    def top(self) -> int:
        """The line number of the screen's first row."""
        raise NotImplementedError

    @property
    def oldest(self) -> int:
        """The line number of the oldest row in scrollback."""
        raise NotImplementedError

    def view_row(self, y: int) -> Row:
        """The row shown at `y`, 0..rows-1. Its lists are `columns` long. To be read, not changed."""
        raise NotImplementedError

    def line(self, number: int) -> Row | None:
        """A row by line number, from scrollback or screen; None where there is none (any more)."""
        raise NotImplementedError

    def scroll_view(self, rows: int) -> None:
        """Scroll the view back by `rows` (towards the present where negative); clamped to what there is."""
        raise NotImplementedError

    def take_damage(self) -> Damage:
        """What to paint; the next call reports what changed after this one. All at first and after a resize."""
        raise NotImplementedError

    def damage_all(self) -> None:
        """Report everything as changed at the next `take_damage`."""
        raise NotImplementedError

    def set_palette(self, palette: list[int]) -> None:
        """Use another colour scheme: 259 colours, and what OSC 104, 110, 111 and 112 go back to."""
        raise NotImplementedError
