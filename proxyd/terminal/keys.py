"""Key symbols to bytes, by mode: xterm's keyboard, modifyOtherKeys and kitty's protocol.

Key symbols are X11's as Guacamole sends them: Latin-1 as it is, other characters as 0x01000000 + code point, all other
keys from 0xFE00 on.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.modes import KittyFlag

if TYPE_CHECKING:
    from proxyd.terminal.modes import Modes

__all__ = ["Action", "Compose", "KeyOptions", "Modifier", "character", "encode"]


class Modifier(IntFlag):
    """What is held down; the bits of xterm's modifier parameter, less its 1."""

    SHIFT = 1
    ALT = 2
    CONTROL = 4
    META = 8
    """Meta, Super and Hyper."""


class Action(IntEnum):
    """What happened to the key, in kitty's numbers."""

    PRESS = 1
    REPEAT = 2
    RELEASE = 3


class KeyOptions(NamedTuple):
    """What the connection says about keys.

    Attributes:
        backspace: the byte for the backspace key.
        application_keypad: the keypad obeys DECKPAM (`func-keys-and-keypad=vt100`); else it types digits in any mode.
        console: F1 to F5, Home and End as the Linux console has them (`terminal-type=linux`).
    """

    backspace: int = 127
    application_keypad: bool = False
    console: bool = False


_BACKSPACE, _TAB, _BACK_TAB, _RETURN, _ESCAPE = 0xFF08, 0xFF09, 0xFE20, 0xFF0D, 0xFF1B
_KEYPAD_ENTER = 0xFF8D

# Keys by the letter that ends their sequence: CSI 1;modifiers letter.
_LETTERS: Final = {
    0xFF50: "H", 0xFF51: "D", 0xFF52: "A", 0xFF53: "C", 0xFF54: "B", 0xFF57: "F", 0xFF58: "E",
    0xFF95: "H", 0xFF96: "D", 0xFF97: "A", 0xFF98: "C", 0xFF99: "B", 0xFF9C: "F", 0xFF9D: "E",
    0xFF91: "P", 0xFF92: "Q", 0xFF93: "R", 0xFF94: "S",
    0xFFBE: "P", 0xFFBF: "Q", 0xFFC0: "R", 0xFFC1: "S",
}  # fmt: skip
# Keys by number: CSI number;modifiers ~. F5 to F20, then Find, Insert, Delete, Select, Prior, Next, Help, Menu.
_NUMBERS: Final = {
    0xFFC2: 15, 0xFFC3: 17, 0xFFC4: 18, 0xFFC5: 19, 0xFFC6: 20, 0xFFC7: 21, 0xFFC8: 23, 0xFFC9: 24,
    0xFFCA: 25, 0xFFCB: 26, 0xFFCC: 28, 0xFFCD: 29, 0xFFCE: 31, 0xFFCF: 32, 0xFFD0: 33, 0xFFD1: 34,
    0xFF68: 1, 0xFF63: 2, 0xFFFF: 3, 0xFF60: 4, 0xFF55: 5, 0xFF56: 6, 0xFF6A: 28, 0xFF67: 29,
    0xFF9A: 5, 0xFF9B: 6, 0xFF9E: 2, 0xFF9F: 3,
}  # fmt: skip
_CONSOLE: Final = {
    0xFF50: "\x1b[1~", 0xFF57: "\x1b[4~", 0xFF95: "\x1b[1~", 0xFF9C: "\x1b[4~",
    0xFFBE: "\x1b[[A", 0xFFBF: "\x1b[[B", 0xFFC0: "\x1b[[C", 0xFFC1: "\x1b[[D", 0xFFC2: "\x1b[[E",
}  # fmt: skip
_KEYPAD: Final = {
    0xFF80: " ", 0xFF89: "\t", 0xFF8D: "\r", 0xFFBD: "=",
    **{0xFFAA + index: text for index, text in enumerate("*+,-./0123456789")},
}  # fmt: skip
"""What keypad keys type."""
_APPLICATION: Final = {
    **{keysym: chr(keysym - 0xFF80 + 0x40) for keysym in _KEYPAD},
    **dict(zip((0xFF95, 0xFF97, 0xFF9A, 0xFF96, 0xFF9D, 0xFF98), "wxytuv", strict=True)),
    **dict(zip((0xFF9C, 0xFF99, 0xFF9B, 0xFF9E, 0xFF9F), "qrspn", strict=True)),
}
"""What ends SS3 for them in application mode."""

_CONTROLS: Final = {
    " ": 0, "2": 0, "3": 27, "4": 28, "5": 29, "6": 30, "7": 31, "8": 127, "?": 127, "/": 31, "~": 30, "`": 0,
}  # fmt: skip

# Kitty's numbers for keys that have no character: keypad, then F13 to F35, locks, and the modifiers themselves.
_KITTY: Final = {
    _ESCAPE: 27, _RETURN: 13, _TAB: 9, _BACK_TAB: 9, _BACKSPACE: 127,
    **{0xFFB0 + index: 57399 + index for index in range(10)},
    0xFFAE: 57409, 0xFFAF: 57410, 0xFFAA: 57411, 0xFFAD: 57412, 0xFFAB: 57413, 0xFF8D: 57414, 0xFFBD: 57415,
    0xFFAC: 57416, 0xFF96: 57417, 0xFF98: 57418, 0xFF97: 57419, 0xFF99: 57420, 0xFF9A: 57421, 0xFF9B: 57422,
    0xFF95: 57423, 0xFF9C: 57424, 0xFF9E: 57425, 0xFF9F: 57426, 0xFF9D: 57427,
    **{0xFFCA + index: 57376 + index for index in range(23)},
    0xFFE5: 57358, 0xFF14: 57359, 0xFF7F: 57360, 0xFF61: 57361, 0xFF13: 57362, 0xFF67: 57363,
    0xFFE1: 57441, 0xFFE3: 57442, 0xFFE9: 57443, 0xFFEB: 57444, 0xFFED: 57445, 0xFFE7: 57446,
    0xFFE2: 57447, 0xFFE4: 57448, 0xFFEA: 57449, 0xFFEC: 57450, 0xFFEE: 57451, 0xFFE8: 57452, 0xFE03: 57453,
}  # fmt: skip
_LOCKS_AND_MODIFIERS: Final = frozenset(
    keysym for keysym, code in _KITTY.items() if code in (57358, 57359, 57360) or code >= 57441
)
_LEGACY_IN_KITTY: Final = (_RETURN, _TAB, _BACKSPACE)
"""Keys that keep their old bytes until flag 8, so that a shell can be used after a crashed program."""


def character(keysym: int) -> str:
    """The character a key symbol stands for, of the main keyboard; empty where there is none."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF or 0x20A0 <= keysym <= 0x20AC:
        return chr(keysym)
    code = keysym - 0x01000000
    if (0xA0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF) or 0x20 <= code <= 0x7E:
        return chr(code)
    return ""


def encode(
    keysym: int,
    modifiers: int,
    modes: Modes,
    flags: int,
    options: KeyOptions,
    action: Action = Action.PRESS,
) -> bytes:
    """The bytes a program gets for a key.

    Args:
        keysym: which key.
        modifiers: `Modifier` bits.
        modes: the terminal's.
        flags: kitty's, of the screen that is shown.
        options: the connection's.
        action: a release means nothing unless kitty's flag 2 asks for it.
    """
    if flags:
        return _kitty(keysym, modifiers, modes, flags, options, action).encode()
    if action is Action.RELEASE:
        return b""
    return _legacy(keysym, modifiers, modes, options).encode("utf-8")


def _legacy(keysym: int, modifiers: int, modes: Modes, options: KeyOptions) -> str:
    if options.application_keypad and modes.application_keypad and keysym in _APPLICATION and not modifiers:
        return "\x1bO" + _APPLICATION[keysym]
    if keysym in _LETTERS or keysym in _NUMBERS:
        return _function_key(keysym, modifiers, modes, options)
    text = _KEYPAD.get(keysym) or character(keysym)
    if modes.modify_other_keys and _is_modified(keysym, text, modifiers, modes.modify_other_keys):
        return f"\x1b[27;{modifiers + 1};{ord(text or _named(keysym, modes, options)[0])}~"
    if keysym == _BACK_TAB or (keysym == _TAB and modifiers & Modifier.SHIFT):
        return _escaped("\x1b[Z", modifiers, modes)
    if text and modifiers & Modifier.CONTROL:
        text = _control(text)
    return _escaped(text or _named(keysym, modes, options, modifiers), modifiers, modes)


def _function_key(keysym: int, modifiers: int, modes: Modes, options: KeyOptions) -> str:
    if options.console and not modifiers and keysym in _CONSOLE:
        return _CONSOLE[keysym]
    if keysym in _NUMBERS:
        return f"\x1b[{_NUMBERS[keysym]};{modifiers + 1}~" if modifiers else f"\x1b[{_NUMBERS[keysym]}~"
    letter = _LETTERS[keysym]
    if modifiers:
        return f"\x1b[1;{modifiers + 1}{letter}"
    return ("\x1bO" if modes.application_cursor or letter in "PQRS" else "\x1b[") + letter


def _named(keysym: int, modes: Modes, options: KeyOptions, modifiers: int = 0) -> str:
    """What backspace, tab, return and escape type; nothing for other keys."""
    if keysym == _BACKSPACE:
        byte = 8 if modes.backarrow else options.backspace
        return chr({8: 127, 127: 8}.get(byte, byte) if modifiers & Modifier.CONTROL else byte)
    if keysym == _RETURN:
        return "\r\n" if modes.linefeed else "\r"
    return {_TAB: "\t", _ESCAPE: "\x1b"}.get(keysym, "")


def _control(text: str) -> str:
    """Control and a character: its C0 control, or itself where there is none."""
    if text in _CONTROLS:
        return chr(_CONTROLS[text])
    return chr(ord(text) & 0x1F) if "@" <= text <= "_" or "a" <= text <= "z" else text


def _escaped(text: str, modifiers: int, modes: Modes) -> str:
    """Add what Alt means: ESC before, or the eighth bit."""
    if not text or not modifiers & Modifier.ALT:
        return text
    if modes.eight_bit_meta and not modes.meta_escape and len(text) == 1 and text < "\x80":
        return chr(ord(text) | 0x80)
    return "\x1b" + text


def _is_modified(keysym: int, text: str, modifiers: int, level: int) -> bool:
    """Whether modifyOtherKeys sends this key as CSI 27."""
    others = modifiers & ~Modifier.SHIFT
    if keysym in (_RETURN, _ESCAPE):
        return bool(modifiers)
    if keysym == _TAB:
        return bool(others)
    if keysym == _BACKSPACE:
        return level == 2 and bool(modifiers & ~Modifier.CONTROL)
    if not text or keysym in _KEYPAD:
        return False
    if level == 2:
        return bool(others) or (text == " " and bool(modifiers))
    # Level 1 leaves alone what has a traditional meaning: Shift, ESC for Alt, and Control where it makes a control.
    return bool(others & Modifier.CONTROL) and (_control(text) == text or bool(modifiers & Modifier.SHIFT))


def _kitty(keysym: int, modifiers: int, modes: Modes, flags: int, options: KeyOptions, action: Action) -> str:
    everything = bool(flags & KittyFlag.ALL_AS_ESCAPES)
    if action is Action.RELEASE and not flags & KittyFlag.EVENT_TYPES:
        return ""
    if keysym in _LOCKS_AND_MODIFIERS and not everything:
        return ""
    typed = _KEYPAD.get(keysym, "") if keysym != _KEYPAD_ENTER else ""
    text = typed or character(keysym)
    pressed = action is not Action.RELEASE
    if not everything:
        if keysym in _LEGACY_IN_KITTY and not modifiers:
            return _named(keysym, modes, options) if pressed else ""
        if text and pressed and not modifiers & ~Modifier.SHIFT:
            return text
    if keysym in _LETTERS or keysym in _NUMBERS:
        return _kitty_function_key(keysym, modifiers, flags, action)
    code = _KITTY.get(keysym) or (ord(text.lower()[0]) if text else 0)
    if not code:
        return ""
    fields = [str(code), _kitty_modifiers(modifiers, flags, action)]
    if everything and flags & KittyFlag.TEXT and text and pressed and not modifiers & ~Modifier.SHIFT:
        fields.append(str(ord(text)))
    while not fields[-1]:
        fields.pop()
    return f"\x1b[{';'.join(fields)}u"


def _kitty_function_key(keysym: int, modifiers: int, flags: int, action: Action) -> str:
    held = _kitty_modifiers(modifiers, flags, action)
    if keysym in _KITTY:
        return f"\x1b[{_KITTY[keysym]}{';' * bool(held)}{held}u"
    if keysym in _NUMBERS or _LETTERS[keysym] == "R":
        # CSI R is the answer to DSR 6, so F3 has a number here.
        return f"\x1b[{_NUMBERS.get(keysym, 13)}{';' * bool(held)}{held}~"
    return f"\x1b[{'1;' * bool(held)}{held}{_LETTERS[keysym]}"


def _kitty_modifiers(modifiers: int, flags: int, action: Action) -> str:
    if flags & KittyFlag.EVENT_TYPES and action is not Action.PRESS:
        return f"{modifiers + 1}:{action}"
    return str(modifiers + 1) if modifiers else ""


_DEAD: Final = dict(
    zip(
        range(0xFE50, 0xFE64),
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328\u0345\u3099\u309a\u0323\u0309\u031b\u0335",
        strict=True,
    )
)
"""Dead keys to combining characters, from dead_grave on."""
_SPACING: Final = dict(zip("\u0300\u0301\u0302\u0303\u0308\u0327", "`´^~¨¸", strict=True))


class Compose:
    """Dead keys: an accent that waits for its letter."""

    __slots__ = ("_accent",)

    def __init__(self) -> None:
        self._accent = ""

    def press(self, keysym: int) -> int | None:
        """The key symbol to go on with; None while an accent waits for its letter."""
        if keysym in _LOCKS_AND_MODIFIERS:
            return keysym
        if keysym in _DEAD and not self._accent:
            self._accent = _DEAD[keysym]
            return None
        accent, self._accent = self._accent, ""
        if not accent:
            return keysym
        if keysym == 0x20 or _DEAD.get(keysym) == accent:
            return _keysym(_SPACING.get(accent, accent))
        composed = unicodedata.normalize("NFC", character(keysym) + accent)
        return _keysym(composed) if len(composed) == 1 else keysym


def _keysym(text: str) -> int:
    return ord(text) if ord(text) <= 0xFF else 0x01000000 + ord(text)
