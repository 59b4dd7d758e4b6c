"""Keys as the server wants them: by keysym, or by keysym and scancode where it offers QEMU's extension."""

from __future__ import annotations

from proxyd.rfb.messages import key_event, qemu_key_event
from proxyd.rfb.scancodes import LETTERS, NEUTRAL, PLAIN, SHIFTED

__all__ = ["Keyboard"]

MAX_PRESSED = 64
"""Keys held down at once; nobody has more fingers, and a browser is not to fill our memory."""
SHIFT_L, SHIFT_R = 0xFFE1, 0xFFE2
_SHIFTS = frozenset({SHIFT_L, SHIFT_R})
_CHORDS = frozenset({0xFFE3, 0xFFE4, 0xFFE7, 0xFFE8, 0xFFE9, 0xFFEA, 0xFFEB, 0xFFEC, 0xFE03})
"""Control, Alt, Meta, Super, AltGr: while one is held Shift is left alone."""
_CAPS_LOCK = 4
_UNICODE = 0x01000000


class Keyboard:
    """Tracks what is held down, so that nothing stays pressed when the person is gone."""

    def __init__(self) -> None:
        self._pressed: dict[int, int] = {}  # keysym to the scancode it went down with, 0 for none

    def key(self, keysym: int, pressed: bool, *, extended: bool, leds: int | None) -> bytes:
        """Messages for a key.

        Args:
            keysym: X11's, or 0x01000000 + code point.
            pressed: down (again), or up.
            extended: the server takes scancodes.
            leds: lock states, bit 2 is Caps Lock; None where the server does not tell.
        """
        keysym = _canonical(keysym)
        if not pressed:
            scancode = self._pressed.pop(keysym, None)
            return b"" if scancode is None else _event(keysym, scancode, pressed=False)
        if not extended:
            return self._down(keysym, 0)
        scancode, shift = _key_of(keysym, caps=bool((leds or 0) & _CAPS_LOCK))
        if not scancode or shift is None or self._pressed.keys() & _CHORDS:
            return self._down(keysym, scancode)
        return self._shifted(keysym, scancode, shift=shift)

    def release_all(self) -> bytes:
        """Messages that let go of everything."""
        messages = [_event(keysym, scancode, pressed=False) for keysym, scancode in self._pressed.items()]
        self._pressed.clear()
        return b"".join(messages)

    def _down(self, keysym: int, scancode: int) -> bytes:
        dropped = b""
        if keysym not in self._pressed and len(self._pressed) >= MAX_PRESSED:
            oldest = next(iter(self._pressed))
            dropped = _event(oldest, self._pressed.pop(oldest), pressed=False)
        self._pressed[keysym] = scancode
        return dropped + _event(keysym, scancode, pressed=True)

    def _shifted(self, keysym: int, scancode: int, *, shift: bool) -> bytes:
        """The key with Shift as a US keyboard needs it for this symbol, whatever the person's layout."""
        held = [key for key in self._pressed if key in _SHIFTS]
        if bool(held) == shift:
            return self._down(keysym, scancode)
        changed = held or [SHIFT_L]
        before = (_event(key, NEUTRAL[key], pressed=shift) for key in changed)
        after = (_event(key, NEUTRAL[key], pressed=not shift) for key in changed)
        return b"".join([*before, self._down(keysym, scancode), *after])


def _canonical(keysym: int) -> int:
    """Latin-1 characters have keysyms of their own; old servers know only those."""
    point = keysym - _UNICODE
    return point if 0x20 <= point <= 0x7E or 0xA0 <= point <= 0xFF else keysym & 0xFFFFFFFF


def _key_of(keysym: int, *, caps: bool) -> tuple[int, bool | None]:
    """Scancode (0 is unknown) and whether Shift has to be held; None where it does not matter."""
    if keysym in NEUTRAL:
        return NEUTRAL[keysym], None
    if keysym in PLAIN:
        return PLAIN[keysym], False
    if keysym in SHIFTED:
        return SHIFTED[keysym], True
    letter = ord(chr(keysym).lower()) if keysym < 0x80 else 0
    if letter in LETTERS:
        return LETTERS[letter], (letter != keysym) != caps
    return 0, None


def _event(keysym: int, scancode: int, *, pressed: bool) -> bytes:
    return qemu_key_event(keysym, pressed, scancode) if scancode else key_event(keysym, pressed)
