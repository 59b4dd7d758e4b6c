"""What a program has asked for beyond the screen: how keys, mouse and paste are to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["KITTY_KNOWN", "Keyboard", "KittyFlag", "Modes"]

STACK_LIMIT: Final = 16
"""Entries of a kitty keyboard stack; the oldest is dropped for another."""


class KittyFlag:
    """The progressive enhancements of kitty's keyboard protocol."""

    DISAMBIGUATE = 1
    EVENT_TYPES = 2
    ALTERNATES = 4
    ALL_AS_ESCAPES = 8
    TEXT = 16


KITTY_KNOWN: Final = (
    KittyFlag.DISAMBIGUATE | KittyFlag.EVENT_TYPES | KittyFlag.ALL_AS_ESCAPES | KittyFlag.TEXT
)
"""What is implemented; other flags stay off and a query says so."""


@dataclass(slots=True)
class Keyboard:
    """The kitty keyboard flags of one screen buffer, with their stack."""

    flags: int = 0
    stack: list[int] = field(default_factory=list)

    def push(self, flags: int) -> None:
        """Remember the flags and use others."""
        self.stack = [*self.stack, self.flags][-STACK_LIMIT:]
        self.flags = flags & KITTY_KNOWN

    def pop(self, count: int) -> None:
        """Go back by `count` entries; below the last one all flags are off."""
        for _ in range(min(count, STACK_LIMIT + 1)):
            self.flags = self.stack.pop() if self.stack else 0

    def change(self, flags: int, how: int) -> None:
        """Set exactly these flags (1), these too (2), or these no more (3)."""
        flags &= KITTY_KNOWN
        self.flags = {1: flags, 2: self.flags | flags, 3: self.flags & ~flags}.get(how, self.flags)


@dataclass(slots=True)
class Modes:
    """Modes that concern input, and the few that answer to nobody else.

    Attributes:
        application_cursor: DECCKM.
        application_keypad: DECNKM, DECKPAM.
        backarrow: DECBKM: the backspace key sends BS, not what the connection says.
        linefeed: LNM: LF returns to the left margin too, and Enter sends CR LF.
        mouse: 0, or the mode in force: 9, 1000, 1002, 1003.
        mouse_encoding: 0, or the mode in force: 1005, 1006, 1015, 1016.
        focus: 1004.
        alternate_scroll: 1007: the wheel sends cursor keys on the alternate screen.
        eight_bit_meta: 1034.
        meta_escape: 1036 and 1039: Alt sends ESC before the key, whatever 1034 says.
        bracketed_paste: 2004.
        resize_reports: 2048.
        modify_other_keys: 0 to 2, xterm's resource of that name.
        keyboards: kitty's flags for the normal and the alternate screen.
        saved: what XTSAVE remembers.
    """

    application_cursor: bool = False
    application_keypad: bool = False
    backarrow: bool = False
    linefeed: bool = False
    mouse: int = 0
    mouse_encoding: int = 0
    focus: bool = False
    alternate_scroll: bool = True
    eight_bit_meta: bool = False
    meta_escape: bool = True
    bracketed_paste: bool = False
    resize_reports: bool = False
    modify_other_keys: int = 0
    keyboards: tuple[Keyboard, Keyboard] = field(default_factory=lambda: (Keyboard(), Keyboard()))
    saved: dict[int, bool] = field(default_factory=dict)
