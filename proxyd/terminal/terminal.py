"""A terminal: bytes from the program in; a screen, replies and events out. No socket, no clock, no pixel."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from proxyd.terminal.events import (
    Bell,
    ClipboardSet,
    Event,
    PipeClosed,
    PipeData,
    PipeFlag,
    PipeOpened,
    TitleChanged,
    UploadDirectorySet,
)
from proxyd.terminal.flood import FLOOD_LEAST, find_flood, last_lines, style_after
from proxyd.terminal.functions.controls import CONTROLS, ESCAPES
from proxyd.terminal.functions.csi import CSI
from proxyd.terminal.functions.dcs import DCS
from proxyd.terminal.functions.osc import OSC
from proxyd.terminal.functions.sgr import relink, restyle
from proxyd.terminal.history import Raw
from proxyd.terminal.keys import Action, Compose, KeyOptions, encode
from proxyd.terminal.modes import Keyboard, Modes
from proxyd.terminal.mouse import Mouse
from proxyd.terminal.parser import Parser, Paused, parameters
from proxyd.terminal.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxyd.terminal.packed import PackedRow

__all__ = ["MAX_COLUMNS", "MAX_ROWS", "Terminal"]

MAX_COLUMNS: Final = 1024
MAX_ROWS: Final = 1024
REPLY_LIMIT: Final = 64 * 1024
"""Bytes of replies that wait to be taken; further ones are dropped."""
EVENT_LIMIT: Final = 64
"""Events that wait to be taken; further ones are dropped."""
TITLE_LIMIT: Final = 1024
"""Characters."""
TITLE_STACK_LIMIT: Final = 10
WHEEL_ROWS: Final = 3
"""Cursor keys for a notch of the wheel."""
_CSI: Final = {function: row.run for function, row in CSI.items()}
_UNPASTABLE: Final = re.compile("[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f-\x9f]")
"""Controls but for HT and CR: pasted text shall not act."""

_LATEST: Final = (Bell, ClipboardSet, TitleChanged, UploadDirectorySet)
"""Events of which only the newest matters."""


class Terminal:
    """What an instance holds: feed it, then take replies and events, and paint its screen.

    Attributes:
        screen: the truth that is painted.
        modes: how input is sent.
        key_options: what the connection says about keys.
        cell_size: width and height of a cell in pixels, for programs that ask; set by who paints.
        clipboard_allowed: programs may set the clipboard (OSC 52); they can never read it.
        rectangle_extent: DECSACE: 0 and 1 stream, 2 rectangle.
    """

    screen: Screen
    modes: Modes
    key_options: KeyOptions
    cell_size: tuple[int, int]
    clipboard_allowed: bool
    rectangle_extent: int

    def __init__(self, columns: int, rows: int, *, scrollback: int = 1000) -> None:
        """Start with a blank screen.

        Args:
            columns: clamped to 2..1024.
            rows: clamped to 1..1024.
            scrollback: rows to keep.
        """
        self.screen = Screen(*_clamp(columns, rows), scrollback, self._replay)
        self.modes = Modes()
        self.key_options = KeyOptions()
        self.cell_size = (8, 16)
        self.clipboard_allowed = True
        self.rectangle_extent = 0
        self._scrollback = scrollback
        self._parser = Parser(self)
        self._work_limit = sys.maxsize
        self._replies = bytearray()
        self._events: list[Event] = []
        self._titles: list[str] = []
        self._compose = Compose()
        self._mouse = Mouse()
        self._pipe: PipeFlag | None = None
        self._pipe_data: list[str] = []
        self.print = self.screen.print

    # What the instance asks

    def feed(self, data: bytes, work: int = 0) -> bool:
        """Interpret output of the program; any cut of the bytes gives the same screen. Never raises on bad input.

        Args:
            data: what the program wrote.
            work: stop after moving or erasing about so many cells, and keep the rest: a few bytes can ask for a lot.
                0 is no limit.

        Returns:
            Whether something is kept; then call again, with more output or none, when others had their turn.
        """
        self._work_limit = self.screen.grid.work + work if work else sys.maxsize
        if len(data) >= FLOOD_LEAST and not self._parser.holds:
            begun = 0 if self._parser.at_rest else data.find(b"\n") + 1
            self._parser.feed(data[:begun])
            data = data[begun:]
            data = data[self._skip_flood(data) :]
        self._parser.feed(data)
        return self._parser.holds

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, clamped to 2..1024 columns and 1..1024 rows; lines reflow."""
        self.screen.resize(*_clamp(columns, rows))
        if self.modes.resize_reports:
            self.report_size()

    def take_replies(self) -> bytes:
        """Bytes the terminal answers (DSR, DA, …), to be written to the program."""
        replies = bytes(self._replies)
        self._replies.clear()
        return replies

    def take_events(self) -> list[Event]:
        """What happened since the last call, in order."""
        self._flush_pipe()
        events, self._events = self._events, []
        return events

    # Input

    def key(self, keysym: int, modifiers: int, *, repeat: bool = False) -> bytes:
        """The bytes for a key press under the current modes; empty where it sends nothing.

        Args:
            keysym: as X11 numbers it, Unicode as 0x01000000 + code point.
            modifiers: `keys.Modifier` bits: 1 shift, 2 alt, 4 control, 8 meta/super.
            repeat: the key is held down and came again.
        """
        composed = self._compose.press(keysym)
        if composed is None:
            return b""
        action = Action.REPEAT if repeat else Action.PRESS
        return encode(composed, modifiers, self.modes, self.keyboard.flags, self.key_options, action)

    def key_released(self, keysym: int, modifiers: int) -> bytes:
        """The bytes for a key release: only under kitty's flag 2, else empty."""
        return encode(keysym, modifiers, self.modes, self.keyboard.flags, self.key_options, Action.RELEASE)

    def mouse(
        self, x: int, y: int, buttons: int, modifiers: int, pixel_x: int = 0, pixel_y: int = 0
    ) -> bytes:
        """The bytes for a pointer event, empty where the program does not want it.

        Args:
            x: column, 0 at the left.
            y: view row, 0 at the top.
            buttons: the mask of buttons now down: 1 left, 2 middle, 4 right, 8/16 wheel up/down, 32/64 left/right.
            modifiers: as for `key`.
            pixel_x: pixels from the left edge of the cells, for mode 1016.
            pixel_y: pixels from their top edge.
        """
        x = min(max(x, 0), self.screen.columns - 1)
        y = min(max(y, 0), self.screen.rows - 1)
        pixel = (max(pixel_x, 0), max(pixel_y, 0))
        return self._mouse.event(self.modes, (x, y), pixel, buttons, modifiers)

    @property
    def wants_mouse(self) -> bool:
        """The program has asked for the mouse: selection by mouse needs Shift."""
        return bool(self.modes.mouse)

    def wheel(self, notches: int) -> bytes:
        """Cursor keys for the wheel on the alternate screen (mode 1007); empty on the normal one.

        Args:
            notches: positive is up.
        """
        if not (self.screen.alternate and self.modes.alternate_scroll):
            return b""
        prefix = b"\x1bO" if self.modes.application_cursor else b"\x1b["
        return (prefix + (b"A" if notches > 0 else b"B")) * (WHEEL_ROWS * min(abs(notches), self.screen.rows))

    def paste(self, text: str) -> bytes:
        """Text as the program should receive it: line ends as CR, controls removed, bracketed under mode 2004."""
        text = _UNPASTABLE.sub("", text.replace("\r\n", "\r").replace("\n", "\r"))
        data = text.encode("utf-8", "replace")
        return b"\x1b[200~" + data + b"\x1b[201~" if self.modes.bracketed_paste else data

    def focus(self, gained: bool) -> bytes:
        """The bytes for a change of focus (mode 1004)."""
        if not self.modes.focus:
            return b""
        return b"\x1b[I" if gained else b"\x1b[O"

    # What the parser calls

    def execute(self, controls: str) -> None:
        """Obey C0 controls."""
        if self._pipe is not None:
            self._pipe_data.append(controls)
            if not self._pipe & PipeFlag.INTERPRET:
                return
        if controls == "\r\n":
            screen = self.screen
            screen.carriage_return()
            screen.index()
        else:
            for control in controls:
                if control in CONTROLS:
                    CONTROLS[control].run(self)
        if self.screen.grid.work > self._work_limit:
            raise Paused

    def escape(self, function: str) -> None:
        """Obey an escape sequence."""
        if function in ESCAPES:
            ESCAPES[function].run(self)
        if self.screen.grid.work > self._work_limit:
            raise Paused

    def csi(self, function: str, text: str) -> None:
        """Obey a control sequence; sub-parameters exist in SGR only."""
        if function == "m":
            screen = self.screen
            screen.style = (
                restyle(screen.style, text) if screen.style.link is None else relink(screen.style, text)
            )
        elif (run := _CSI.get(function)) and ":" not in text:
            run(self, parameters(text))
            if self.screen.grid.work > self._work_limit:
                raise Paused

    def osc(self, text: str) -> None:
        """Obey an operating system command."""
        number, _, rest = text.partition(";")
        if number in OSC:
            OSC[number].run(self, rest)

    def dcs(self, function: str, _parameters: str, data: str) -> None:
        """Obey a device control string."""
        if function in DCS:
            DCS[function].run(self, data)

    # What the functions call

    def reply(self, text: str) -> None:
        """Answer the program."""
        if len(self._replies) < REPLY_LIMIT:
            self._replies += text.encode()

    def emit(self, event: Event) -> None:
        """Tell the instance."""
        if isinstance(event, _LATEST):
            self._events = [other for other in self._events if type(other) is not type(event)]
        if len(self._events) < EVENT_LIMIT:
            self._events.append(event)

    @property
    def keyboard(self) -> Keyboard:
        """Kitty's keyboard flags of the screen that is shown."""
        return self.modes.keyboards[self.screen.alternate]

    def reset(self) -> None:
        """RIS: everything but size, scrollback, colour scheme and an open pipe."""
        self.screen.reset()
        self.modes = Modes()
        self.rectangle_extent = 0
        self._titles.clear()

    def soft_reset(self) -> None:
        """DECSTR."""
        self.screen.soft_reset()
        self.modes.application_cursor = False
        self.modes.application_keypad = False
        self.rectangle_extent = 0

    def set_title(self, title: str) -> None:
        """OSC 0 and 2."""
        title = title[:TITLE_LIMIT]
        if title != self.screen.title:
            self.screen.title = title
            self.emit(TitleChanged(title))

    def push_title(self) -> None:
        """XTWINOPS 22: remember the title."""
        self._titles = [*self._titles, self.screen.title][-TITLE_STACK_LIMIT:]

    def pop_title(self) -> None:
        """XTWINOPS 23: go back to the title remembered last."""
        if self._titles:
            self.set_title(self._titles.pop())

    def report_size(self) -> None:
        """Tell the program its size (mode 2048)."""
        width, height = self.cell_size
        columns, rows = self.screen.columns, self.screen.rows
        self.reply(f"\x1b[48;{rows};{columns};{rows * height};{columns * width}t")

    def limit_scrollback(self, rows: int) -> None:
        """OSC 482204: keep fewer rows than the connection allows."""
        self.screen.limit_history(min(rows, self._scrollback))

    # A pipe takes the output of the program: text and C0 controls go there, sequences are obeyed as ever.

    def open_pipe(self, name: str, flags: PipeFlag) -> None:
        """OSC 482202: send output to a named pipe from here on."""
        self.close_pipe()
        self._pipe = flags
        self.print = self._print_to_pipe
        self.emit(PipeOpened(name, flags))

    def close_pipe(self) -> None:
        """OSC 482203: send output to the screen again."""
        if self._pipe is not None:
            self._flush_pipe()
            self._pipe = None
            self.print = self.screen.print
            self.emit(PipeClosed())

    def _print_to_pipe(self, text: str) -> None:
        self._pipe_data.append(text)
        if self._pipe and self._pipe & PipeFlag.INTERPRET:
            self.screen.print(text)

    def _flush_pipe(self) -> None:
        if self._pipe_data:
            self.emit(PipeData("".join(self._pipe_data).encode()))
            self._pipe_data.clear()

    # Floods

    def _skip_flood(self, data: bytes) -> int:
        """Interpret the beginning of a flood and skip the rest of it; return how much of `data` is dealt with."""
        screen = self.screen
        if not self._can_skip():
            return 0
        flood = find_flood(data, screen.columns, screen.rows, screen.y)
        if not flood:
            return 0
        self._parser.feed(data[: flood.start])
        if self._parser.holds:
            return flood.start
        skipped = data[flood.start : flood.end]
        seen = last_lines(skipped, screen.history.limit) if flood.lines > screen.history.limit else 0
        style = style_after(screen.style, skipped[:seen])
        raw = Raw(skipped[seen:], style, min(flood.lines, screen.history.limit))
        screen.skip(raw, style_after(style, raw.data), flood.lines)
        # No pause until the screen is whole again.
        limit, self._work_limit = self._work_limit, sys.maxsize
        self._parser.feed(data[flood.end : flood.filled])
        self._work_limit = limit
        return flood.filled

    def _can_skip(self) -> bool:
        return (
            self._parser.at_rest
            and self._pipe is None
            and not self.modes.linefeed
            and not self.screen.alternate
            and not self.screen.offset
            and self.screen.style.link is None
            and self.screen.plain
        )

    def _replay(self, raw: Raw) -> Iterable[PackedRow]:
        """Render skipped lines on a page of one row, where every line leaves by the top."""
        page = Terminal(self.screen.columns, 1, scrollback=sys.maxsize)
        page.screen.style = raw.style
        page.screen.grid.rows[0].fill(0, self.screen.columns, " ", page.screen.blank)
        page._parser.feed(raw.data)
        return page.screen.history.rows()


def _clamp(columns: int, rows: int) -> tuple[int, int]:
    return min(max(columns, 2), MAX_COLUMNS), min(max(rows, 1), MAX_ROWS)
