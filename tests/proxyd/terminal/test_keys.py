"""Keys to bytes: xterm's table, the connection's options, modifyOtherKeys, kitty's protocol, dead keys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.keys import Action, Compose, KeyOptions, character, encode
from proxyd.terminal.modes import Modes
from proxyd.terminal.terminal import Terminal

SHIFT, ALT, CONTROL, META = 1, 2, 4, 8
UP, HOME, DELETE, INSERT, PAGE_UP, F1, F3, F5, F12 = (
    0xFF52,
    0xFF50,
    0xFFFF,
    0xFF63,
    0xFF55,
    0xFFBE,
    0xFFC0,
    0xFFC2,
    0xFFC9,
)
TAB, BACK_TAB, RETURN, ESCAPE, BACKSPACE, ENTER = 0xFF09, 0xFE20, 0xFF0D, 0xFF1B, 0xFF08, 0xFF8D
KP_1, KP_PLUS, KP_HOME, SHIFT_KEY, CAPS = 0xFFB1, 0xFFAB, 0xFF95, 0xFFE1, 0xFFE5

PLAIN = KeyOptions()


def sent(keysym, modifiers=0, *, flags=0, options=PLAIN, action=Action.PRESS, **modes):
    return encode(keysym, modifiers, Modes(**modes), flags, options, action)


LEGACY = [
    ("a letter", ord("a"), 0, b"a"),
    ("a capital", ord("A"), SHIFT, b"A"),
    ("Latin-1", 0xE9, 0, "é".encode()),
    ("Unicode", 0x01000000 + 0x4E2D, 0, "中".encode()),
    ("a supplementary plane", 0x01000000 + 0x1F44D, 0, "👍".encode()),
    ("the euro", 0x20AC, 0, "€".encode()),
    ("Ctrl+a", ord("a"), CONTROL, b"\x01"),
    ("Ctrl+Shift+a", ord("A"), CONTROL | SHIFT, b"\x01"),
    ("Ctrl+Space", ord(" "), CONTROL, b"\x00"),
    ("Ctrl+@", ord("@"), CONTROL, b"\x00"),
    ("Ctrl+[", ord("["), CONTROL, b"\x1b"),
    ("Ctrl+_", ord("_"), CONTROL, b"\x1f"),
    ("Ctrl+/", ord("/"), CONTROL, b"\x1f"),
    ("Ctrl+?", ord("?"), CONTROL, b"\x7f"),
    *((f"Ctrl+{digit}", ord(digit), CONTROL, byte) for digit, byte in zip("2345678", (b"\0", b"\x1b", b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x7f"), strict=True)),
    ("Ctrl+9 has no control", ord("9"), CONTROL, b"9"),
    ("Ctrl+é has no control", 0xE9, CONTROL, "é".encode()),
    ("Alt+a", ord("a"), ALT, b"\x1ba"),
    ("Alt+é", 0xE9, ALT, "\x1bé".encode()),
    ("Ctrl+Alt+a", ord("a"), CONTROL | ALT, b"\x1b\x01"),
    ("Return", RETURN, 0, b"\r"),
    ("Alt+Return", RETURN, ALT, b"\x1b\r"),
    ("Tab", TAB, 0, b"\t"),
    ("Shift+Tab", TAB, SHIFT, b"\x1b[Z"),
    ("ISO left tab", BACK_TAB, SHIFT, b"\x1b[Z"),
    ("Escape", ESCAPE, 0, b"\x1b"),
    ("Alt+Escape", ESCAPE, ALT, b"\x1b\x1b"),
    ("Backspace", BACKSPACE, 0, b"\x7f"),
    ("Ctrl+Backspace", BACKSPACE, CONTROL, b"\x08"),
    ("Alt+Backspace", BACKSPACE, ALT, b"\x1b\x7f"),
    ("Up", UP, 0, b"\x1b[A"),
    ("Shift+Up", UP, SHIFT, b"\x1b[1;2A"),
    ("Ctrl+Alt+Up", UP, CONTROL | ALT, b"\x1b[1;7A"),
    ("Meta+Up", UP, META, b"\x1b[1;9A"),
    ("Home", HOME, 0, b"\x1b[H"),
    ("Delete", DELETE, 0, b"\x1b[3~"),
    ("Ctrl+Delete", DELETE, CONTROL, b"\x1b[3;5~"),
    ("Insert", INSERT, 0, b"\x1b[2~"),
    ("Page up", PAGE_UP, 0, b"\x1b[5~"),
    ("F1", F1, 0, b"\x1bOP"),
    ("Shift+F1", F1, SHIFT, b"\x1b[1;2P"),
    ("F5", F5, 0, b"\x1b[15~"),
    ("Ctrl+F5", F5, CONTROL, b"\x1b[15;5~"),
    ("F12", F12, 0, b"\x1b[24~"),
    ("keypad 1", KP_1, 0, b"1"),
    ("keypad +", KP_PLUS, 0, b"+"),
    ("keypad Enter", ENTER, 0, b"\r"),
    ("keypad Home", KP_HOME, 0, b"\x1b[H"),
    ("Shift alone", SHIFT_KEY, 0, b""),
    ("Caps Lock", CAPS, 0, b""),
    ("an unknown key", 0xFF99FF, 0, b""),
    ("a lone surrogate", 0x0100D800, 0, b""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("keysym", "modifiers", "data"), [case[1:] for case in LEGACY], ids=[case[0] for case in LEGACY]
)
def test_keys_of_xterm(keysym, modifiers, data):
    assert sent(keysym, modifiers) == data
    assert sent(keysym, modifiers, action=Action.RELEASE) == b""
    assert sent(keysym, modifiers, action=Action.REPEAT) == data


def test_application_cursor_keys():
    assert sent(UP, application_cursor=True) == b"\x1bOA"
    assert sent(HOME, application_cursor=True) == b"\x1bOH"
    assert sent(UP, CONTROL, application_cursor=True) == b"\x1b[1;5A"
    assert sent(DELETE, application_cursor=True) == b"\x1b[3~"


def test_the_keypad_is_an_application_only_where_the_connection_says_so():
    vt100 = KeyOptions(application_keypad=True)
    assert sent(KP_1, application_keypad=True) == b"1"
    assert sent(KP_1, options=vt100) == b"1"
    assert sent(KP_1, options=vt100, application_keypad=True) == b"\x1bOq"
    assert sent(KP_PLUS, options=vt100, application_keypad=True) == b"\x1bOk"
    assert sent(ENTER, options=vt100, application_keypad=True) == b"\x1bOM"
    assert sent(KP_HOME, options=vt100, application_keypad=True) == b"\x1bOw"


def test_other_options():
    console = KeyOptions(console=True)
    assert sent(F1, options=console) == b"\x1b[[A"
    assert sent(F5, options=console) == b"\x1b[[E"
    assert sent(HOME, options=console) == b"\x1b[1~"
    assert sent(0xFF57, options=console) == b"\x1b[4~"
    assert sent(BACKSPACE, options=KeyOptions(backspace=8)) == b"\x08"
    assert sent(BACKSPACE, CONTROL, options=KeyOptions(backspace=8)) == b"\x7f"
    assert sent(BACKSPACE, backarrow=True) == b"\x08"
    assert sent(RETURN, linefeed=True) == b"\r\n"


def test_alt_may_set_the_eighth_bit():
    assert sent(ord("a"), ALT, eight_bit_meta=True) == b"\x1ba"
    assert sent(ord("a"), ALT, eight_bit_meta=True, meta_escape=False) == "á".encode()
    assert sent(UP, ALT, eight_bit_meta=True, meta_escape=False) == b"\x1b[1;3A"


@pytest.mark.parametrize(
    ("keysym", "modifiers", "first", "second"),
    [
        (ord("a"), 0, b"a", b"a"),
        (ord("A"), SHIFT, b"A", b"A"),
        (ord("a"), CONTROL, b"\x01", b"\x1b[27;5;97~"),
        (ord("A"), CONTROL | SHIFT, b"\x1b[27;6;65~", b"\x1b[27;6;65~"),
        (ord("1"), CONTROL, b"\x1b[27;5;49~", b"\x1b[27;5;49~"),
        (ord("2"), CONTROL, b"\x00", b"\x1b[27;5;50~"),
        (ord("a"), ALT, b"\x1ba", b"\x1b[27;3;97~"),
        (ord("a"), ALT | CONTROL, b"\x1b\x01", b"\x1b[27;7;97~"),
        (ord(" "), SHIFT, b" ", b"\x1b[27;2;32~"),
        (RETURN, CONTROL, b"\x1b[27;5;13~", b"\x1b[27;5;13~"),
        (RETURN, 0, b"\r", b"\r"),
        (TAB, CONTROL, b"\x1b[27;5;9~", b"\x1b[27;5;9~"),
        (TAB, SHIFT, b"\x1b[Z", b"\x1b[Z"),
        (BACKSPACE, SHIFT, b"\x7f", b"\x1b[27;2;127~"),
        (BACKSPACE, CONTROL, b"\x08", b"\x08"),
        (UP, CONTROL, b"\x1b[1;5A", b"\x1b[1;5A"),
        (KP_1, CONTROL, b"1", b"1"),
    ],
)  # fmt: skip
def test_modify_other_keys(keysym, modifiers, first, second):
    assert sent(keysym, modifiers, modify_other_keys=1) == first
    assert sent(keysym, modifiers, modify_other_keys=2) == second


KITTY = [
    ("a letter is text", 1, ord("a"), 0, b"a"),
    ("a capital is text", 1, ord("A"), SHIFT, b"A"),
    ("Escape", 1, ESCAPE, 0, b"\x1b[27u"),
    ("Ctrl+a", 1, ord("a"), CONTROL, b"\x1b[97;5u"),
    ("Ctrl+Shift+a", 1, ord("A"), CONTROL | SHIFT, b"\x1b[97;6u"),
    ("Alt+a", 1, ord("a"), ALT, b"\x1b[97;3u"),
    ("Super+a", 1, ord("a"), META, b"\x1b[97;9u"),
    ("Return", 1, RETURN, 0, b"\r"),
    ("Tab", 1, TAB, 0, b"\t"),
    ("Backspace", 1, BACKSPACE, 0, b"\x7f"),
    ("Shift+Return", 1, RETURN, SHIFT, b"\x1b[13;2u"),
    ("Shift+Tab", 1, TAB, SHIFT, b"\x1b[9;2u"),
    ("Up", 1, UP, 0, b"\x1b[A"),
    ("Ctrl+Up", 1, UP, CONTROL, b"\x1b[1;5A"),
    ("F1", 1, F1, 0, b"\x1b[P"),
    ("F3", 1, F3, 0, b"\x1b[13~"),
    ("F12", 1, F12, 0, b"\x1b[24~"),
    ("F13", 1, 0xFFCA, 0, b"\x1b[57376u"),
    ("Delete", 1, DELETE, SHIFT, b"\x1b[3;2~"),
    ("keypad 1 is text", 1, KP_1, 0, b"1"),
    ("keypad Home", 1, KP_HOME, 0, b"\x1b[57423u"),
    ("keypad Enter", 1, ENTER, 0, b"\x1b[57414u"),
    ("Shift alone", 1, SHIFT_KEY, 0, b""),
    ("a letter, all as escapes", 9, ord("a"), 0, b"\x1b[97u"),
    ("Return, all as escapes", 9, RETURN, 0, b"\x1b[13u"),
    ("Shift alone, all as escapes", 9, SHIFT_KEY, SHIFT, b"\x1b[57441;2u"),
    ("a letter with its text", 25, ord("a"), 0, b"\x1b[97;;97u"),
    ("a capital with its text", 25, ord("A"), SHIFT, b"\x1b[97;2;65u"),
    ("an unknown key", 1, 0xFF99FF, 0, b""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "keysym", "modifiers", "data"), [case[1:] for case in KITTY], ids=[case[0] for case in KITTY]
)
def test_keys_of_kitty(flags, keysym, modifiers, data):
    assert sent(keysym, modifiers, flags=flags) == data
    assert sent(keysym, modifiers, flags=flags, action=Action.RELEASE) == b""


@pytest.mark.parametrize(
    ("flags", "keysym", "repeated", "released"),
    [
        (3, ord("a"), b"a", b"\x1b[97;1:3u"),
        (3, UP, b"\x1b[1;1:2A", b"\x1b[1;1:3A"),
        (3, RETURN, b"\r", b""),
        (11, RETURN, b"\x1b[13;1:2u", b"\x1b[13;1:3u"),
        (11, ord("a"), b"\x1b[97;1:2u", b"\x1b[97;1:3u"),
        (2, DELETE, b"\x1b[3;1:2~", b"\x1b[3;1:3~"),
    ],
)
def test_kitty_reports_repeats_and_releases(flags, keysym, repeated, released):
    assert sent(keysym, flags=flags, action=Action.REPEAT) == repeated
    assert sent(keysym, flags=flags, action=Action.RELEASE) == released


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 0x02000000),
    st.integers(0, 15),
    st.integers(0, 31),
    st.sampled_from(Action),
    st.integers(0, 2),
)
def test_no_key_is_too_strange(keysym, modifiers, flags, action, level):
    assert len(sent(keysym, modifiers, flags=flags, action=action, modify_other_keys=level)) < 32


def test_characters_of_key_symbols():
    assert [character(keysym) for keysym in (0x61, 0xFF, 0x01000061, 0x010000E9, 0x0110FFFF)] == [
        "a",
        "ÿ",
        "a",
        "é",
        "\U0010ffff",
    ]
    assert [
        character(keysym) for keysym in (0x1F, 0x7F, 0x0100001B, 0x01000085, 0x0100DC00, 0x01110000, 0xFE50)
    ] == [""] * 7


def test_dead_keys_wait_for_their_letter():
    compose = Compose()
    assert compose.press(0xFE51) is None
    assert compose.press(0xFFE1) == 0xFFE1
    assert compose.press(ord("e")) == 0xE9
    assert compose.press(ord("e")) == ord("e")
    assert compose.press(0xFE52) is None
    assert compose.press(0xFE52) == ord("^")
    assert compose.press(0xFE52) is None
    assert compose.press(ord(" ")) == ord("^")
    assert compose.press(0xFE51) is None
    assert compose.press(ord("q")) == ord("q")
    assert compose.press(0xFE57) is None
    assert compose.press(ord("u")) == 0xFC
    assert compose.press(0xFE5A) is None
    assert compose.press(ord("s")) == 0x01000161


def test_a_terminal_composes_and_follows_its_modes():
    terminal = Terminal(10, 5)
    assert terminal.key(0xFE51, 0) == b""
    assert terminal.key(ord("a"), 0) == "á".encode()
    terminal.feed(b"\x1b[?1h")
    assert terminal.key(UP, 0) == b"\x1bOA"
    terminal.feed(b"\x1b[>3u")
    assert terminal.key(UP, 0, repeat=True) == b"\x1b[1;1:2A"
    assert terminal.key_released(UP, 0) == b"\x1b[1;1:3A"
    terminal.feed(b"\x1bc")
    assert terminal.key(UP, 0) == b"\x1b[A"
    assert terminal.key_released(UP, 0) == b""
