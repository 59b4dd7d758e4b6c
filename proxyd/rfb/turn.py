"""How much a connection does before others on the same event loop get a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.rfb.mosaic import BAND_PIXELS

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading

__all__ = ["MESSAGE", "Turn"]

MESSAGE = 2000
"""Work of a message or a rectangle, in the unit of a decoded pixel."""
ALLOWANCE = 1_000_000
"""Work of a turn: about three milliseconds."""


class Turn:
    """Counts the work of a turn."""

    def __init__(self) -> None:
        self._left = ALLOWANCE

    def begin(self) -> None:
        """The event loop came back."""
        self._left = ALLOWANCE

    @property
    def over(self) -> bool:
        """Whether work waits for the next turn."""
        return self._left <= 0

    def spend(self, work: int) -> None:
        """Note work done."""
        self._left -= work

    def interrupted(self) -> None:
        """A rectangle offered to go on later."""
        self.spend(BAND_PIXELS)

    def rest(self) -> Reading[None]:
        """Wait for the next turn where this one is over."""
        while self._left <= 0:
            yield
