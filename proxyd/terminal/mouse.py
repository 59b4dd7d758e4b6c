"""Pointer events to bytes: the mouse modes and their encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxyd.terminal.keys import Modifier

if TYPE_CHECKING:
    from proxyd.terminal.modes import Modes

__all__ = ["Mouse"]

# Buttons of a Guacamole mask to xterm's button codes: left, middle, right, wheel up, down, left, right.
_BUTTONS: Final = {1: 0, 2: 1, 4: 2, 8: 64, 16: 65, 32: 66, 64: 67}
_WHEEL: Final = 8 | 16 | 32 | 64
_NONE: Final = 3
_MOTION: Final = 32


class Mouse:
    """Turns the state of the pointer into reports of what changed."""

    __slots__ = ("_buttons", "_place")

    def __init__(self) -> None:
        self._buttons = 0
        self._place = (-1, -1)

    def event(
        self, modes: Modes, cell: tuple[int, int], pixel: tuple[int, int], buttons: int, modifiers: int
    ) -> bytes:
        """The reports for the pointer's new state, empty where the program does not want any.

        Args:
            modes: the terminal's.
            cell: column and row from 0.
            pixel: the same in pixels.
            buttons: the mask of buttons now down.
            modifiers: `Modifier` bits.
        """
        place = pixel if modes.mouse_encoding == 1016 else cell
        pressed, released = buttons & ~self._buttons, self._buttons & ~buttons
        moved = place != self._place
        self._buttons, self._place = buttons, place
        if not modes.mouse:
            return b""
        held = (4 * bool(modifiers & Modifier.SHIFT)) | (8 * bool(modifiers & (Modifier.ALT | Modifier.META)))
        held |= 16 * bool(modifiers & Modifier.CONTROL)
        if modes.mouse == 9:
            codes = [(code, True) for bit, code in _BUTTONS.items() if pressed & bit and code < _NONE]
        else:
            codes = [(code | held, True) for bit, code in _BUTTONS.items() if pressed & bit]
            codes += [(code | held, False) for bit, code in _BUTTONS.items() if released & bit & ~_WHEEL]
            if not codes and moved and (modes.mouse == 1003 or (modes.mouse == 1002 and buttons & ~_WHEEL)):
                down = next((code for bit, code in _BUTTONS.items() if buttons & bit & ~_WHEEL), _NONE)
                codes = [(down | _MOTION | held, True)]
        return b"".join(_report(modes.mouse_encoding, code, place, down=down) for code, down in codes)


def _report(encoding: int, code: int, place: tuple[int, int], *, down: bool) -> bytes:
    x, y = place[0] + 1, place[1] + 1
    if encoding in (1006, 1016):
        return f"\x1b[<{code};{x};{y}{'M' if down else 'm'}".encode()
    code = code if down else (code & ~_NONE) | _NONE
    if encoding == 1015:
        return f"\x1b[{code + 32};{x};{y}M".encode()
    if encoding == 1005:
        return b"\x1b[M" + "".join(chr(value + 32) for value in (code, x, y)).encode()
    # The oldest form has one byte a coordinate: what does not fit is not reported.
    return b"\x1b[M" + bytes((code + 32, x + 32, y + 32)) if max(x, y) < 224 else b""
