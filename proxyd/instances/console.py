"""A terminal and the people at it: frames for them, their keys, pointer and pastes for the program. It knows no SSH."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from proxyd.instances.dialogue import Question, printable
from proxyd.terminal.events import ClipboardSet, Event, TitleChanged
from proxyd.terminal.glyphs import find_atlas
from proxyd.terminal.keys import KeyOptions
from proxyd.terminal.layout import Layout, font_pixels
from proxyd.terminal.schemes import find_scheme
from proxyd.terminal.terminal import Terminal
from proxyd.terminal.view import View
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.display.ops import Rect
    from proxyd.instances.base import Desk
    from proxyd.instances.parameters import Arguments
    from proxyd.terminal.glyphs import Atlas
    from proxyd.terminal.picking import Picker

__all__ = ["EDITABLE", "Console", "ConsoleOptions", "Program"]

EDITABLE = frozenset({"color-scheme", "font-name", "font-size"})
"""What can be changed while a session runs."""
MIN_POINTS, MAX_POINTS = 4, 96
RESIZE_AFTER = 0.03
"""Seconds without a further change after which another size is taken."""
WHEEL_ROWS = 3
"""Rows of scrollback for a notch of the wheel."""
HOLD = 0.15
"""Seconds for which a program may hold back painting (mode 2026)."""
CLEAR = b"\x1b[H\x1b[2J\x1b[3J"

_SHIFT, _ALT, _CONTROL, _META = 1, 2, 4, 8
_MODIFIERS = {
    0xFFE1: _SHIFT, 0xFFE2: _SHIFT, 0xFFE3: _CONTROL, 0xFFE4: _CONTROL, 0xFFE9: _ALT, 0xFFEA: _ALT,
    0xFFE7: _META, 0xFFE8: _META, 0xFFEB: _META, 0xFFEC: _META, 0xFFED: _META, 0xFFEE: _META,
}  # fmt: skip
"""Keys that only change what others do."""

_LEFT, _MIDDLE, _RIGHT, _WHEEL_UP, _WHEEL_DOWN = 1, 2, 4, 8, 16

_INSERT = 0xFF63
_PASTE_KEYS = {(_CONTROL | _SHIFT, ord("V")), (_META, ord("V")), (_SHIFT, _INSERT)}
_COPY_KEYS = {(_CONTROL | _SHIFT, ord("C")), (_META, ord("C"))}
_SCROLL_KEYS = {
    0xFF55: (1, 0), 0xFF56: (-1, 0),  # Page Up, Page Down
    0xFF52: (0, 1), 0xFF54: (0, -1),  # Up, Down
    0xFF50: (0, 1 << 30), 0xFF57: (0, -(1 << 30)),  # Home, End
}  # fmt: skip
"""With Shift: pages and rows to scroll back."""


class Program(Protocol):
    """What runs in the terminal."""

    def write(self, data: bytes) -> None:
        """Give it input from people."""

    def reply(self, data: bytes) -> None:
        """Give it an answer of the terminal, unless it reads nothing."""

    def resize(self, columns: int, rows: int, width: int, height: int) -> None:
        """Tell it the terminal's size: cells, and their pixels."""


class ConsoleOptions(NamedTuple):
    """What a connection says about its terminal; guacd's parameters of the same names."""

    font_name: str
    font_size: int
    color_scheme: str
    scrollback: int
    keys: KeyOptions
    copies: bool
    pastes: bool

    @classmethod
    def from_arguments(cls, arguments: Arguments) -> ConsoleOptions:
        """Out of connection parameters."""
        return cls(
            arguments.text("font-name"),
            arguments.number("font-size"),
            arguments.text("color-scheme"),
            arguments.number("scrollback"),
            KeyOptions(
                arguments.number("backspace"),
                arguments.text("func-keys-and-keypad") == "vt100",
                arguments.text("terminal-type") == "linux",
            ),
            not arguments.flag("disable-copy"),
            not arguments.flag("disable-paste"),
        )


class Console:
    """Between a session's desk and a program.

    Attributes:
        terminal: interprets what the program writes.
    """

    def __init__(self, desk: Desk, options: ConsoleOptions, handle: Callable[[Event], None]) -> None:
        """Nothing is shown before `open`.

        Args:
            desk: the session.
            options: the connection's.
            handle: told of what the program asks for beyond its screen, but titles and clipboards.
        """
        self.terminal = Terminal(80, 24, scrollback=options.scrollback)
        self.terminal.key_options = options.keys
        self.terminal.clipboard_allowed = options.copies
        self._desk = desk
        self._options = options
        self._handle = handle
        self._view: View | None = None
        self._open = False
        self._program: Program | None = None
        self._question: tuple[Question, asyncio.Future[str]] | None = None
        self._requested = False
        self._held_since: float | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pressed: set[int] = set()
        self._buttons = 0
        self._clipboard = ""

    # -- life ------------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Find the font and take the size of the owner's window."""
        self._use(self._options, await asyncio.to_thread(self._find_atlas, self._options))

    def open(self) -> None:
        """Show the terminal from now on."""
        if self._open:
            return
        self._open = True
        for name in sorted(EDITABLE):
            self._announce(name)
        self._draw()

    def attach(self, program: Program) -> None:
        """Let people use a program."""
        self._program = program

    def close(self) -> None:
        """Draw nothing any more; a question stays without an answer."""
        self._open = False
        self._program = None
        for timer in self._timers.values():
            timer.cancel()
        if self._question is not None:
            self._question[1].cancel()

    # -- the program's side ----------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Interpret output of the program, and show it if a frame is wanted."""
        self.terminal.feed(data)
        self._reply()
        for event in self.terminal.take_events():
            match event:
                case TitleChanged(title):
                    self._desk.title(title)
                case ClipboardSet(text):
                    self._copy(text)
                case _:
                    self._handle(event)
        self._draw()

    def show(self, text: str) -> None:
        """Show what a server has to say; nothing in it is trusted."""
        self.open()
        self.feed(printable(text).encode())

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """Ask the person at the terminal.

        Raises:
            StatusError: they gave up.
        """
        self.show(prompt)
        question = Question(secret=secret)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._question = question, answer
        try:
            return await answer
        finally:
            self._question = None

    def clear(self) -> None:
        """Forget questions and answers."""
        self.feed(CLEAR)

    def _write(self, data: bytes) -> None:
        if data and self._program is not None:
            self._program.write(data)

    def _reply(self) -> None:
        replies = self.terminal.take_replies()
        if replies and self._program is not None:
            self._program.reply(replies)

    def _copy(self, text: str) -> None:
        if self._options.copies:
            self._clipboard = text
            self._desk.clipboard(text)

    # -- frames ----------------------------------------------------------------------------------------------------

    def request_frame(self, region: Rect | None) -> None:
        """See `Instance.request_frame`."""
        self._requested = True
        if region is not None and self._view is not None:
            self._view.forget()
            self._held_since = 0.0
        self._draw()

    def _draw(self) -> None:
        """Answer the request for a frame, if there is one and something to show."""
        if not self._requested or not self._open or self._view is None or self._holds_back():
            return
        ops = self._view.paint()
        if ops:
            self._requested = False
            self._desk.draw(ops, last=True)

    def _holds_back(self) -> bool:
        """Whether the program is in the middle of a frame of its own, and has not been for too long."""
        if not self.terminal.screen.synchronized:
            self._held_since = None
            return False
        now = time.monotonic()
        if self._held_since is None:
            self._held_since = now
            self._later("hold", HOLD, self._draw)
        return now - self._held_since < HOLD

    def _later(self, name: str, delay: float, call: Callable[[], None]) -> None:
        """Call once, later; a second time of the same name replaces the first."""
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(delay, call)

    def _changed(self) -> None:
        """A person did something that shows: draw without waiting for the tick."""
        self._desk.hurry()
        self._draw()

    # -- size and looks --------------------------------------------------------------------------------------------

    def resize(self) -> None:
        """The desk has another size. A dragged window edge makes many; the last one counts."""
        self._later("resize", RESIZE_AFTER, self._fit)

    def change(self, name: str, value: str) -> None:
        """See `Instance.change`. What makes no sense changes nothing."""
        options = self._changed_options(name, value)
        if options is None:
            self._announce(name)
            return
        found = asyncio.get_running_loop().run_in_executor(None, self._find_atlas, options)
        found.add_done_callback(lambda done: self._take(name, options, done))

    def _changed_options(self, name: str, value: str) -> ConsoleOptions | None:
        match name:
            case "color-scheme":
                return self._options._replace(color_scheme=value)
            case "font-name":
                return self._options._replace(font_name=value)
            case "font-size" if value.isascii() and value.isdecimal():
                return self._options._replace(font_size=max(MIN_POINTS, min(int(value[:4]), MAX_POINTS)))
        return None

    def _take(self, name: str, options: ConsoleOptions, found: asyncio.Future[Atlas]) -> None:
        if self._open and not found.cancelled():
            self._use(options, found.result())
            self._announce(name)
            self._changed()

    def _announce(self, name: str) -> None:
        self._desk.argument(name, str(getattr(self._options, name.replace("-", "_"))))

    def _find_atlas(self, options: ConsoleOptions) -> Atlas:
        return find_atlas(options.font_name, font_pixels(options.font_size, self._desk.dpi))

    def _use(self, options: ConsoleOptions, atlas: Atlas) -> None:
        """Take other looks."""
        scheme = find_scheme(options.color_scheme)
        if self._view is None or options.color_scheme != self._options.color_scheme:
            self.terminal.screen.set_palette(scheme.palette)
        self._options = options
        self._layout = Layout.fit(self._desk.width, self._desk.height, self._desk.dpi, atlas.cell)
        self._view = View(self.terminal.screen, atlas, self._layout, scheme)
        self._size_changed()

    def _fit(self) -> None:
        """Take the size of the owner's window."""
        if self._view is not None:
            self._layout = Layout.fit(self._desk.width, self._desk.height, self._desk.dpi, self._layout.cell)
            self._view.place(self._layout)
            self._size_changed()
            self._changed()

    def _size_changed(self) -> None:
        layout = self._layout
        self.terminal.cell_size = layout.cell.width, layout.cell.height
        self.terminal.resize(layout.columns, layout.rows)
        if self._program is not None:
            self._program.resize(*self.size)
        self._reply()

    @property
    def size(self) -> tuple[int, int, int, int]:
        """Columns, rows, and both in pixels."""
        columns, rows, cell = self._layout.columns, self._layout.rows, self._layout.cell
        return columns, rows, columns * cell.width, rows * cell.height

    # -- people ----------------------------------------------------------------------------------------------------

    def key(self, keysym: int, pressed: bool) -> None:
        """See `Instance.key`."""
        if not self._open:
            return
        repeat = pressed and keysym in self._pressed
        (self._pressed.add if pressed else self._pressed.discard)(keysym)
        modifiers = self._modifiers
        if not pressed:
            self._write(self.terminal.key_released(keysym, modifiers))
        elif not self._shortcut(keysym, modifiers):
            data = self.terminal.key(keysym, modifiers, repeat=repeat)
            if data:
                self._type(data)

    @property
    def _modifiers(self) -> int:
        found = 0
        for keysym in self._pressed:
            found |= _MODIFIERS.get(keysym, 0)
        return found

    def _type(self, data: bytes) -> None:
        """Input from a person: for the question that is open, else for the program."""
        self.terminal.screen.scroll_view(-self.terminal.screen.offset)
        if self._question is None:
            self._desk.hurry()
            self._write(data)
            self._draw()
            return
        question, answer = self._question
        shown = question.type(data.decode("utf-8", "replace"))
        if question.answered and not answer.done():
            if question.answer is None:
                answer.set_exception(
                    StatusError(Status.CLIENT_UNAUTHORIZED, "Signing in was given up.", Hop.SIGN_IN)
                )
            else:
                answer.set_result(question.answer)
        self._desk.hurry()
        self.feed(shown.encode())

    def _shortcut(self, keysym: int, modifiers: int) -> bool:
        """Keys that are for Fanlight, not for the program."""
        upper = keysym & ~0x20 if 0x61 <= keysym <= 0x7A else keysym
        if (modifiers, upper) in _PASTE_KEYS:
            self._paste_clipboard()
        elif (modifiers, upper) in _COPY_KEYS:
            pass  # what is selected was copied already
        elif modifiers == _SHIFT and upper in _SCROLL_KEYS and not self.terminal.screen.alternate:
            pages, rows = _SCROLL_KEYS[upper]
            self._scroll(pages * (self.terminal.screen.rows - 1) + rows)
        else:
            return False
        return True

    def _scroll(self, rows: int) -> None:
        self.terminal.screen.scroll_view(rows)
        self._changed()

    def paste(self, text: str) -> None:
        """See `Instance.paste`: a viewer's clipboard; pasted when a key or button says so."""
        if self._options.pastes:
            self._clipboard = text

    def _paste_clipboard(self) -> None:
        if self._options.pastes and self._clipboard:
            self._type(self.terminal.paste(self._clipboard))

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """See `Instance.pointer`."""
        if self._open and self._view is not None:
            before, self._buttons = self._buttons, buttons
            self._pointer(self._view, x, y, before, buttons)

    def _pointer(self, view: View, x: int, y: int, before: int, buttons: int) -> None:
        pressed, released = buttons & ~before, before & ~buttons
        screen, layout = self.terminal.screen, self._layout
        if view.bar.held:
            screen.scroll_view(view.bar.drag(layout, screen.history_rows, y) - screen.offset)
            if released & _LEFT:
                view.bar.release()
            self._changed()
        elif pressed & _LEFT and layout.in_lane(x):
            screen.scroll_view(view.bar.press(layout, screen.history_rows, screen.offset, y) - screen.offset)
            self._changed()
        elif self.terminal.wants_mouse and not self._modifiers & _SHIFT:
            place = layout.column_at(x), layout.row_at(y)
            pixel = x - layout.margin, y - layout.margin
            data = self.terminal.mouse(*place, buttons, self._modifiers, *pixel)
            if data:
                self._desk.hurry()
                self._write(data)
        elif pressed & _LEFT or view.picker.held:
            self._pick(view.picker, x, y, pressed, released)
        elif pressed & (_WHEEL_UP | _WHEEL_DOWN):
            self._wheel(1 if pressed & _WHEEL_UP else -1)
        elif released & (_MIDDLE | _RIGHT):
            self._paste_clipboard()
        wanted = layout.in_lane(x)
        if wanted != view.bar.wanted:
            view.bar.wanted = wanted
            self._changed()

    def _pick(self, picker: Picker, x: int, y: int, pressed: int, released: int) -> None:
        """Select with the left button; what is selected is copied when the button goes up."""
        screen, layout = self.terminal.screen, self._layout
        if not pressed & _LEFT and not layout.margin <= y < layout.height - layout.margin:
            screen.scroll_view(1 if y < layout.margin else -1)
        place = screen.top - screen.offset + layout.row_at(y), layout.column_at(x)
        if pressed & _LEFT:
            modifiers = self._modifiers
            picker.press(
                *place, time.monotonic(), extend=bool(modifiers & _SHIFT), block=bool(modifiers & _ALT)
            )
        else:
            picker.drag(*place)
        if released & _LEFT:
            text = picker.release()
            if text:
                self._copy(text)
        self._changed()

    def _wheel(self, notches: int) -> None:
        data = self.terminal.wheel(notches)
        if data:
            self._type(data)
        else:
            self._scroll(notches * WHEEL_ROWS)
