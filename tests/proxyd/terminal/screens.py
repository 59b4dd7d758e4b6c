"""Small screens that fit the eye, and everything about a terminal that two runs must agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxyd.terminal.packed import pack
from proxyd.terminal.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxyd.terminal.screen import Screen


def shown(columns: int, rows: int, *data: bytes | str, scrollback: int = 100) -> Terminal:
    """A terminal that was fed `data`."""
    terminal = Terminal(columns, rows, scrollback=scrollback)
    for piece in data:
        terminal.feed(piece.encode() if isinstance(piece, str) else piece)
    return terminal


def picture(terminal: Terminal) -> list[str]:
    """The view's rows as text, without trailing blanks."""
    screen = terminal.screen
    return ["".join(screen.view_row(y).text).rstrip() for y in range(screen.rows)]


def scrollback(terminal: Terminal) -> list[str]:
    """The scrollback as text, oldest first."""
    screen = terminal.screen
    rows = (screen.line(number) for number in range(screen.oldest, screen.top))
    return ["".join(row.text).rstrip() for row in rows if row]


def state(terminal: Terminal) -> dict[str, Any]:
    """All that a program or a person could tell apart."""
    screen = terminal.screen
    return {
        "rows": [pack(row) for row in screen.grid.rows],
        "history": list(screen.history.rows()),
        "top": screen.top,
        "cursor": (screen.x, screen.y, screen.pending, screen.cursor_shown, screen.cursor_shape),
        "style": screen.style,
        "margins": (screen.margin_top, screen.margin_bottom, screen.margin_left, screen.margin_right),
        "modes": terminal.modes,
        "screen modes": (screen.origin, screen.autowrap, screen.insert, screen.left_right, screen.alternate),
        "tabs": screen.tabs,
        "title": screen.title,
        "palette": screen.palette,
    }


def check_legal(screen: Screen) -> None:
    """What holds after any input whatever."""
    assert 0 <= screen.x < screen.columns
    assert 0 <= screen.y < screen.rows
    assert not screen.pending or screen.x + 1 in (screen.columns, screen.margin_right)
    assert 0 <= screen.margin_top < screen.margin_bottom <= screen.rows
    assert 0 <= screen.margin_left < screen.margin_right <= screen.columns
    assert 0 <= screen.offset <= screen.history_rows <= screen.history.limit
    assert len(screen.grid.rows) == screen.rows
    for y in range(screen.rows):
        check_row(screen.view_row(y).text, screen.view_row(y).styles, screen.columns)
    cursor = screen.cursor
    assert not cursor.visible or (0 <= cursor.x < screen.columns and 0 <= cursor.y < screen.rows)


def check_row(text: list[str], styles: Iterable[object], columns: int) -> None:
    """A row is as wide as the screen; the right half of a wide character has a left one."""
    assert len(text) == len(list(styles)) == columns
    for x, cell in enumerate(text):
        assert cell or (x and text[x - 1])
        assert len(cell) <= 16
