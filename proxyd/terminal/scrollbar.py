"""The scroll bar: a handle that is there while somebody looks back, or points at it. Plain arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.display.ops import Fill, Mask, Move, Op, Shade, Size
from proxyd.terminal.layout import LANE

if TYPE_CHECKING:
    from proxyd.terminal.layout import Layout

__all__ = ["SCROLL_LAYER", "ScrollBar"]

SCROLL_LAYER = 3
SCROLL_Z = 3
"""Above the text, the selection and the cursor."""
GREY = 160, 160, 160, 160
"""R G B A of the handle."""
MIN_HANDLE = 32
"""Pixels at 1x; it must be easy to take hold of."""


class _Handle(NamedTuple):
    """Where the handle is on the picture, pixels."""

    x: int
    y: int
    width: int
    height: int


class ScrollBar:
    """The bar of one view.

    Attributes:
        wanted: show it even if the view is at the end.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._shown: _Handle | None = None
        self._grip: int | None = None

    @property
    def held(self) -> bool:
        """The handle is being dragged."""
        return self._grip is not None

    def forget(self) -> None:
        """The browser may know nothing."""
        self._shown = None

    def paint(self, layout: Layout, history: int, offset: int) -> list[Op]:
        """What changed.

        Args:
            layout: of the picture.
            history: rows above the screen.
            offset: rows that the view is scrolled back.
        """
        handle = (
            self._handle(layout, history, offset)
            if history and (offset or self.wanted or self.held)
            else None
        )
        before, self._shown = self._shown, handle
        if handle == before:
            return []
        if handle is None:
            return [Shade(SCROLL_LAYER, 0)]
        ops: list[Op] = []
        if before is None or before[2:] != handle[2:]:
            ops.append(Size(handle.width, handle.height, SCROLL_LAYER))
            ops.append(Fill(0, 0, handle.width, handle.height, *GREY, layer=SCROLL_LAYER, mask=Mask.SRC))
        ops.append(Move(SCROLL_LAYER, 0, handle.x, handle.y, SCROLL_Z))
        if before is None:
            ops.append(Shade(SCROLL_LAYER, 255))
        return ops

    def press(self, layout: Layout, history: int, offset: int, y: int) -> int:
        """Take hold of the handle, or bring its middle to `y` first. Returns the new offset."""
        handle = self._handle(layout, history, offset)
        inside = handle.y <= y < handle.y + handle.height
        self._grip = y - handle.y if inside else handle.height // 2
        return offset if inside else self.drag(layout, history, y)

    def drag(self, layout: Layout, history: int, y: int) -> int:
        """The offset when the handle, taken where it was pressed, is at `y`."""
        handle = self._handle(layout, history, 0)
        room = layout.height - handle.height
        top = max(0, min(y - (self._grip or 0), room))
        return round(history * (1 - top / room)) if room > 0 else 0

    def release(self) -> None:
        """Let go."""
        self._grip = None

    def _handle(self, layout: Layout, history: int, offset: int) -> _Handle:
        rows = layout.rows
        least = min(MIN_HANDLE * layout.lane // LANE, layout.height)
        height = max(least, layout.height * rows // (rows + history))
        y = round((layout.height - height) * (history - offset) / history) if history else 0
        inset = layout.lane // 4
        return _Handle(layout.width - layout.lane + inset, y, layout.lane - 2 * inset, height)
