"""What stands out in the text (selected, found, a link under the pointer), as tints on a layer above it.

The tints move with their lines when the view scrolls.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from proxyd.display.ops import Fill, Mask, Move, Op, Rect, Size
from proxyd.terminal.drawn import stroke

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxyd.terminal.layout import Layout
    from proxyd.terminal.lines import Span
    from proxyd.terminal.screen import Screen

__all__ = ["HIGHLIGHT_LAYER", "Highlight", "Mark", "Tint"]

HIGHLIGHT_LAYER = 2
HIGHLIGHT_Z = 1
"""Above the text, below the cursor."""


class Tint(Enum):
    """Why cells stand out: R G B A."""

    SELECTED = (0, 128, 255, 96)
    """guacd's."""
    FOUND = (255, 190, 60, 80)
    CURRENT = (255, 190, 60, 150)
    LINK = (79, 142, 232, 255)
    """A line below, not over the cells."""


class Mark(NamedTuple):
    """Cells that stand out."""

    span: Span
    tint: Tint = Tint.SELECTED


class Highlight:
    """The tints of one view."""

    def __init__(self) -> None:
        self._shown: list[tuple[Rect, Tint]] | None = []
        self._size: tuple[int, int] | None = None  # of the layer; None while there is none

    def forget(self) -> None:
        """The browser may know nothing."""
        self._shown = None

    def paint(self, layout: Layout, screen: Screen, marks: Iterable[Mark]) -> list[Op]:
        """What changed.

        Args:
            layout: of the picture.
            screen: says which lines are in view.
            marks: line by line, top down.
        """
        wanted = _merged([tinted for mark in marks for tinted in _rectangle(layout, screen, mark)])
        if wanted == self._shown or not (wanted or self._size):
            return []
        ops: list[Op] = []
        size = layout.width, layout.height
        if self._shown is None or self._size != size:
            ops += [Size(*size, HIGHLIGHT_LAYER), Move(HIGHLIGHT_LAYER, 0, 0, 0, HIGHLIGHT_Z)]
        ops.append(Fill(0, 0, *size, 0, 0, 0, 255, HIGHLIGHT_LAYER, Mask.ROUT))
        ops += [Fill(*rect, *tint.value, HIGHLIGHT_LAYER) for rect, tint in wanted]
        self._shown, self._size = wanted, size
        return ops


def _rectangle(layout: Layout, screen: Screen, mark: Mark) -> list[tuple[Rect, Tint]]:
    """Where a mark is in the picture; nowhere if its line is not in view."""
    span, cell = mark.span, layout.cell
    row = span.number - (screen.top - screen.offset)
    if not 0 <= row < layout.rows or span.right <= span.left:
        return []
    x, y = layout.margin + span.left * cell.width, layout.margin + row * cell.height
    rect = Rect(x, y, (span.right - span.left) * cell.width, cell.height)
    if mark.tint is Tint.LINK:
        thin = stroke(cell.height)
        rect = rect._replace(y=y + min(cell.baseline + thin, cell.height - thin), height=thin)
    return [(rect, mark.tint)]


def _merged(rectangles: Sequence[tuple[Rect, Tint]]) -> list[tuple[Rect, Tint]]:
    """The same with neighbours of equal width, one right below the other, as one."""
    merged: list[tuple[Rect, Tint]] = []
    for rect, tint in rectangles:
        if merged:
            above, tinted = merged[-1]
            below = above.x, above.y + above.height, above.width
            if tint is tinted and (rect.x, rect.y, rect.width) == below:
                merged[-1] = above._replace(height=above.height + rect.height), tint
                continue
        merged.append((rect, tint))
    return merged
