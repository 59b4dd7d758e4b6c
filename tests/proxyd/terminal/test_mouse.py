"""The mouse: what each mode wants to know, and how each encoding says it."""

from __future__ import annotations

import pytest

from proxyd.terminal.terminal import Terminal

LEFT, MIDDLE, RIGHT, WHEEL_UP, WHEEL_DOWN, WHEEL_LEFT = 1, 2, 4, 8, 16, 32
SHIFT, ALT, CONTROL = 1, 2, 4


def reports(modes: str, *events: tuple[int, ...]) -> list[bytes]:
    terminal = Terminal(300, 50)
    terminal.feed(modes.encode())
    return [terminal.mouse(*event) for event in events]


def test_nobody_asked():
    assert reports("", (3, 2, LEFT, 0), (3, 2, 0, 0)) == [b"", b""]


def test_x10_reports_presses_alone():
    events = [(3, 2, LEFT, SHIFT), (4, 2, LEFT, 0), (4, 2, 0, 0), (4, 2, WHEEL_UP, 0)]
    assert reports("\x1b[?9h", *events) == [b"\x1b[M $#", b"", b"", b""]


def test_normal_reports_presses_and_releases():
    events = [(3, 2, LEFT, 0), (4, 2, LEFT, 0), (4, 2, 0, 0), (5, 2, 0, 0)]
    assert reports("\x1b[?1000h", *events) == [b"\x1b[M $#", b"", b"\x1b[M#%#", b""]


def test_drag_reports_moves_with_a_button_down():
    events = [(3, 2, 0, 0), (3, 2, LEFT, 0), (4, 2, LEFT, 0), (4, 2, LEFT, 0), (4, 2, 0, 0), (5, 2, 0, 0)]
    expected = [b"", b"\x1b[<0;4;3M", b"\x1b[<32;5;3M", b"", b"\x1b[<0;5;3m", b""]
    assert reports("\x1b[?1002;1006h", *events) == expected


def test_motion_reports_every_move():
    events = [(3, 2, 0, 0), (3, 2, 0, 0), (4, 2, 0, 0), (4, 3, RIGHT, 0), (5, 3, RIGHT, 0)]
    expected = [b"\x1b[<35;4;3M", b"", b"\x1b[<35;5;3M", b"\x1b[<2;5;4M", b"\x1b[<34;6;4M"]
    assert reports("\x1b[?1003;1006h", *events) == expected


def test_the_wheel_is_buttons_without_release():
    events = [(0, 0, WHEEL_UP, 0), (0, 0, 0, 0), (0, 0, WHEEL_DOWN, 0), (0, 0, 0, 0), (0, 0, WHEEL_LEFT, 0)]
    assert reports("\x1b[?1000;1006h", *events) == [
        b"\x1b[<64;1;1M",
        b"",
        b"\x1b[<65;1;1M",
        b"",
        b"\x1b[<66;1;1M",
    ]


def test_modifiers_are_told():
    assert reports("\x1b[?1000;1006h", (0, 0, LEFT, SHIFT | ALT | CONTROL)) == [b"\x1b[<28;1;1M"]


def test_several_buttons_at_once():
    assert reports("\x1b[?1000;1006h", (0, 0, LEFT | RIGHT, 0), (0, 0, MIDDLE, 0)) == [
        b"\x1b[<0;1;1M\x1b[<2;1;1M",
        b"\x1b[<1;1;1M\x1b[<0;1;1m\x1b[<2;1;1m",
    ]


@pytest.mark.parametrize(
    ("encoding", "near", "far", "release"),
    [
        (0, b"\x1b[M $#", b"", b"\x1b[M#$#"),
        (1005, b"\x1b[M $#", "\x1b[M Į#".encode(), b"\x1b[M#$#"),
        (1015, b"\x1b[32;4;3M", b"\x1b[32;270;3M", b"\x1b[35;4;3M"),
        (1006, b"\x1b[<0;4;3M", b"\x1b[<0;270;3M", b"\x1b[<0;4;3m"),
    ],
)
def test_encodings(encoding, near, far, release):
    modes = f"\x1b[?1000;{encoding}h"
    assert reports(modes, (3, 2, LEFT, 0), (3, 2, 0, 0), (269, 2, LEFT, 0)) == [near, release, far]


def test_pixels():
    assert reports("\x1b[?1003;1016h", (3, 2, LEFT, 0, 30, 40), (3, 2, LEFT, 0, 31, 40)) == [
        b"\x1b[<0;31;41M",
        b"\x1b[<32;32;41M",
    ]


def test_places_are_kept_on_the_screen():
    assert reports("\x1b[?1000;1006h", (-5, 900, LEFT, 0)) == [b"\x1b[<0;1;50M"]


def test_resetting_any_mode_ends_reports():
    assert reports("\x1b[?1003h\x1b[?1000l", (3, 2, LEFT, 0)) == [b""]


def test_a_program_that_wants_the_mouse_has_it():
    terminal = Terminal(10, 5)
    assert not terminal.wants_mouse
    terminal.feed(b"\x1b[?1002h")
    assert terminal.wants_mouse
    terminal.feed(b"\x1b[?1002l")
    assert not terminal.wants_mouse
