"""SM, RM, DECSET, DECRST, DECRQM, XTSAVE and XTRESTORE: modes by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.terminal.terminal import Terminal

__all__ = ["ANSI_MODES", "DEC_MODES", "Mode", "change", "report", "restore", "save"]


class Mode(NamedTuple):
    """A mode that can be set, reset and asked for; without `set` it is fixed as `get` says."""

    name: str
    summary: str
    get: Callable[[Terminal], bool]
    set: Callable[[Terminal, bool], None] | None = None


def _input(name: str, summary: str, attribute: str) -> Mode:
    return Mode(
        name,
        summary,
        lambda t: bool(getattr(t.modes, attribute)),
        lambda t, on: setattr(t.modes, attribute, on),
    )


def _screen(name: str, summary: str, attribute: str) -> Mode:
    return Mode(
        name,
        summary,
        lambda t: bool(getattr(t.screen, attribute)),
        lambda t, on: setattr(t.screen, attribute, on),
    )


def _choice(number: int, name: str, summary: str, attribute: str) -> Mode:
    """One of several modes that exclude each other; resetting any turns all off."""
    return Mode(
        name,
        summary,
        lambda t: getattr(t.modes, attribute) == number,
        lambda t, on: setattr(t.modes, attribute, number if on else 0),
    )


def _fixed(name: str, summary: str, *, on: bool) -> Mode:
    return Mode(name, summary, lambda _: on)


def _origin(t: Terminal, on: bool) -> None:
    t.screen.origin = on
    t.screen.home()


def _saved_cursor(t: Terminal, on: bool) -> None:
    (t.screen.save_cursor if on else t.screen.restore_cursor)()


def _alternate(t: Terminal, on: bool) -> None:
    # 47 would keep the alternate screen's content and 1047 clear it; ours is blank whenever it is entered.
    t.screen.use_alternate(on)


def _alternate_save(t: Terminal, on: bool) -> None:
    if on:
        t.screen.save_cursor()
        t.screen.use_alternate(True)
        t.screen.erase_display(2)
    else:
        t.screen.use_alternate(False)
        t.screen.restore_cursor()


def _resize_reports(t: Terminal, on: bool) -> None:
    t.modes.resize_reports = on
    if on:
        t.report_size()


# Modes of ECMA-48 that terminals like this one answer with "always reset".
_NEVER: Final = {
    1: "GATM",
    2: "KAM",
    5: "SRTM",
    7: "VEM",
    10: "HEM",
    11: "PUM",
    13: "FEAM",
    14: "FETM",
    15: "MATM",
    16: "TTM",
    17: "SATM",
    18: "TSM",
    19: "EBM",
}

ANSI_MODES: Final[dict[int, Mode]] = {
    **{number: _fixed(name, "of no effect", on=False) for number, name in _NEVER.items()},
    4: _screen("IRM", "insert characters", "insert"),
    12: _fixed("SRM", "no local echo", on=True),
    20: _input("LNM", "line feed returns, too; Enter sends CR LF", "linefeed"),
}

DEC_MODES: Final[dict[int, Mode]] = {
    1: _input("DECCKM", "cursor keys send application sequences", "application_cursor"),
    3: _fixed("DECCOLM", "132 columns", on=False),
    4: _fixed("DECSCLM", "smooth scroll", on=False),
    5: Mode("DECSCNM", "reverse screen", lambda t: t.screen.reverse, lambda t, on: t.screen.set_reverse(on)),
    6: Mode("DECOM", "origin mode", lambda t: t.screen.origin, _origin),
    7: _screen("DECAWM", "wrap at the right edge", "autowrap"),
    8: _fixed("DECARM", "keys repeat", on=True),
    9: _choice(9, "X10 mouse", "report button presses", "mouse"),
    12: _screen("att610", "blinking cursor", "cursor_blinking"),
    25: _screen("DECTCEM", "the cursor is shown", "cursor_shown"),
    18: _fixed("DECPFF", "form feed after printing", on=False),
    19: _fixed("DECPEX", "print the whole page", on=False),
    40: _fixed("132COLS", "allow DECCOLM", on=False),
    42: _fixed("DECNRCM", "seven-bit national characters", on=False),
    45: _screen("reverse-wrap", "backspace wraps to the row above", "reverse_wrap"),
    47: Mode("altscreen", "alternate screen", lambda t: t.screen.alternate, _alternate),
    60: _fixed("DECHCCM", "horizontal cursor coupling", on=False),
    66: _input("DECNKM", "keypad sends application sequences", "application_keypad"),
    67: _input("DECBKM", "the backspace key sends BS", "backarrow"),
    69: Mode(
        "DECLRMM",
        "left and right margins",
        lambda t: t.screen.left_right,
        lambda t, on: t.screen.allow_left_right(on),
    ),
    1000: _choice(1000, "mouse", "report buttons", "mouse"),
    1002: _choice(1002, "mouse drag", "report buttons and moves with a button down", "mouse"),
    1003: _choice(1003, "mouse motion", "report buttons and every move", "mouse"),
    1004: _input("focus", "report focus", "focus"),
    1005: _choice(1005, "UTF-8 mouse", "coordinates as characters", "mouse_encoding"),
    1006: _choice(1006, "SGR mouse", "coordinates as numbers, releases named", "mouse_encoding"),
    1007: _input(
        "alternate scroll", "the wheel sends cursor keys on the alternate screen", "alternate_scroll"
    ),
    1015: _choice(1015, "urxvt mouse", "coordinates as numbers", "mouse_encoding"),
    1016: _choice(1016, "SGR pixel mouse", "as 1006, in pixels", "mouse_encoding"),
    1034: _input("meta 8 bit", "Alt sets the eighth bit (unless 1036)", "eight_bit_meta"),
    1036: _input("meta escape", "Alt sends ESC first", "meta_escape"),
    1039: _input("alt escape", "as 1036", "meta_escape"),
    1047: Mode("altscreen clear", "alternate screen, cleared", lambda t: t.screen.alternate, _alternate),
    1048: Mode("save cursor", "DECSC and DECRC as a mode", lambda _: True, _saved_cursor),
    1049: Mode(
        "altscreen save",
        "alternate screen, cleared; cursor saved",
        lambda t: t.screen.alternate,
        _alternate_save,
    ),
    2004: _input("bracketed paste", "pasted text is marked", "bracketed_paste"),
    2026: _screen("synchronized", "hold painting until reset", "synchronized"),
    2027: _fixed("grapheme clusters", "a cluster shares one cell", on=True),
    2048: Mode(
        "resize reports", "report the size when it changes", lambda t: t.modes.resize_reports, _resize_reports
    ),
}


def change(t: Terminal, table: dict[int, Mode], numbers: tuple[int, ...], *, on: bool) -> None:
    """Set or reset modes; unknown and fixed ones are ignored."""
    for number in numbers:
        mode = table.get(number)
        if mode and mode.set:
            mode.set(t, on)


def report(t: Terminal, table: dict[int, Mode], number: int) -> None:
    """DECRQM: 0 unknown, 1 set, 2 reset, 3 always set, 4 always reset."""
    mode = table.get(number)
    value = 0 if mode is None else (1 if mode.get(t) else 2) + (0 if mode.set else 2)
    t.reply(f"\x1b[{'?' if table is DEC_MODES else ''}{number};{value}$y")


def save(t: Terminal, numbers: tuple[int, ...]) -> None:
    """XTSAVE: remember modes."""
    t.modes.saved |= {number: DEC_MODES[number].get(t) for number in numbers if number in DEC_MODES}


def restore(t: Terminal, numbers: tuple[int, ...]) -> None:
    """XTRESTORE: set modes as they were remembered."""
    for number in numbers:
        if number in t.modes.saved:
            change(t, DEC_MODES, (number,), on=t.modes.saved[number])
