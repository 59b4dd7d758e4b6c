"""A terminal: bytes from the program in; a screen, replies and events out. No socket, no clock, no pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxyd.terminal.events import Event
    from proxyd.terminal.screen import Screen

__all__ = ["Terminal"]


class Terminal:
    """What an instance holds: feed it, then take replies and events, and paint its screen.

    Attributes:
        screen: the truth that is painted.
    """

    screen: Screen

    def __init__(self, columns: int, rows: int, *, scrollback: int = 1000) -> None:
        raise NotImplementedError

    def feed(self, data: bytes) -> None:
        """Interpret output of the program; any cut of the bytes gives the same screen. Never raises on bad input."""
        raise NotImplementedError

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, clamped to 2..1024 columns and 1..1024 rows; lines reflow."""
        raise NotImplementedError

    def take_replies(self) -> bytes:
        """Bytes the terminal answers (DSR, DA, …), to be written to the program."""
        raise NotImplementedError

    def take_events(self) -> list[Event]:
        """What happened since the last call, in order."""
        raise NotImplementedError

    def key(self, keysym: int, modifiers: int) -> bytes:
        """The bytes for a key press under the current modes; empty where it sends nothing.

        Args:
            keysym: as X11 numbers it, Unicode as 0x01000000 + code point.
            modifiers: `keys.Modifier` bits: 1 shift, 2 alt, 4 control, 8 meta/super.
        """
        raise NotImplementedError

    def key_released(self, keysym: int, modifiers: int) -> bytes:
        """The bytes for a key release: only under kitty's flag 2, else empty."""
        raise NotImplementedError

    def mouse(
        self, x: int, y: int, buttons: int, modifiers: int, pixel_x: int = 0, pixel_y: int = 0
    ) -> bytes:
        """The bytes for a pointer event, empty where the program does not want it.

        Args:
            x: column, 0 at the left.
            y: view row, 0 at the top.
            buttons: the mask of buttons now down: 1 left, 2 middle, 4 right, 8/16 wheel up/down, 32/64 left/right.
            modifiers: as for `key`.
            pixel_x: pixels from the left edge of the cells, for mode 1016.
            pixel_y: pixels from their top edge.
        """
        raise NotImplementedError

    @property
    def wants_mouse(self) -> bool:
        """The program has asked for the mouse: selection by mouse needs Shift."""
        raise NotImplementedError

    def wheel(self, notches: int) -> bytes:
        """Cursor keys for the wheel on the alternate screen (mode 1007); empty on the normal one.

        Args:
            notches: positive is up.
        """
        raise NotImplementedError

    def paste(self, text: str) -> bytes:
        """Text as the program should receive it: line ends as CR, controls removed, bracketed under mode 2004."""
        raise NotImplementedError

    def focus(self, gained: bool) -> bytes:
        """The bytes for a change of focus (mode 1004)."""
        raise NotImplementedError
