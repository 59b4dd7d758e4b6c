from __future__ import annotations

from struct import pack, unpack

import pytest

from proxyd.rfb.keyboard import MAX_PRESSED, Keyboard

SHIFT, CONTROL, RETURN = 0xFFE1, 0xFFE3, 0xFF0D


def down(keyboard: Keyboard, keysym: int, *, leds: int | None = None) -> list[tuple[int, int, int]]:
    return parsed(keyboard.key(keysym, True, extended=True, leds=leds))


def up(keyboard: Keyboard, keysym: int) -> list[tuple[int, int, int]]:
    return parsed(keyboard.key(keysym, False, extended=True, leds=None))


def parsed(data: bytes) -> list[tuple[int, int, int]]:
    """(pressed, keysym, scancode) of each message; scancode 0 for plain ones."""
    events = []
    while data:
        if data[0] == 4:
            _, pressed, keysym = unpack(">BBxxI", data[:8])
            events.append((pressed, keysym, 0))
            data = data[8:]
        else:
            _, _, pressed, keysym, scancode = unpack(">BBHII", data[:12])
            events.append((pressed, keysym, scancode))
            data = data[12:]
    return events


def test_plain_servers_get_keysyms() -> None:
    keyboard = Keyboard()
    assert keyboard.key(0x61, True, extended=False, leds=None) == pack(">BBxxI", 4, 1, 0x61)
    assert keyboard.key(0x61, True, extended=False, leds=None) == pack(">BBxxI", 4, 1, 0x61)  # repeats
    assert keyboard.key(0x61, False, extended=False, leds=None) == pack(">BBxxI", 4, 0, 0x61)
    assert keyboard.key(0x61, False, extended=False, leds=None) == b""  # was not down


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (0x010000E4, 0xE4),
        (0x01000041, 0x41),
        (0x010020AC, 0x010020AC),
        (0xFE53, 0xFE53),
        (0x0100007F, 0x0100007F),
    ],
)
def test_unicode_keysyms_of_latin_1_get_their_old_numbers(given: int, sent: int) -> None:
    assert parsed(Keyboard().key(given, True, extended=False, leds=None)) == [(1, sent, 0)]


@pytest.mark.parametrize(
    ("keysym", "scancode"),
    [
        (0x61, 0x1E), (0x7A, 0x2C), (0x31, 0x02), (0x30, 0x0B), (0x2D, 0x0C), (0x5C, 0x2B), (0x2F, 0x35), (0x20, 0x39),
        (RETURN, 0x1C), (0xFF1B, 0x01), (0xFFFF, 0xD3), (0xFF52, 0xC8), (0xFFBE, 0x3B), (0xFFC7, 0x44), (0xFFC9, 0x58),
        (0xFF61, 0x54), (0xFF13, 0xC6), (CONTROL, 0x1D), (0xFFE4, 0x9D), (0xFE03, 0xB8), (0xFFB7, 0x47), (0xFF95, 0x47),
        (0xFF8D, 0x9C), (0xFFEB, 0xDB),
    ],
)  # fmt: skip
def test_keys_have_their_scancodes(keysym: int, scancode: int) -> None:
    keyboard = Keyboard()
    assert down(keyboard, keysym) == [(1, keysym, scancode)]
    assert up(keyboard, keysym) == [(0, keysym, scancode)]


def test_a_key_without_a_scancode_is_sent_as_a_keysym() -> None:
    assert down(Keyboard(), 0x010020AC) == [(1, 0x010020AC, 0)]


def test_shift_is_held_where_the_symbol_needs_it() -> None:
    keyboard = Keyboard()
    assert down(keyboard, 0x41) == [(1, SHIFT, 0x2A), (1, 0x41, 0x1E), (0, SHIFT, 0x2A)]
    assert up(keyboard, 0x41) == [(0, 0x41, 0x1E)]
    assert down(keyboard, 0x3F) == [(1, SHIFT, 0x2A), (1, 0x3F, 0x35), (0, SHIFT, 0x2A)]


def test_shift_that_is_held_is_enough() -> None:
    keyboard = Keyboard()
    down(keyboard, SHIFT)
    assert down(keyboard, 0x41) == [(1, 0x41, 0x1E)]


def test_shift_is_let_go_where_another_layout_holds_it() -> None:
    """A German keyboard has the slash on Shift and 7."""
    keyboard = Keyboard()
    down(keyboard, SHIFT)
    assert down(keyboard, 0x2F) == [(0, SHIFT, 0x2A), (1, 0x2F, 0x35), (1, SHIFT, 0x2A)]


def test_shift_is_left_alone_in_chords() -> None:
    keyboard = Keyboard()
    down(keyboard, CONTROL)
    assert down(keyboard, 0x41) == [(1, 0x41, 0x1E)]


def test_caps_lock_on_the_server_counts() -> None:
    assert down(Keyboard(), 0x41, leds=4) == [(1, 0x41, 0x1E)]
    assert down(Keyboard(), 0x61, leds=4) == [(1, SHIFT, 0x2A), (1, 0x61, 0x1E), (0, SHIFT, 0x2A)]
    assert down(Keyboard(), 0x31, leds=4) == [(1, 0x31, 0x02)]


def test_everything_held_is_let_go_in_the_end() -> None:
    keyboard = Keyboard()
    down(keyboard, CONTROL)
    down(keyboard, 0x010020AC)
    assert parsed(keyboard.release_all()) == [(0, CONTROL, 0x1D), (0, 0x010020AC, 0)]
    assert keyboard.release_all() == b""


def test_no_more_keys_are_held_than_anybody_has_fingers() -> None:
    keyboard = Keyboard()
    for keysym in range(0x3000, 0x3000 + MAX_PRESSED):
        keyboard.key(keysym, True, extended=False, leds=None)
    assert parsed(keyboard.key(0x61, True, extended=False, leds=None)) == [(0, 0x3000, 0), (1, 0x61, 0)]


@pytest.mark.parametrize("keysym", [-1, 2**40, 0])
def test_absurd_keysyms_fit_the_message(keysym: int) -> None:
    assert len(Keyboard().key(keysym, True, extended=True, leds=None)) == 8
