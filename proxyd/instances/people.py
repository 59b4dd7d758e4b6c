"""What people do at a terminal: keys, pointer, clipboard, search. Some of it is for Fanlight, the rest for the program."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from proxyd.terminal.keys import character
from proxyd.terminal.lines import to_text
from proxyd.terminal.links import link_at
from proxyd.terminal.pointers import ARROW, HAND, TEXT
from proxyd.terminal.searching import Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.instances.console import Console
    from proxyd.terminal.view import View

__all__ = ["People"]

WHEEL_ROWS = 3
"""Rows of scrollback for a notch of the wheel."""
END = 1 << 30
"""Rows beyond any scrollback."""
SAVED_AS = "terminal.txt"
"""The name under which the scrollback is offered."""

_SHIFT, _ALT, _CONTROL, _META = 1, 2, 4, 8
_MODIFIERS = {
    0xFFE1: _SHIFT, 0xFFE2: _SHIFT, 0xFFE3: _CONTROL, 0xFFE4: _CONTROL, 0xFFE9: _ALT, 0xFFEA: _ALT,
    0xFFE7: _META, 0xFFE8: _META, 0xFFEB: _META, 0xFFEC: _META, 0xFFED: _META, 0xFFEE: _META,
}  # fmt: skip
"""Keys that only change what others do."""
_LEFT, _MIDDLE, _RIGHT, _WHEEL_UP, _WHEEL_DOWN = 1, 2, 4, 8, 16

_PAGE_UP, _PAGE_DOWN, _HOME, _UP, _DOWN, _KEY_END = 0xFF55, 0xFF56, 0xFF50, 0xFF52, 0xFF54, 0xFF57
_BACKSPACE, _RETURN, _KEYPAD_ENTER, _ESCAPE, _INSERT = 0xFF08, 0xFF0D, 0xFF8D, 0xFF1B, 0xFF63


class People:
    """Whoever may touch one console; the session lets nobody else through."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pressed: set[int] = set()
        self._buttons = 0
        self._clipboard = ""
        self._cell = (-1, -1)

    # -- keys ------------------------------------------------------------------------------------------------------

    def key(self, keysym: int, pressed: bool) -> None:
        """See `Instance.key`."""
        console = self._console
        view = console.view
        if view is None:
            return
        repeat = pressed and keysym in self._pressed
        (self._pressed.add if pressed else self._pressed.discard)(keysym)
        modifiers = self._modifiers
        if not pressed:
            console.write(console.terminal.key_released(keysym, modifiers))
        elif shortcut := _SHORTCUTS.get((modifiers, _upper(keysym))):
            shortcut(self, view)
        elif modifiers == _SHIFT and keysym in _SCROLLING and not console.terminal.screen.alternate:
            pages, rows = _SCROLLING[keysym]
            self._scroll(pages * (console.terminal.screen.rows - 1) + rows)
        elif view.search is not None:
            self._search_key(view, view.search, keysym, modifiers)
        elif data := console.terminal.key(keysym, modifiers, repeat=repeat):
            console.type(data)

    @property
    def _modifiers(self) -> int:
        found = 0
        for keysym in self._pressed:
            found |= _MODIFIERS.get(keysym, 0)
        return found

    def _scroll(self, rows: int) -> None:
        self._console.terminal.screen.scroll_view(rows)
        self._console.changed()

    def _search_key(self, view: View, search: Search, keysym: int, modifiers: int) -> None:
        """A key while somebody searches."""
        if keysym == _ESCAPE:
            view.search = None
        elif keysym == _UP or (keysym in {_RETURN, _KEYPAD_ENTER} and not modifiers):
            search.older()
        elif keysym == _DOWN or keysym in {_RETURN, _KEYPAD_ENTER}:
            search.newer()
        elif keysym == _BACKSPACE:
            search.type("\x7f")
        elif (modifiers, _upper(keysym)) == (_CONTROL, ord("U")):
            search.type("\x15")
        elif not modifiers & ~_SHIFT:
            search.type(character(keysym))
        self._console.changed()

    # -- what keys are for -----------------------------------------------------------------------------------------

    def search(self, view: View) -> None:
        """Look for text in the scrollback."""
        if view.search is None:
            view.search = Search(self._console.terminal.screen)
        self._console.changed()

    def save(self, view: View) -> None:
        """Offer scrollback and screen as a text file."""
        self._console.offer("".join(to_text(self._console.terminal.screen)), SAVED_AS)

    def clear(self, view: View) -> None:
        """Forget the scrollback."""
        self._console.terminal.screen.clear_history()
        self._console.changed()

    def enlarge(self, view: View) -> None:
        """Make the text larger."""
        self._console.change("font-size", str(self._console.options.font_size + 1))

    def shrink(self, view: View) -> None:
        """Make the text smaller."""
        self._console.change("font-size", str(self._console.options.font_size - 1))

    def copy(self, view: View) -> None:
        """Copy what is selected; it was copied when it was selected, but the clipboard may hold something else now."""
        self._put_on_clipboard(view.picker.selection.text() if view.picker.selection.active else "")

    def _put_on_clipboard(self, text: str) -> None:
        if text and self._console.copy(text):
            self._clipboard = text

    def take_clipboard(self, text: str) -> None:
        """See `Instance.paste`: a viewer's clipboard; it is pasted when a key or button says so."""
        self._clipboard = text

    def paste(self, view: View) -> None:
        """Type what is on the clipboard."""
        console = self._console
        if not console.options.pastes or not self._clipboard:
            return
        if view.search is not None:
            view.search.type(self._clipboard.partition("\n")[0])
            console.changed()
        else:
            console.type(console.terminal.paste(self._clipboard))

    # -- pointer ---------------------------------------------------------------------------------------------------

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """See `Instance.pointer`."""
        view = self._console.view
        if view is None:
            return
        before, self._buttons = self._buttons, buttons
        pressed, released = buttons & ~before, before & ~buttons
        layout, screen = self._console.layout, self._console.terminal.screen
        reports = self._console.terminal.wants_mouse and not self._modifiers & _SHIFT
        over_bar = layout.in_lane(x) and screen.history_rows > 0
        self._hover(view, x, y, over_bar=over_bar, reports=reports)
        if view.bar.held or (pressed & _LEFT and over_bar):
            self._drag_bar(view, y, pressed, released)
        elif pressed & _LEFT and view.link is not None:
            self._console.follow(view.link.uri)
        elif view.picker.held or (pressed & _LEFT and not reports):
            self._pick(view, x, y, pressed, released)
        elif reports:
            self._report(x, y, buttons)
        elif pressed & (_WHEEL_UP | _WHEEL_DOWN):
            self._wheel(1 if pressed & _WHEEL_UP else -1)
        elif released & (_MIDDLE | _RIGHT):
            self.paste(view)

    def _drag_bar(self, view: View, y: int, pressed: int, released: int) -> None:
        layout, screen = self._console.layout, self._console.terminal.screen
        if pressed & _LEFT:
            offset = view.bar.press(layout, screen.history_rows, screen.offset, y)
        else:
            offset = view.bar.drag(layout, screen.history_rows, y)
        if released & _LEFT:
            view.bar.release()
        self._scroll(offset - screen.offset)

    def _pick(self, view: View, x: int, y: int, pressed: int, released: int) -> None:
        """Select with the left button; what is selected is copied when the button goes up."""
        layout, screen, picker = self._console.layout, self._console.terminal.screen, view.picker
        if not pressed & _LEFT and not layout.margin <= y < layout.height - layout.margin:
            screen.scroll_view(1 if y < layout.margin else -1)
        place = screen.top - screen.offset + layout.row_at(y), layout.column_at(x)
        modifiers = self._modifiers
        if pressed & _LEFT:
            picker.press(
                *place, time.monotonic(), extend=bool(modifiers & _SHIFT), block=bool(modifiers & _ALT)
            )
        else:
            picker.drag(*place)
        if released & _LEFT:
            self._put_on_clipboard(picker.release())
        self._console.changed()

    def _report(self, x: int, y: int, buttons: int) -> None:
        """Tell the program."""
        console, layout = self._console, self._console.layout
        place = layout.column_at(x), layout.row_at(y)
        pixel = x - layout.margin, y - layout.margin
        data = console.terminal.mouse(*place, buttons, self._modifiers, *pixel)
        if data:
            console.write(data, hurry=True)

    def _wheel(self, notches: int) -> None:
        data = self._console.terminal.wheel(notches)
        if data:
            self._console.type(data)
        else:
            self._scroll(notches * WHEEL_ROWS)

    def _hover(self, view: View, x: int, y: int, *, over_bar: bool, reports: bool) -> None:
        """Show what the pointer is over: the scroll bar, a link while Control is held, else text."""
        layout, screen = self._console.layout, self._console.terminal.screen
        link = None
        if self._modifiers & _CONTROL and not (over_bar or reports):
            link = link_at(screen, screen.top - screen.offset + layout.row_at(y), layout.column_at(x))
        shape = ARROW if over_bar or reports else HAND if link else TEXT
        if (shape, over_bar, link) != (view.shape, view.bar.wanted, view.link):
            view.shape, view.bar.wanted, view.link = shape, over_bar, link
            self._console.changed()


def _upper(keysym: int) -> int:
    """Latin letters as capitals: shortcuts do not care."""
    return keysym - 0x20 if 0x61 <= keysym <= 0x7A else keysym


_SCROLLING = {
    _PAGE_UP: (1, 0), _PAGE_DOWN: (-1, 0), _UP: (0, 1), _DOWN: (0, -1), _HOME: (0, END), _KEY_END: (0, -END),
}  # fmt: skip
"""With Shift: pages and rows to scroll back."""

_SHORTCUTS: dict[tuple[int, int], Callable[[People, View], None]] = {
    (_CONTROL | _SHIFT, ord("V")): People.paste,
    (_META, ord("V")): People.paste,
    (_SHIFT, _INSERT): People.paste,
    (_CONTROL | _SHIFT, ord("C")): People.copy,
    (_META, ord("C")): People.copy,
    (_CONTROL | _SHIFT, ord("F")): People.search,
    (_CONTROL | _SHIFT, ord("S")): People.save,
    (_CONTROL | _SHIFT, ord("K")): People.clear,
    (_CONTROL, ord("+")): People.enlarge,
    (_CONTROL | _SHIFT, ord("+")): People.enlarge,
    (_CONTROL, ord("-")): People.shrink,
}
"""Modifiers and key to what they do."""
