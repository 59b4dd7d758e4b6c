"""What people do at a terminal: keys, pointer, clipboard, search. Some of it is for Fanlight, the rest for the program."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from proxyd.instances.text_view import visible_text
from proxyd.terminal.keys import character
from proxyd.terminal.lines import to_text
from proxyd.terminal.links import link_at
from proxyd.terminal.pointers import ARROW, HAND, TEXT
from proxyd.terminal.searching import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxyd.instances.console import Console
    from proxyd.terminal.view import View

__all__ = ["People"]

WHEEL_ROWS = 3
"""Rows of scrollback for a notch of the wheel."""
END = 1 << 30
"""Rows beyond any scrollback."""
SAVED_AS = "terminal.txt"
"""The name under which the scrollback is offered."""
SEARCH_PIPE = "fanlight-search"
"""The stream that carries which match this is and how many there are."""

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
        self._tells_search = False

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
            self._console.scroll(pages * (console.terminal.screen.rows - 1) + rows)
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

    def _search_key(self, view: View, search: Search, keysym: int, modifiers: int) -> None:
        """A key while somebody searches."""
        if keysym == _ESCAPE:
            self._end_search(view)
        elif keysym == _UP or (keysym in {_RETURN, _KEYPAD_ENTER} and not modifiers):
            self._step(search, search.older)
        elif keysym == _DOWN or keysym in {_RETURN, _KEYPAD_ENTER}:
            self._step(search, search.newer)
        elif keysym == _BACKSPACE:
            self._look(search, "\x7f")
        elif (modifiers, _upper(keysym)) == (_CONTROL, ord("U")):
            self._look(search, "\x15")
        elif not modifiers & ~_SHIFT:
            self._look(search, character(keysym))

    # -- searching -------------------------------------------------------------------------------------------------

    def _look(self, search: Search, typed: str) -> None:
        """Change what is looked for."""
        before = search.text
        search.type(typed)
        if search.text != before or search.stale:
            self._console.slices.stop("scroll")
            self._console.slices.start("search", self._looking(search), self._found)
        self._found()

    def _looking(self, search: Search) -> Iterator[None]:
        for news in search.look():
            if news:
                self._found()
            yield

    def _step(self, search: Search, step: Callable[[], None]) -> None:
        """Go to another match."""
        if search.stale:
            self._look(search, "")
        else:
            step()
            self._found()

    def _found(self) -> None:
        """Show what was found so far."""
        view = self._console.view
        if view is not None and view.search is not None and self._tells_search:
            self._console.tell(SEARCH_PIPE, f"{view.search.current} {view.search.count}")
        self._console.changed()

    def _end_search(self, view: View) -> None:
        self._tells_search = False
        self._console.slices.stop("search")
        view.search = None
        self._console.changed()

    # -- what the page's menu asks for -------------------------------------------------------------------------------

    @property
    def commands(self) -> list[str]:
        """What the page may ask for."""
        allowed = set(_COMMANDS) if self._console.options.copies else _COMMANDS.keys() - _COPYING
        return sorted(allowed)

    def command(self, text: str) -> None:
        """A word of `_COMMANDS`, and what it is to be done with; see docs/reference/shell.md."""
        word, _, rest = text.partition(" ")
        view = self._console.view
        if view is not None and word in _COMMANDS:
            _COMMANDS[word](self, view, rest)

    def search_for(self, view: View, text: str) -> None:
        """Look for this text instead of another; nothing ends the search."""
        if not text:
            self._end_search(view)
            return
        self._tells_search = True
        if view.search is None:
            view.search = Search(self._console.terminal.screen)
        self._look(view.search, "\x15" + text)

    def go_older(self, view: View, _: str) -> None:
        """To the match before."""
        if view.search is not None:
            self._step(view.search, view.search.older)

    def go_newer(self, view: View, _: str) -> None:
        """To the match after."""
        if view.search is not None:
            self._step(view.search, view.search.newer)

    def copy_any(self, view: View, _: str) -> None:
        """Copy what is selected, else what is in view."""
        selection = view.picker.selection
        self._put_on_clipboard(
            selection.text() if selection.active else visible_text(self._console.terminal.screen)
        )

    def show_text(self, wanted: str) -> None:
        """Tell the page what is on the screen from now on (`on`), or no more."""
        self._console.show_text(wanted=wanted == "on")

    # -- what keys are for -----------------------------------------------------------------------------------------

    def search(self, view: View) -> None:
        """Look for text in the scrollback."""
        if view.search is None:
            view.search = Search(self._console.terminal.screen)
        self._console.changed()

    def save(self, view: View) -> None:
        """Offer scrollback and screen as a text file."""
        parts: list[str] = []
        collecting = map(parts.append, to_text(self._console.terminal.screen))
        self._console.slices.start("save", collecting, lambda: self._console.offer("".join(parts), SAVED_AS))

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
            self._look(view.search, self._clipboard.partition("\n")[0])
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
        self._console.scroll_to(offset)

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
            self._console.scroll(notches * WHEEL_ROWS)

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

_COMMANDS: dict[str, Callable[[People, View, str], None]] = {
    "search": People.search_for,
    "older": People.go_older,
    "newer": People.go_newer,
    "copy": People.copy_any,
    "clear": lambda people, view, _: people.clear(view),
    "save": lambda people, view, _: people.save(view),
    "text": lambda people, _, rest: people.show_text(rest),
}
"""What the page's menu can ask for."""
_COPYING = {"copy", "save", "text"}
"""What needs the right to copy."""
