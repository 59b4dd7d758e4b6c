"""Control sequences by private marker, intermediates and final. SGR has its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxyd.terminal.cells import Flag
from proxyd.terminal.functions import modes, rectangles, reports
from proxyd.terminal.functions.table import Function, count, nth
from proxyd.terminal.screen import CursorShape

if TYPE_CHECKING:
    from proxyd.terminal.terminal import Terminal

__all__ = ["CSI"]

Numbers = tuple[int, ...]

_ANY: Final = Flag.PROTECTED | Flag.GUARDED


def _position(t: Terminal, p: Numbers) -> None:
    column = (p[1] or 1) if len(p) > 1 else 1
    t.screen.address(column - 1, (p[0] or 1) - 1)


def _next_rows(t: Terminal, p: Numbers) -> None:
    t.screen.down(count(p))
    t.screen.carriage_return()


def _previous_rows(t: Terminal, p: Numbers) -> None:
    t.screen.up(count(p))
    t.screen.carriage_return()


def _erase_display(t: Terminal, p: Numbers) -> None:
    if p[0] == 3:
        t.screen.clear_history()
    else:
        t.screen.erase_display(p[0])


def _clear_tabs(t: Terminal, p: Numbers) -> None:
    if p[0] == 0:
        t.screen.tabs.discard(t.screen.x)
    elif p[0] == 3:
        t.screen.tabs.clear()


def _left_right_margins(t: Terminal, p: Numbers) -> None:
    """CSI s is DECSLRM where DECLRMM is set, else SCOSC."""
    if t.screen.left_right:
        t.screen.set_margins_horizontal(nth(p, 0, 1) - 1, nth(p, 1, t.screen.columns))
    else:
        t.screen.save_cursor()


def _cursor_style(t: Terminal, p: Numbers) -> None:
    style = p[0] or 1
    if style <= 6:
        t.screen.cursor_shape = CursorShape((style - 1) // 2)
        t.screen.cursor_blinking = style % 2 == 1


def _protect(t: Terminal, p: Numbers) -> None:
    if p[0] <= 2:
        t.screen.protect(Flag.PROTECTED, on=p[0] == 1)


def _modify_keys(t: Terminal, p: Numbers) -> None:
    if p[0] == 4 and nth(p, 1) <= 2:
        t.modes.modify_other_keys = nth(p, 1)
    elif p == (0,):
        t.modes.modify_other_keys = 0


def _disable_modify_keys(t: Terminal, p: Numbers) -> None:
    if p[0] == 4:
        t.modes.modify_other_keys = 0


def _set_modes(t: Terminal, p: Numbers) -> None:
    modes.change(t, modes.ANSI_MODES, p, on=True)


def _reset_modes(t: Terminal, p: Numbers) -> None:
    modes.change(t, modes.ANSI_MODES, p, on=False)


def _set_private_modes(t: Terminal, p: Numbers) -> None:
    modes.change(t, modes.DEC_MODES, p, on=True)


def _reset_private_modes(t: Terminal, p: Numbers) -> None:
    modes.change(t, modes.DEC_MODES, p, on=False)


CSI: Final[dict[str, Function]] = {
    "@": Function("ICH", "insert characters", lambda t, p: t.screen.insert_characters(count(p))),
    " @": Function("SL", "scroll left", lambda t, p: t.screen.scroll_left(count(p))),
    "A": Function("CUU", "cursor up", lambda t, p: t.screen.up(count(p))),
    " A": Function("SR", "scroll right", lambda t, p: t.screen.scroll_right(count(p))),
    "B": Function("CUD", "cursor down", lambda t, p: t.screen.down(count(p))),
    "C": Function("CUF", "cursor right", lambda t, p: t.screen.right(count(p))),
    "D": Function("CUB", "cursor left", lambda t, p: t.screen.left(count(p))),
    "E": Function("CNL", "to the start of a row below", _next_rows),
    "F": Function("CPL", "to the start of a row above", _previous_rows),
    "G": Function("CHA", "to a column", lambda t, p: t.screen.address(x=count(p) - 1)),
    "H": Function("CUP", "to a row and column", _position),
    "I": Function("CHT", "tab stops forward", lambda t, p: t.screen.tab(count(p))),
    "J": Function("ED", "erase in display; 3: the scrollback", _erase_display),
    "?J": Function("DECSED", "erase what is not protected", lambda t, p: t.screen.erase_display(p[0], _ANY)),
    "K": Function("EL", "erase in line", lambda t, p: t.screen.erase_line(p[0])),
    "?K": Function("DECSEL", "erase what is not protected", lambda t, p: t.screen.erase_line(p[0], _ANY)),
    "L": Function("IL", "insert lines", lambda t, p: t.screen.insert_lines(count(p))),
    "M": Function("DL", "delete lines", lambda t, p: t.screen.delete_lines(count(p))),
    "P": Function("DCH", "delete characters", lambda t, p: t.screen.delete_characters(count(p))),
    "S": Function("SU", "scroll up", lambda t, p: t.screen.scroll_up(count(p))),
    "T": Function("SD", "scroll down", lambda t, p: t.screen.scroll_down(count(p)) if len(p) < 2 else None),
    "X": Function("ECH", "erase characters", lambda t, p: t.screen.erase_characters(count(p))),
    "Z": Function("CBT", "tab stops back", lambda t, p: t.screen.back_tab(count(p))),
    "^": Function("SD", "scroll down (ECMA-48's final)", lambda t, p: t.screen.scroll_down(count(p))),
    "`": Function("HPA", "to a column", lambda t, p: t.screen.address(x=count(p) - 1)),
    "a": Function("HPR", "columns right", lambda t, p: t.screen.address(x=t.screen.column + count(p))),
    "b": Function("REP", "repeat the last character", lambda t, p: t.screen.repeat(count(p))),
    "c": Function("DA1", "what are you", reports.primary_attributes),
    ">c": Function("DA2", "which version are you", reports.secondary_attributes),
    "=c": Function("DA3", "which unit are you", reports.tertiary_attributes),
    "d": Function("VPA", "to a row", lambda t, p: t.screen.address(y=count(p) - 1)),
    "e": Function("VPR", "rows down", lambda t, p: t.screen.address(y=t.screen.row + count(p))),
    "f": Function("HVP", "to a row and column", _position),
    "g": Function("TBC", "clear tab stops", _clear_tabs),
    "h": Function("SM", "set modes", _set_modes),
    "?h": Function("DECSET", "set private modes", _set_private_modes),
    "l": Function("RM", "reset modes", _reset_modes),
    "?l": Function("DECRST", "reset private modes", _reset_private_modes),
    ">m": Function("XTMODKEYS", "modifyOtherKeys", _modify_keys),
    "?m": Function("XTQMODKEYS", "report modifyOtherKeys", reports.modify_keys),
    "n": Function("DSR", "report status (5) or cursor (6)", reports.status),
    "?n": Function(
        "DSR", "DEC's reports: 6 cursor, 15 printer, 25, 26, 53, 55, 56, 62, 75, 85", reports.dec_status
    ),
    ">n": Function("XTMODKEYS", "disable modifyOtherKeys", _disable_modify_keys),
    "!p": Function("DECSTR", "soft reset", lambda t, _: t.soft_reset()),
    "$p": Function("DECRQM", "report an ANSI mode", lambda t, p: modes.report(t, modes.ANSI_MODES, p[0])),
    "?$p": Function("DECRQM", "report a private mode", lambda t, p: modes.report(t, modes.DEC_MODES, p[0])),
    '"q': Function("DECSCA", "protect characters from DECSED and DECSEL", _protect),
    " q": Function("DECSCUSR", "cursor shape", _cursor_style),
    ">q": Function("XTVERSION", "report name and version", reports.version),
    "r": Function(
        "DECSTBM",
        "top and bottom margin",
        lambda t, p: t.screen.set_margins_vertical(count(p) - 1, nth(p, 1, t.screen.rows)),
    ),
    "?r": Function("XTRESTORE", "restore private modes", modes.restore),
    "s": Function(
        "DECSLRM", "left and right margin; without DECLRMM: save the cursor (SCOSC)", _left_right_margins
    ),
    "?s": Function("XTSAVE", "save private modes", modes.save),
    "t": Function(
        "XTWINOPS", "report sizes (14, 16, 18, 19), push and pop the title (22, 23)", reports.window
    ),
    "u": Function("SCORC", "restore the cursor", lambda t, _: t.screen.restore_cursor()),
    "?u": Function("kitty keyboard", "report flags", reports.keyboard_flags),
    "=u": Function("kitty keyboard", "change flags", lambda t, p: t.keyboard.change(p[0], nth(p, 1, 1))),
    ">u": Function("kitty keyboard", "push flags", lambda t, p: t.keyboard.push(p[0])),
    "<u": Function("kitty keyboard", "pop flags", lambda t, p: t.keyboard.pop(count(p))),
    "$w": Function("DECRQPSR", "report cursor (1) or tab stops (2)", reports.presentation),
    "x": Function("DECREQTPARM", "report terminal parameters", reports.terminal_parameters),
    "'}": Function("DECIC", "insert columns", lambda t, p: t.screen.insert_columns(count(p))),
    "'~": Function("DECDC", "delete columns", lambda t, p: t.screen.delete_columns(count(p))),
    **rectangles.CSI,
}
