"""The desktop follows the owner's window: when to ask for which size. Arithmetic; the caller brings the clock."""

from __future__ import annotations

__all__ = ["SizeFollower"]

SETTLE = 0.2
"""Seconds that a window must keep its size: one that is being dragged does not resize the desktop at every pixel."""
MAX_SIDE = 8192
NEVER = float("inf")


class SizeFollower:
    """Asks at most once for each size that the window takes, so a server with other ideas is not fought."""

    def __init__(self, width: int, height: int, now: float) -> None:
        self._wanted = _fitting(width, height)
        self.due = now
        """When to ask next; infinite while there is nothing to ask."""

    def want(self, width: int, height: int, now: float) -> None:
        """The window has this size now."""
        self._wanted = _fitting(width, height)
        self.due = now + SETTLE

    def ask(self, size: tuple[int, int], now: float) -> tuple[int, int] | None:
        """The size to ask the server for now, whose desktop has `size`; it is not asked for again."""
        if size == self._wanted:
            self.due = NEVER
        if now < self.due:
            return None
        self.due = NEVER
        return self._wanted


def _fitting(width: int, height: int) -> tuple[int, int]:
    """The size, made smaller in proportion where it is beyond what is asked of any server."""
    scale = min(1.0, MAX_SIDE / max(width, height, 1))
    return max(int(width * scale), 1), max(int(height * scale), 1)
