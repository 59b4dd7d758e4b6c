"""The pointer's left button on text: clicks and drags to selections. The caller brings the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.terminal.selection import Selection, Unit

if TYPE_CHECKING:
    from proxyd.terminal.screen import Screen

__all__ = ["Picker"]

MULTI_CLICK = 0.3
"""Seconds between presses that count as one gesture (sheet section 7.4)."""


class Picker:
    """Selects as terminals do: drag for characters, two clicks for words, three for lines, Alt for a block.

    Attributes:
        selection: what is selected.
        held: the button is down and a drag selects.
    """

    def __init__(self, screen: Screen) -> None:
        self.selection = Selection(screen)
        self.held = False
        self._pressed_at = -MULTI_CLICK
        self._place = (-1, -1)
        self._clicks = 0

    def press(
        self, number: int, column: int, now: float, *, extend: bool = False, block: bool = False
    ) -> None:
        """The button went down on a cell.

        Args:
            number: the line number of the cell.
            column: its column.
            now: seconds.
            extend: reach to this cell from where the selection began (Shift).
            block: select a rectangle (Alt).
        """
        self.held = True
        if extend:
            self.selection.extend(number, column)
            return
        again = now - self._pressed_at <= MULTI_CLICK and self._place == (number, column)
        self._clicks = self._clicks % 3 + 1 if again else 1
        self._pressed_at, self._place = now, (number, column)
        unit = Unit.BLOCK if block else Unit(self._clicks - 1)
        self.selection.begin(number, column, unit)

    def drag(self, number: int, column: int) -> None:
        """The pointer moved to a cell with the button down."""
        if (number, column) != self._place or self.selection.active:
            self.selection.extend(number, column)

    def release(self) -> str:
        """The button went up: the selected text, empty where nothing is."""
        self.held = False
        return self.selection.text() if self.selection.active else ""
