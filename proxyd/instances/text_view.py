"""What is on the screen as text, for who cannot see the picture: sent when it changes, at a modest rate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxyd.terminal.packed import pack, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.terminal.screen import Screen

__all__ = ["TextView", "visible_text"]

SOON = 0.05
"""Seconds in which what belongs together gathers."""
EVERY = 0.5
"""Seconds between two texts."""


def visible_text(screen: Screen) -> str:
    """The lines in view, rows that wrapped joined, without blanks at their ends and blank lines at the end."""
    text = ""
    for y in range(screen.rows):
        row = screen.view_row(y)
        part = plain(pack(row))
        text += part if row.wrapped else part.rstrip(" ") + "\n"
    return text.rstrip("\n")


class TextView:
    """Says what is in view, from its beginning until `stop`."""

    def __init__(self, screen: Screen, send: Callable[[str], None]) -> None:
        self._screen = screen
        self._send = send
        self._sent: str | None = None
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.touched()

    def touched(self) -> None:
        """Something may have changed."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._next, loop.time() + SOON), self._tell)

    def stop(self) -> None:
        """Say no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        self._next = asyncio.get_running_loop().time() + EVERY
        text = visible_text(self._screen)
        if text != self._sent:
            self._sent = text
            self._send(text)
