"""What is selected, as a tint on a layer above the text. It moves with its lines when the view scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.display.ops import Fill, Mask, Move, Op, Rect, Size

if TYPE_CHECKING:
    from proxyd.terminal.layout import Layout
    from proxyd.terminal.lines import Span
    from proxyd.terminal.screen import Screen

__all__ = ["HIGHLIGHT_LAYER", "Highlight"]

HIGHLIGHT_LAYER = 2
HIGHLIGHT_Z = 1
"""Above the text, below the cursor."""
TINT = 0, 128, 255, 96
"""R G B A; guacd's."""


class Highlight:
    """The tint of one view."""

    def __init__(self) -> None:
        self._shown: list[Rect] | None = []
        self._size: tuple[int, int] | None = None  # of the layer; None while there is none

    def forget(self) -> None:
        """The browser may know nothing."""
        self._shown = None

    def paint(self, layout: Layout, screen: Screen, spans: list[Span]) -> list[Op]:
        """What changed.

        Args:
            layout: of the picture.
            screen: says which lines are in view.
            spans: the selected cells.
        """
        wanted = _rectangles(layout, screen, spans)
        if wanted == self._shown or not (wanted or self._size):
            return []
        ops: list[Op] = []
        size = layout.width, layout.height
        if self._shown is None or self._size != size:
            ops += [Size(*size, HIGHLIGHT_LAYER), Move(HIGHLIGHT_LAYER, 0, 0, 0, HIGHLIGHT_Z)]
        ops.append(Fill(0, 0, *size, 0, 0, 0, 255, HIGHLIGHT_LAYER, Mask.ROUT))
        ops += [Fill(*rect, *TINT, HIGHLIGHT_LAYER) for rect in wanted]
        self._shown, self._size = wanted, size
        return ops


def _rectangles(layout: Layout, screen: Screen, spans: list[Span]) -> list[Rect]:
    first = screen.top - screen.offset
    width, height, margin = layout.cell.width, layout.cell.height, layout.margin
    return [
        Rect(
            margin + span.left * width,
            margin + (span.number - first) * height,
            (span.right - span.left) * width,
            height,
        )
        for span in spans
        if 0 <= span.number - first < layout.rows and span.right > span.left
    ]
