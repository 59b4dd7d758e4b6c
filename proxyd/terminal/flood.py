"""Floods: which part of a batch of output nobody could ever have seen.

Plain output that scrolls further than the screen is high leaves no trace there but in the scrollback. Such a part need
not be interpreted: it is kept as it is, and rendered when somebody scrolls back to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from proxyd.terminal.functions.sgr import restyle

if TYPE_CHECKING:
    from proxyd.terminal.cells import Style

__all__ = ["FLOOD_LEAST", "Flood", "find_flood", "last_lines", "style_after"]

_TEXT: Final = rb"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xc2]*+"
_PLAIN: Final = re.compile(
    _TEXT + rb"(?:(?:\x1b\[[0-9;:]{0,64}+[mK]|\x1b\(B|\xc2[\xa0-\xbf])" + _TEXT + rb")*+"
)
"""Text, CR, LF, HT, SGR, EL, and `ESC ( B`, which changes nothing where G0 is ASCII. U+0080 to U+009F are controls."""
_TEXT_BYTES: Final = bytes(
    code for code in range(256) if code in b"\r\n\t" or (code >= 32 and code not in (0x7F, 0xC2))
)
"""What needs no second look."""
_PARAMETER, _FINAL = 1, 2
_CSI: Final = np.zeros(256, np.uint8)
"""What a byte is in the control sequences that `_PLAIN` lets pass."""
_CSI[list(b"0123456789;:")] = _PARAMETER
_CSI[list(b"mK")] = _FINAL
_SGR: Final = re.compile(rb"\x1b\[([0-9;:]*)m")
_LONGEST_PARAMETERS: Final = 24
"""Bytes after `CSI`; few programs write longer ones, and `_PLAIN` deals with them."""

FLOOD_LEAST: Final = 2048
"""Bytes; below it a search costs more than it saves."""
_LONGEST: Final = 4
"""Screen widths: where lines are longer on average, wrapping and not line feeds decides how many rows they make."""


class Flood(NamedTuple):
    """What of a batch is to be skipped.

    Attributes:
        start, end: the bytes [start, end) are to be skipped; they are whole lines.
        filled: the plain lines [end, filled) fill the screen anew.
        lines: how many lines are skipped.
    """

    start: int
    end: int
    filled: int
    lines: int


def find_flood(data: bytes, columns: int, rows: int, y: int) -> Flood | None:
    """Find what of `data` can be skipped by a terminal in its plainest state.

    Before `start` the cursor, now on row `y`, has come to the bottom and scrolled into a fresh row; after `end` plain
    lines follow that fill the screen.

    Args:
        data: a batch of output, beginning outside of any sequence.
        columns: width of the screen.
        rows: height of the screen.
        y: the cursor's row.
    """
    stop = _plain_part(data)
    start = _after_lines(data, rows - y, stop)
    end = _before_lines(data, rows + 2, stop)
    if start < 0 or end <= start:
        return None
    lines = data.count(b"\n", start, end)
    if lines <= rows or end - start > _LONGEST * columns * lines:
        return None
    return Flood(start, end, _skip_lines(data, end, rows), lines)


def _plain_part(data: bytes) -> int:
    """Where the plain lines that `data` begins with come to an end."""
    if not data.translate(None, _TEXT_BYTES):
        return len(data)
    if not data.translate(None, _TEXT_BYTES + b"\x1b") and _only_plain_sequences(data):
        return data.rindex(b"\x1b")
    match = _PLAIN.match(data)
    return match.end() if match else 0


def _only_plain_sequences(data: bytes) -> bool:
    """Whether every escape sequence but the last is a short SGR or EL: `_PLAIN` for all of them at once, thrice as fast."""
    codes = np.frombuffer(data, np.uint8)
    at = np.flatnonzero(codes == 0x1B)[:-1] + 1
    if (codes[at] != ord("[")).any():
        return False
    for _ in range(_LONGEST_PARAMETERS):
        at = at + 1
        kinds = _CSI[codes[at]]
        if not kinds.all():
            return False
        at = at[kinds == _PARAMETER]
        if not at.size:
            return True
    return False


def _skip_lines(data: bytes, start: int, count: int) -> int:
    """Where the line begins that is `count` lines after `start`; 0 where there is none."""
    for _ in range(count):
        start = data.find(b"\n", start) + 1
        if not start:
            break
    return start


def _after_lines(data: bytes, count: int, stop: int) -> int:
    """Where the line after at least `count` lines begins, at the left edge; -1 where there is none before `stop`."""
    behind = _skip_lines(data, 0, count)
    found = data.find(b"\r\n", max(behind - 2, 0), stop) if behind else -1
    return found + 2 if found >= 0 else -1


def _before_lines(data: bytes, count: int, stop: int) -> int:
    """Where the last lines of `data[:stop]` begin, at least `count` of them, at the left edge; -1 if there is none."""
    position = stop
    for _ in range(count):
        position = data.rfind(b"\n", 0, position)
        if position < 0:
            return -1
    found = data.rfind(b"\r\n", 0, position)
    return found + 2 if found >= 0 else -1


def style_after(style: Style, data: bytes) -> Style:
    """The style that plain output leaves behind."""
    reset = len(data)
    while (reset := data.rfind(b"\x1b[", 0, reset)) >= 0 and not data.startswith(
        (b"\x1b[m", b"\x1b[0m"), reset
    ):
        pass
    for parameters in _SGR.findall(data, max(reset, 0)):
        style = restyle(style, parameters.decode())
    return style


def last_lines(data: bytes, count: int) -> int:
    """Where the last `count` whole lines of `data` begin."""
    before, *lines = data.rsplit(b"\n", count + 1)
    return len(before) + 1 if len(lines) > count else 0
