"""The picture of a terminal: its text, what is selected, the scroll bar, the pointer's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.terminal.highlight import Highlight, Mark, Tint
from proxyd.terminal.painter import Painter
from proxyd.terminal.picking import Picker
from proxyd.terminal.pointers import TEXT, pointer
from proxyd.terminal.scrollbar import ScrollBar
from proxyd.terminal.searching import Search, SearchLine

if TYPE_CHECKING:
    from proxyd.display.ops import Op
    from proxyd.terminal.glyphs import Atlas
    from proxyd.terminal.layout import Layout
    from proxyd.terminal.links import Target
    from proxyd.terminal.schemes import Scheme
    from proxyd.terminal.screen import Screen

__all__ = ["View"]


class View:
    """Everything that is drawn of one terminal.

    Attributes:
        bar: the scroll bar.
        picker: what the pointer selects.
        search: what is looked for, while somebody does.
        link: the link under the pointer.
        shape: of the pointer.
    """

    def __init__(self, screen: Screen, atlas: Atlas, layout: Layout, scheme: Scheme, dpi: int) -> None:
        """Begin with nothing painted.

        Args:
            screen: what to show.
            atlas: the glyphs.
            layout: where.
            scheme: the colours; its palette is the screen's already.
            dpi: of the owner's screen, for the pointer.
        """
        self._screen = screen
        self._atlas = atlas
        self._layout = layout
        self._dpi = dpi
        self._painter = Painter(screen, atlas, layout.sheet, bold_brightens=scheme.bold_brightens)
        self.bar = ScrollBar()
        self.picker = Picker(screen)
        self.search: Search | None = None
        self.link: Target | None = None
        self.shape = TEXT
        self._highlight = Highlight()
        self._search_line = SearchLine()
        self._shown_shape = ""

    def place(self, layout: Layout) -> None:
        """Take another size."""
        self._layout = layout
        self._painter.place(layout.sheet)
        self.bar.forget()

    def forget(self) -> None:
        """The browser may know nothing: paint everything next time."""
        self._painter.forget()
        self._highlight.forget()
        self._search_line.forget()
        self.bar.forget()
        self._shown_shape = ""

    @property
    def blinks(self) -> bool:
        """Some text blinks: call `blink` now and then."""
        return self._painter.blinks

    def blink(self) -> None:
        """Let text that blinks vanish, or come back, with the next `paint`."""
        self._painter.blink()

    def paint(self) -> list[Op]:
        """What changed since the last time."""
        layout, screen = self._layout, self._screen
        ops = self._painter.paint()
        ops += self._highlight.paint(layout, screen, self._marks())
        ops += self.bar.paint(layout, screen.history_rows, screen.offset)
        ops += self._search_line.paint(layout, self._atlas, screen.palette, self.search)
        if self.shape != self._shown_shape:
            self._shown_shape = self.shape
            ops.append(pointer(self.shape, self._dpi))
        return ops

    def _marks(self) -> list[Mark]:
        marks = self.search.marks() if self.search is not None else []
        first = self._screen.top - self._screen.offset
        shown = range(first, first + self._screen.rows)
        marks += [Mark(span) for span in self.picker.selection.spans(shown)]
        if self.link is not None:
            marks += [Mark(span, Tint.LINK) for span in self.link.spans]
        return marks
