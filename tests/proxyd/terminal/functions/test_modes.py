"""Modes by number: each can be set, reset and asked for, saved and restored."""

from __future__ import annotations

import pytest

from proxyd.terminal.functions.modes import ANSI_MODES, DEC_MODES
from proxyd.terminal.modes import KITTY_KNOWN, STACK_LIMIT, Keyboard
from tests.proxyd.terminal.screens import shown

TABLES = [("", number, mode) for number, mode in ANSI_MODES.items()]
TABLES += [("?", number, mode) for number, mode in DEC_MODES.items()]
IDS = [f"{marker}{number} {mode.name}" for marker, number, mode in TABLES]


def value(marker: str, number: int, data: str) -> int:
    terminal = shown(10, 3, data)
    terminal.take_replies()
    terminal.feed(f"\x1b[{marker}{number}$p".encode())
    reply = terminal.take_replies().decode()
    assert reply.startswith(f"\x1b[{marker}{number};")
    return int(reply[len(f"\x1b[{marker}{number};")])


@pytest.mark.parametrize(("marker", "number", "mode"), TABLES, ids=IDS)
def test_a_mode_is_what_it_was_set_to(marker, number, mode):
    if mode.set is None:
        fixed = 3 if mode.get(shown(10, 3)) else 4
        assert value(marker, number, f"\x1b[{marker}{number}h") == fixed
        assert value(marker, number, f"\x1b[{marker}{number}l") == fixed
    elif mode.name != "save cursor":
        assert value(marker, number, f"\x1b[{marker}{number}h") == 1
        assert value(marker, number, f"\x1b[{marker}{number}l") == 2


@pytest.mark.parametrize(
    "number", [number for number, mode in DEC_MODES.items() if mode.set and number != 1048]
)
def test_modes_are_saved_and_restored(number):
    assert value("?", number, f"\x1b[?{number}h\x1b[?{number}s\x1b[?{number}l\x1b[?{number}r") == 1
    assert value("?", number, f"\x1b[?{number}l\x1b[?{number}s\x1b[?{number}h\x1b[?{number}r") == 2


def test_a_keyboard_stack_is_bounded():
    keyboard = Keyboard()
    for _ in range(100):
        keyboard.push(1)
    assert len(keyboard.stack) == STACK_LIMIT
    keyboard.pop(10**6)
    assert (keyboard.flags, keyboard.stack) == (0, [])
    keyboard.change(255, 1)
    assert keyboard.flags == KITTY_KNOWN
    keyboard.change(1, 9)
    assert keyboard.flags == KITTY_KNOWN
