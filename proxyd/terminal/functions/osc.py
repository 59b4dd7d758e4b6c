"""Operating system commands: title, colours, links, clipboard, and guacctl's five."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.cells import BACKGROUND, CURSOR, FOREGROUND, Link
from proxyd.terminal.colours import format_colour, parse_colour
from proxyd.terminal.events import (
    ClipboardSet,
    DownloadAsked,
    PipeFlag,
    UploadDirectorySet,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.terminal.terminal import Terminal

__all__ = ["OSC", "Command"]

PATH_LIMIT: Final = 2047
"""Characters in a guacctl payload, as in guacd."""
URI_LIMIT: Final = 2083
"""Characters in a link; what browsers agree on."""


class Command(NamedTuple):
    """An operating system command; `run` gets what follows the number and its `;`."""

    summary: str
    run: Callable[[Terminal, str], None]


def _palette(t: Terminal, text: str) -> None:
    """OSC 4: pairs of index and colour; `?` asks."""
    fields = text.split(";")
    for index, colour in zip(fields[::2], fields[1::2], strict=False):
        if index.isdecimal() and index.isascii() and len(index) <= 3 and int(index) < 256:
            _colour(t, int(index), colour, f"4;{int(index)}")


def _dynamic(t: Terminal, text: str, first: int) -> None:
    """OSC 10, 11, 12: foreground, background, cursor; further fields are for the numbers that follow."""
    for number, colour in zip(range(first, 13), text.split(";"), strict=False):
        _colour(t, _DYNAMIC[number], colour, str(number))


def _colour(t: Terminal, index: int, text: str, name: str) -> None:
    if text == "?":
        t.reply(f"\x1b]{name};{format_colour(t.screen.palette[index])}\x1b\\")
    elif (colour := parse_colour(text)) is not None:
        t.screen.set_colour(index, colour)


def _reset_palette(t: Terminal, text: str) -> None:
    indexes = range(256) if not text else (int(field) for field in text.split(";") if field in _INDEXES)
    for index in indexes:
        t.screen.set_colour(index, None)


def _reset_dynamic(t: Terminal, _: str, index: int) -> None:
    t.screen.set_colour(index, None)


def _link(t: Terminal, text: str) -> None:
    """OSC 8: `key=value:…;URI`; an empty URI ends the link."""
    options, _, uri = text.partition(";")
    link = None
    if uri and len(uri) <= URI_LIMIT:
        names = dict(option.partition("=")[::2] for option in options.split(":"))
        link = Link(uri, names.get("id", "")[:URI_LIMIT])
    t.screen.style = t.screen.style._replace(link=link)


def _clipboard(t: Terminal, text: str) -> None:
    """OSC 52: selections; base64. Asking for the clipboard is not answered."""
    _, _, encoded = text.partition(";")
    if not t.clipboard_allowed or encoded == "?":
        return
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return
    t.emit(ClipboardSet(data.decode("utf-8", "replace")))


def _download(t: Terminal, text: str) -> None:
    if 0 < len(text) <= PATH_LIMIT:
        t.emit(DownloadAsked(text))


def _upload_directory(t: Terminal, text: str) -> None:
    if 0 < len(text) <= PATH_LIMIT:
        t.emit(UploadDirectorySet(text))


def _open_pipe(t: Terminal, text: str) -> None:
    """OSC 482202: numbers whose bits are flags, then the name."""
    *numbers, name = text.split(";")
    if 0 < len(name) <= PATH_LIMIT and all(number.isdecimal() and len(number) < 10 for number in numbers):
        flags = 0
        for number in numbers:
            flags |= int(number)
        t.open_pipe(name, PipeFlag(flags & (PipeFlag.INTERPRET | PipeFlag.AUTOFLUSH)))


def _scrollback(t: Terminal, text: str) -> None:
    if text.isdecimal() and len(text) < 10:
        t.limit_scrollback(int(text))


_DYNAMIC: Final = {10: FOREGROUND, 11: BACKGROUND, 12: CURSOR}
_INDEXES: Final = frozenset(map(str, range(256)))

OSC: Final[dict[str, Command]] = {
    "0": Command("icon name and title", lambda t, text: t.set_title(text)),
    "2": Command("title", lambda t, text: t.set_title(text)),
    "4": Command("set or report palette colours", _palette),
    "8": Command("hyperlink", _link),
    "10": Command("set or report the foreground", partial(_dynamic, first=10)),
    "11": Command("set or report the background", partial(_dynamic, first=11)),
    "12": Command("set or report the cursor's colour", partial(_dynamic, first=12)),
    "52": Command("set the clipboard, where allowed", _clipboard),
    "104": Command("reset palette colours", _reset_palette),
    "110": Command("reset the foreground", partial(_reset_dynamic, index=FOREGROUND)),
    "111": Command("reset the background", partial(_reset_dynamic, index=BACKGROUND)),
    "112": Command("reset the cursor's colour", partial(_reset_dynamic, index=CURSOR)),
    "482200": Command("guacctl: download a file", _download),
    "482201": Command("guacctl: directory for uploads", _upload_directory),
    "482202": Command("guacctl: output into a pipe", _open_pipe),
    "482203": Command("guacctl: close the pipe", lambda t, _: t.close_pipe()),
    "482204": Command("guacctl: limit the scrollback", _scrollback),
}
