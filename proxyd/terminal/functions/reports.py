"""Questions a program may ask, and what the terminal answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxyd.terminal.cells import Flag
from proxyd.terminal.functions.table import nth

if TYPE_CHECKING:
    from proxyd.terminal.terminal import Terminal

__all__ = [
    "dec_status",
    "keyboard_flags",
    "modify_keys",
    "presentation",
    "primary_attributes",
    "secondary_attributes",
    "status",
    "terminal_parameters",
    "tertiary_attributes",
    "version",
    "window",
]

Numbers = tuple[int, ...]

# A VT420 (64) with selective erase (6), national sets (9), horizontal scrolling (21), colour (22), areas (28) and
# clipboard access (52).
_ATTRIBUTES: Final = "64;6;9;21;22;28;52"
# xterm (41) of a patch level whose features are all here; vim, Emacs and tmux decide by it.
_VERSION: Final = "41;390;0"
_NO_DEVICES: Final = {
    15: "?13",
    25: "?20",
    26: "?27;1;0;0",
    53: "?50",
    55: "?50",
    56: "?57;0",
    75: "?70",
    85: "?83",
}
"""Answers of DEC's device reports: no printer, keys not locked, a North American keyboard, no locator, no errors."""


def primary_attributes(t: Terminal, p: Numbers) -> None:
    """DA1."""
    if p[0] == 0:
        t.reply(f"\x1b[?{_ATTRIBUTES}c")


def secondary_attributes(t: Terminal, p: Numbers) -> None:
    """DA2."""
    if p[0] == 0:
        t.reply(f"\x1b[>{_VERSION}c")


def tertiary_attributes(t: Terminal, p: Numbers) -> None:
    """DA3."""
    if p[0] == 0:
        t.reply("\x1bP!|00000000\x1b\\")


def version(t: Terminal, p: Numbers) -> None:
    """XTVERSION."""
    if p[0] == 0:
        t.reply("\x1bP>|Fanlight\x1b\\")


def status(t: Terminal, p: Numbers) -> None:
    """DSR 5 and 6."""
    if p[0] == 5:
        t.reply("\x1b[0n")
    elif p[0] == 6:
        t.reply(f"\x1b[{t.screen.row + 1};{t.screen.column + 1}R")


def dec_status(t: Terminal, p: Numbers) -> None:
    """DSR with DEC's private marker."""
    if p[0] == 6:
        t.reply(f"\x1b[?{t.screen.row + 1};{t.screen.column + 1};1R")
    elif p[0] == 62:
        t.reply("\x1b[0*{")
    elif p[0] == 63:
        t.reply(f"\x1bP{nth(p, 1)}!~0000\x1b\\")
    elif p[0] in _NO_DEVICES:
        t.reply(f"\x1b[{_NO_DEVICES[p[0]]}n")


def modify_keys(t: Terminal, p: Numbers) -> None:
    """XTQMODKEYS."""
    if p[0] == 4:
        t.reply(f"\x1b[>4;{t.modes.modify_other_keys}m")


def keyboard_flags(t: Terminal, _: Numbers) -> None:
    """CSI ? u of kitty's keyboard protocol."""
    t.reply(f"\x1b[?{t.keyboard.flags}u")


def window(t: Terminal, p: Numbers) -> None:
    """XTWINOPS: what only asks, and the title stack. Nothing moves the person's window, and no title is read back."""
    screen = t.screen
    width, height = t.cell_size
    answers = {
        11: "1",
        14: f"4;{screen.rows * height};{screen.columns * width}",
        16: f"6;{height};{width}",
        18: f"8;{screen.rows};{screen.columns}",
        19: f"9;{screen.rows};{screen.columns}",
    }
    if p[0] in answers:
        t.reply(f"\x1b[{answers[p[0]]}t")
    elif p[0] == 22 and nth(p, 1) in (0, 2):
        t.push_title()
    elif p[0] == 23 and nth(p, 1) in (0, 2):
        t.pop_title()


def presentation(t: Terminal, p: Numbers) -> None:
    """DECRQPSR: DECCIR and DECTABSR."""
    if p[0] == 1:
        t.reply(f"\x1bP1$u{_cursor_information(t)}\x1b\\")
    elif p[0] == 2:
        stops = "/".join(str(x + 1) for x in sorted(t.screen.tabs) if x < t.screen.columns)
        t.reply(f"\x1bP2$u{stops}\x1b\\")


def _cursor_information(t: Terminal) -> str:
    screen, style = t.screen, t.screen.style
    rendition = 64 | bool(style.flags & Flag.BOLD) | 2 * bool(style.underline)
    rendition |= 4 * bool(style.flags & Flag.BLINK) | 8 * bool(style.flags & Flag.INVERSE)
    protection = 64 | bool(style.flags & Flag.PROTECTED)
    flags = 64 | screen.origin | 8 * screen.pending
    return (
        f"{screen.row + 1};{screen.column + 1};1;{chr(rendition)};{chr(protection)};{chr(flags)};0;2;@;BBBB"
    )


def terminal_parameters(t: Terminal, p: Numbers) -> None:
    """DECREQTPARM."""
    if p[0] <= 1:
        t.reply(f"\x1b[{p[0] + 2};1;1;128;128;1;0x")
