"""Searching in scrollback: what is looked for, what was found, and the line at the bottom where it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.display.ops import Move, Op, Shade, Size
from proxyd.terminal.cells import Flag, Style
from proxyd.terminal.compose import Cells, compose
from proxyd.terminal.graphemes import cell_width
from proxyd.terminal.highlight import Mark, Tint
from proxyd.terminal.looks import Looks
from proxyd.terminal.search import find_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.terminal.glyphs import Atlas
    from proxyd.terminal.layout import Layout
    from proxyd.terminal.lines import Span
    from proxyd.terminal.screen import Screen

__all__ = ["SEARCH_LAYER", "Search", "SearchLine"]

SEARCH_LAYER = 4
SEARCH_Z = 4
MAX_TEXT = 200
"""Characters that can be searched for."""
MATCH_LIMIT = 1000
"""Matches that are counted; the newest ones, if there are more."""

_LINE = Style(flags=Flag.INVERSE)
_HINTS = "  ↑ older  ↓ newer  Esc ends "


class Search:
    """One search through a screen and its scrollback; the newest match comes first.

    Looking takes a while in a long scrollback: whoever changed the text goes through `look`, at their pace.

    Attributes:
        text: what is looked for.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._epoch = screen.epoch
        self.text = ""
        self._matches: list[list[Span]] = []
        self._current = 0
        self._more = False

    def type(self, typed: str) -> None:
        """Change the text by what a program would get: characters, backspace, Control-U."""
        for character in typed:
            if character in "\x7f\b":
                self.text = self.text[:-1]
            elif character == "\x15":
                self.text = ""
            elif character.isprintable() and len(self.text) < MAX_TEXT:
                self.text += character

    def look(self) -> Iterator[bool]:
        """Find the text; each step says whether there is something new to see."""
        self._epoch = self._screen.epoch
        self._matches = []
        self._current = 0
        self._more = bool(self.text)
        if not self.text:
            return
        for match in find_text(self._screen, self.text):
            if self._epoch != self._screen.epoch or len(self._matches) >= MATCH_LIMIT:
                return
            if match is not None:
                self._matches.append(match)
                if len(self._matches) == 1:
                    self._show()
            yield match is not None and len(self._matches) == 1
        self._more = False

    @property
    def stale(self) -> bool:
        """The lines have lost their numbers since: look again."""
        return self._epoch != self._screen.epoch

    def older(self) -> None:
        """Go to the match before this one."""
        self._step(1)

    def newer(self) -> None:
        """Go to the match after this one."""
        self._step(-1)

    @property
    def current(self) -> int:
        """Which match this is, 1 is the newest; 0 where there is none."""
        return self._current + 1 if self._matches else 0

    @property
    def count(self) -> str:
        """How many matches there are; with a plus while not everything was looked at."""
        return f"{len(self._matches)}{'+' if self._more else ''}"

    @property
    def status(self) -> str:
        """How many matches there are, and which this is."""
        if not self.text:
            return ""
        if not self._matches:
            return "…" if self._more else "not found"
        return f"{self.current} of {self.count}"

    def marks(self) -> list[Mark]:
        """What was found, to be tinted; none if the lines have lost their numbers meanwhile."""
        if self.stale:
            return []
        return [
            Mark(span, Tint.CURRENT if index == self._current else Tint.FOUND)
            for index, match in enumerate(self._matches)
            for span in match
        ]

    def _step(self, by: int) -> None:
        if self._matches and not self.stale:
            self._current = (self._current + by) % len(self._matches)
            self._show()

    def _show(self) -> None:
        """Scroll so that the current match is in view."""
        screen = self._screen
        number = self._matches[self._current][0].number
        row = number - (screen.top - screen.offset)
        if not 0 <= row < screen.rows - 1:
            screen.scroll_view(screen.rows // 2 - row)


class SearchLine:
    """The line where a search is typed, at the bottom of the picture."""

    def __init__(self) -> None:
        self._shown: tuple[object, ...] | None = None

    def forget(self) -> None:
        """The browser may know nothing."""
        self._shown = None

    def paint(self, layout: Layout, atlas: Atlas, palette: list[int], search: Search | None) -> list[Op]:
        """What changed.

        Args:
            layout: of the picture.
            atlas: the glyphs.
            palette: of the screen.
            search: the search, while there is one.
        """
        if search is None:
            hidden, self._shown = self._shown is not None, None
            return [Shade(SEARCH_LAYER, 0)] if hidden else []
        text = _cells(f" Find: {search.text}_", f"{search.status}{_HINTS}", layout.columns)
        wanted = layout, tuple(palette), tuple(text)
        if wanted == self._shown:
            return []
        cell = layout.cell
        looks = Looks(palette, reverse=False, bold_brightens=False)
        ops: list[Op] = [Size(layout.columns * cell.width, cell.height, SEARCH_LAYER)]
        ops += compose(Cells([text], [[_LINE] * len(text)]), 0, 0, atlas, looks, SEARCH_LAYER)
        y = layout.margin + (layout.rows - 1) * cell.height
        ops += [Move(SEARCH_LAYER, 0, layout.margin, y, SEARCH_Z), Shade(SEARCH_LAYER, 255)]
        self._shown = wanted
        return ops


def _cells(left: str, right: str, columns: int) -> list[str]:
    """A row of cells with text at both ends; the left one is cut at its beginning, the right one may be left out."""
    room = columns - len(right)
    cells = _split(left)
    if len(cells) > room:
        room, right = columns, ""
    cells = cells[-room:]
    if cells and not cells[0]:
        cells[0] = " "
    return [*cells, *" " * (room - len(cells)), *right]


def _split(text: str) -> list[str]:
    cells: list[str] = []
    for character in text:
        width = cell_width(character)
        cells += [character, ""][:width]
    return cells
