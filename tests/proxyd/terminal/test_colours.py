"""Colours: the ways to write one, xterm's palette, X11's names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.colours import format_colour, parse_colour, xterm_palette
from proxyd.terminal.x11_colours import NAMES


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("rgb:ff/80/00", 0xFF8000),
        ("rgb:f/8/0", 0xFF8800),
        ("rgb:fff/888/000", 0xFF8800),
        ("rgb:ffff/8080/0000", 0xFF8000),
        ("RGB:FF/80/00", 0xFF8000),
        ("#f80", 0xF08000),
        ("#ff8000", 0xFF8000),
        ("#fff888000", 0xFF8800),
        ("#ffff80800000", 0xFF8000),
        ("red", 0xFF0000),
        ("Light Sea Green", 0x20B2AA),
        ("antiquewhite3", 0xCDC0B0),
        ("gray50", 0x7F7F7F),
        ("grey51", 0x828282),
        ("rgb:ff/80", None),
        ("rgb:12345/0/0", None),
        ("rgb:gg/0/0", None),
        ("#ff", None),
        ("#fffff", None),
        ("", None),
        ("no colour", None),
        ("rgb:²/0/0", None),
    ],
)
def test_colours_are_read_as_x11_reads_them(text, colour):
    assert parse_colour(text) == colour


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 0xFFFFFF))
def test_a_colour_reads_as_it_was_reported(colour):
    assert parse_colour(format_colour(colour)) == colour


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_colour_or_none(text):
    colour = parse_colour(text)
    assert colour is None or 0 <= colour <= 0xFFFFFF


def test_the_palette():
    palette = xterm_palette()
    assert len(palette) == 259
    assert (palette[16], palette[196], palette[231], palette[232], palette[255]) == (
        0,
        0xFF0000,
        0xFFFFFF,
        0x080808,
        0xEEEEEE,
    )


def test_the_names():
    assert len(NAMES) == 658
    assert all(name == name.lower().replace(" ", "") for name in NAMES)
