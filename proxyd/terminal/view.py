"""The picture of a terminal: its text, what is selected, the scroll bar, the pointer's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.terminal.highlight import Highlight
from proxyd.terminal.painter import Painter
from proxyd.terminal.picking import Picker
from proxyd.terminal.scrollbar import ScrollBar

if TYPE_CHECKING:
    from proxyd.display.ops import Op
    from proxyd.terminal.glyphs import Atlas
    from proxyd.terminal.layout import Layout
    from proxyd.terminal.schemes import Scheme
    from proxyd.terminal.screen import Screen

__all__ = ["View"]


class View:
    """Everything that is drawn of one terminal.

    Attributes:
        bar: the scroll bar.
        picker: what the pointer selects.
    """

    def __init__(self, screen: Screen, atlas: Atlas, layout: Layout, scheme: Scheme) -> None:
        """Begin with nothing painted."""
        self._screen = screen
        self._layout = layout
        self._painter = Painter(screen, atlas, layout.sheet, bold_brightens=scheme.bold_brightens)
        self.bar = ScrollBar()
        self.picker = Picker(screen)
        self._highlight = Highlight()

    def place(self, layout: Layout) -> None:
        """Take another size."""
        self._layout = layout
        self._painter.place(layout.sheet)
        self.bar.forget()

    def forget(self) -> None:
        """The browser may know nothing: paint everything next time."""
        self._painter.forget()
        self._highlight.forget()
        self.bar.forget()

    def paint(self) -> list[Op]:
        """What changed since the last time."""
        ops = self._painter.paint()
        ops += self._highlight.paint(self._layout, self._screen, self.picker.selection.spans())
        ops += self.bar.paint(self._layout, self._screen.history_rows, self._screen.offset)
        return ops
