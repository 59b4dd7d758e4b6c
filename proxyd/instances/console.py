"""A terminal between a session's desk and a program: frames for the one, input for the other. It knows no SSH."""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from proxyd.instances.dialogue import Question, printable
from proxyd.instances.slices import Slices
from proxyd.instances.text_view import TextView
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

__all__ = ["EDITABLE", "Console", "ConsoleOptions", "Program"]

EDITABLE = frozenset({"color-scheme", "font-name", "font-size"})
"""What can be changed while a session runs."""
MIN_POINTS, MAX_POINTS = 4, 96
RESIZE_AFTER = 0.03
"""Seconds without a further change after which another size is taken."""
PAINT_SHARE = 3
"""Painting takes one part in so many of the time at most: a picture that is slow to paint comes less often."""
SLOW_PAINT = 0.004
"""Seconds; what is quicker is painted whenever it is wanted."""
HOLD = 0.15
"""Seconds for which a program may hold back painting (mode 2026)."""
BLINK_EVERY = 0.5
"""Seconds for which text that blinks is there, and is not."""
TEXT_PIPE = "fanlight-text"
"""The stream that carries what is on the screen."""
CLEAR = b"\x1b[H\x1b[2J\x1b[3J"


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
        slices: work for people that takes long.
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
        self._picture: View | None = None
        self._open = False
        self._program: Program | None = None
        self._question: tuple[Question, asyncio.Future[str]] | None = None
        self._requested = False
        self._held_since: float | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._rest_until = 0.0
        self._scroll_target = 0
        self._text_view: TextView | None = None
        self.slices = Slices()

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
        self.slices.close()
        self.show_text(wanted=False)
        if self._question is not None:
            self._question[1].cancel()

    # -- the program's side ----------------------------------------------------------------------------------------

    def feed(self, data: bytes, work: int = 0) -> bool:
        """Interpret output of the program, and show it if a frame is wanted.

        Args:
            data: what the program wrote.
            work: bounds what is done at once; see `Terminal.feed`.

        Returns:
            Whether some of it is kept for the next call.
        """
        kept = self.terminal.feed(data, work)
        self._reply()
        for event in self.terminal.take_events():
            match event:
                case TitleChanged(title):
                    self._desk.title(title)
                case ClipboardSet(text):
                    self.copy(text)
                case _:
                    self._handle(event)
        self._changed()
        return kept

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

    def _reply(self) -> None:
        replies = self.terminal.take_replies()
        if replies and self._program is not None:
            self._program.reply(replies)

    # -- for people ------------------------------------------------------------------------------------------------

    @property
    def view(self) -> View | None:
        """The picture, while there is one to touch."""
        return self._picture if self._open else None

    @property
    def options(self) -> ConsoleOptions:
        """The connection's, as changed since."""
        return self._options

    @property
    def layout(self) -> Layout:
        """Where things are on the picture."""
        return self._layout

    def type(self, data: bytes) -> None:
        """Input from a person: for the question that is open, else for the program."""
        self.slices.stop("scroll")
        self.terminal.screen.scroll_view(-self.terminal.screen.offset)
        if self._question is None:
            self.write(data, hurry=True)
            self._changed()
            return
        question, answer = self._question
        shown = question.type(data.decode("utf-8", "replace"))
        if question.answered and not answer.done():
            if question.answer is None:
                gave_up = "Signing in was given up."
                answer.set_exception(StatusError(Status.CLIENT_UNAUTHORIZED, gave_up, Hop.SIGN_IN))
            else:
                answer.set_result(question.answer)
        self._desk.hurry()
        self.feed(shown.encode())

    def write(self, data: bytes, *, hurry: bool = False) -> None:
        """Give the program input; `hurry` if a person waits for what comes of it."""
        if data and self._program is not None:
            if hurry:
                self._rest_until = 0.0
                self._desk.hurry()
            self._program.write(data)

    def changed(self) -> None:
        """A person did something that shows: draw without waiting for the tick."""
        self._rest_until = 0.0
        self._desk.hurry()
        self._changed()

    def scroll(self, rows: int) -> None:
        """Scroll back, or towards the present where negative."""
        under_way = self.slices.runs("scroll")
        self.scroll_to((self._scroll_target if under_way else self.terminal.screen.offset) + rows)

    def scroll_to(self, offset: int) -> None:
        """Scroll so many rows back; as far as is possible at once, then the rest."""
        screen = self.terminal.screen
        self._scroll_target = max(offset, 0)
        preparing = iter(lambda: screen.history.prepare(self._scroll_target), True)
        self.slices.start("scroll", preparing, self._arrive)
        if self.slices.runs("scroll"):
            screen.scroll_view(screen.history.ready - screen.offset)
            self.changed()

    def _arrive(self) -> None:
        screen = self.terminal.screen
        screen.scroll_view(self._scroll_target - screen.offset)
        self.changed()

    def copy(self, text: str) -> bool:
        """Put text on everybody's clipboard, if that is allowed."""
        if self._options.copies:
            self._desk.clipboard(text)
        return self._options.copies

    def follow(self, uri: str) -> None:
        """Let the person's browser open a link."""
        self._desk.link(uri)

    def offer(self, text: str, name: str) -> None:
        """Offer text to the owner as a file, if copying is allowed."""
        if self._options.copies:
            self._desk.offer(_Text(text.encode()), name)

    def tell(self, name: str, text: str) -> bool:
        """Tell the owner's page something that it asked for, as a named stream; false where nobody is there."""
        pipe = self._desk.open_pipe(name)
        if pipe is not None:
            pipe.write(text.encode("utf-8", "replace"))
            pipe.close()
        return pipe is not None

    def show_text(self, *, wanted: bool) -> None:
        """Tell the owner's page what is on the screen from now on, or no more; not where copying is not allowed."""
        if self._text_view is not None:
            self._text_view.stop()
            self._text_view = None
        if wanted and self._options.copies:
            self._text_view = TextView(self.terminal.screen, self._tell_text)

    def _tell_text(self, text: str) -> None:
        if not self.tell(TEXT_PIPE, text):
            self.show_text(wanted=False)

    # -- frames ----------------------------------------------------------------------------------------------------

    def request_frame(self, region: Rect | None) -> None:
        """See `Instance.request_frame`."""
        self._requested = True
        if region is not None and self._picture is not None:
            self._picture.forget()
            self._held_since = self._rest_until = 0.0
        self._draw()

    def _changed(self) -> None:
        """The terminal may look different now."""
        if self._text_view is not None:
            self._text_view.touched()
        self._draw()

    def _draw(self) -> None:
        """Answer the request for a frame, if there is one and something to show."""
        if not self._requested or not self._open or self._picture is None or self._holds_back():
            return
        began = time.monotonic()
        ops = self._picture.paint()
        took = time.monotonic() - began
        if took > SLOW_PAINT:
            self._rest_until = began + took * PAINT_SHARE
        if self._picture.blinks and "blink" not in self._timers:
            self._later("blink", BLINK_EVERY, self._blink)
        if ops:
            self._requested = False
            self._desk.draw(ops, last=True)

    def _blink(self) -> None:
        del self._timers["blink"]
        if self._picture is not None and self._requested:
            self._picture.blink()
            self._draw()

    def _holds_back(self) -> bool:
        """Whether to wait: the last picture took long, or the program is in the middle of a frame of its own."""
        now = time.monotonic()
        if now < self._rest_until:
            self._later("rest", self._rest_until - now, self._draw)
            return True
        if not self.terminal.screen.synchronized:
            self._held_since = None
            return False
        if self._held_since is None:
            self._held_since = now
            self._later("hold", HOLD, self._draw)
        return now - self._held_since < HOLD

    def _later(self, name: str, delay: float, call: Callable[[], None]) -> None:
        """Call once, later; a second time of the same name replaces the first."""
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(delay, call)

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
            self.changed()

    def _announce(self, name: str) -> None:
        self._desk.argument(name, str(getattr(self._options, name.replace("-", "_"))))

    def _find_atlas(self, options: ConsoleOptions) -> Atlas:
        return find_atlas(options.font_name, font_pixels(options.font_size, self._desk.dpi))

    def _use(self, options: ConsoleOptions, atlas: Atlas) -> None:
        """Take other looks."""
        scheme = find_scheme(options.color_scheme)
        if self._picture is None or options.color_scheme != self._options.color_scheme:
            self.terminal.screen.set_palette(scheme.palette)
        self._options = options
        desk = self._desk
        self._layout = Layout.fit(desk.width, desk.height, desk.dpi, atlas.cell)
        self._picture = View(self.terminal.screen, atlas, self._layout, scheme, desk.dpi)
        self._size_changed()

    def _fit(self) -> None:
        """Take the size of the owner's window."""
        if self._picture is not None:
            self._layout = Layout.fit(self._desk.width, self._desk.height, self._desk.dpi, self._layout.cell)
            self._picture.place(self._layout)
            self._size_changed()
            self.changed()

    def _size_changed(self) -> None:
        layout, screen = self._layout, self.terminal.screen
        self.terminal.cell_size = layout.cell.width, layout.cell.height
        back = screen.offset
        self.terminal.resize(layout.columns, layout.rows)
        if screen.offset < back:
            self.scroll(back - screen.offset)
        if self._program is not None:
            self._program.resize(*self.size)
        self._reply()

    @property
    def size(self) -> tuple[int, int, int, int]:
        """Columns, rows, and both in pixels."""
        columns, rows, cell = self._layout.columns, self._layout.rows, self._layout.cell
        return columns, rows, columns * cell.width, rows * cell.height


class _Text:
    """Text as a file to be read; see `BinaryReader`."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    async def read(self, size: int) -> bytes:
        """See `BinaryReader.read`."""
        return self._file.read(size)

    async def close(self) -> None:
        """See `BinaryReader.close`."""
