"""C0 controls and escape sequences (C1 controls come as their two-character form)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from proxyd.terminal.cells import Flag
from proxyd.terminal.charsets import CHARSETS_94, CHARSETS_96, Charset
from proxyd.terminal.events import Bell
from proxyd.terminal.functions.table import Escape

if TYPE_CHECKING:
    from proxyd.terminal.terminal import Terminal

__all__ = ["CONTROLS", "ESCAPES", "linefeed"]


def linefeed(t: Terminal) -> None:
    """LF, VT and FF."""
    t.screen.index()
    if t.modes.linefeed:
        t.screen.carriage_return()


def _keypad(t: Terminal, *, application: bool) -> None:
    t.modes.application_keypad = application


def _designate(t: Terminal, slot: int, charset: Charset) -> None:
    t.screen.designate(slot, charset)


def _designations() -> dict[str, Escape]:
    return {
        intermediate + final: Escape(
            "SCS",
            f"character set {final} into G{slot}",
            partial(_designate, slot=slot, charset=charset),
        )
        for table, intermediates in ((CHARSETS_94, "()*+"), (CHARSETS_96, " -./"))
        for slot, intermediate in enumerate(intermediates)
        for final, charset in table.items()
        if intermediate != " "
    }


CONTROLS: Final[dict[str, Escape]] = {
    "\x07": Escape("BEL", "ring the bell", lambda t: t.emit(Bell())),
    "\x08": Escape("BS", "one column left", lambda t: t.screen.left(1)),
    "\x09": Escape("HT", "to the next tab stop", lambda t: t.screen.tab()),
    "\x0a": Escape("LF", "one row down, scrolling at the bottom", linefeed),
    "\x0b": Escape("VT", "as LF", linefeed),
    "\x0c": Escape("FF", "as LF", linefeed),
    "\x0d": Escape("CR", "to the first column", lambda t: t.screen.carriage_return()),
    "\x0e": Escape("SO", "use G1", lambda t: t.screen.shift(1)),
    "\x0f": Escape("SI", "use G0", lambda t: t.screen.shift(0)),
}

ESCAPES: Final[dict[str, Escape]] = {
    "6": Escape("DECBI", "one column left, scrolling at the margin", lambda t: t.screen.back_index()),
    "7": Escape("DECSC", "save the cursor", lambda t: t.screen.save_cursor()),
    "8": Escape("DECRC", "restore the cursor", lambda t: t.screen.restore_cursor()),
    "9": Escape("DECFI", "one column right, scrolling at the margin", lambda t: t.screen.forward_index()),
    "=": Escape("DECKPAM", "keypad sends application sequences", partial(_keypad, application=True)),
    ">": Escape("DECKPNM", "keypad sends characters", partial(_keypad, application=False)),
    "D": Escape("IND", "one row down, scrolling at the margin", lambda t: t.screen.index()),
    "E": Escape("NEL", "first column of the next row", lambda t: t.screen.next_line()),
    "H": Escape("HTS", "set a tab stop", lambda t: t.screen.tabs.add(t.screen.x)),
    "M": Escape("RI", "one row up, scrolling at the margin", lambda t: t.screen.reverse_index()),
    "N": Escape("SS2", "use G2 for one character", lambda t: t.screen.shift_once(2)),
    "O": Escape("SS3", "use G3 for one character", lambda t: t.screen.shift_once(3)),
    "V": Escape("SPA", "guard what follows from erasing", lambda t: t.screen.protect(Flag.GUARDED, on=True)),
    "W": Escape("EPA", "end of SPA", lambda t: t.screen.protect(Flag.GUARDED, on=False)),
    "Z": Escape("DECID", "as DA1", lambda t: t.csi("c", "")),
    "c": Escape("RIS", "reset everything but the scrollback", lambda t: t.reset()),
    "l": Escape(
        "HP memory lock", "keep the rows above the cursor", lambda t: t.screen.lock_above(t.screen.y)
    ),
    "m": Escape("HP memory unlock", "end of memory lock", lambda t: t.screen.lock_above(0)),
    "n": Escape("LS2", "use G2", lambda t: t.screen.shift(2)),
    "o": Escape("LS3", "use G3", lambda t: t.screen.shift(3)),
    "#8": Escape("DECALN", "fill the screen with E", lambda t: t.screen.align()),
    **_designations(),
}
