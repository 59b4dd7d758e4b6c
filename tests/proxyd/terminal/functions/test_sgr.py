"""SGR: every code, every way to write a colour, and back to codes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.cells import DEFAULT, RGB, Flag, Link, Style
from proxyd.terminal.functions.sgr import describe, relink, restyle
from tests.proxyd.terminal.screens import shown

FLAGS = {1: Flag.BOLD, 2: Flag.FAINT, 3: Flag.ITALIC, 5: Flag.BLINK, 6: Flag.BLINK, 7: Flag.INVERSE, 8: Flag.INVISIBLE,
    9: Flag.STRIKE, 53: Flag.OVERLINE}  # fmt: skip
OFF = {1: 22, 2: 22, 3: 23, 5: 25, 6: 25, 7: 27, 8: 28, 9: 29, 53: 55}


@pytest.mark.parametrize(("code", "flag"), FLAGS.items())
def test_flags_go_on_and_off(code, flag):
    on = restyle(DEFAULT, str(code))
    assert on == Style(flags=flag)
    assert restyle(on, str(OFF[code])) is DEFAULT


@pytest.mark.parametrize(
    ("codes", "look"),
    [
        ("", {}),
        ("0", {}),
        ("4", {"underline": 1}),
        ("4:0", {}),
        ("4:3", {"underline": 3}),
        ("4:5", {"underline": 5}),
        ("4:9", {"underline": 1}),
        ("21", {"underline": 2}),
        ("4;24", {}),
        ("30;47", {"foreground": 0, "background": 7}),
        ("97;100", {"foreground": 15, "background": 8}),
        ("31;39;41;49", {}),
        ("38;5;200", {"foreground": 200}),
        ("48;5;0", {"background": 0}),
        ("38:5:200", {"foreground": 200}),
        ("38;2;1;2;3", {"foreground": RGB + 0x010203}),
        ("38:2:1:2:3", {"foreground": RGB + 0x010203}),
        ("38:2::1:2:3", {"foreground": RGB + 0x010203}),
        ("48:2:0:255:255:255:0:1", {"background": RGB + 0xFFFFFF}),
        ("58:5:9", {"underline_colour": 9}),
        ("58;2;0;0;0", {"underline_colour": RGB}),
        ("58:5:9;59", {}),
        ("38;5;1;1", {"foreground": 1, "flags": Flag.BOLD}),
        ("1;38;2;1;2;3;4", {"foreground": RGB + 0x010203, "flags": Flag.BOLD, "underline": 1}),
        ("38;5;256", {}),
        ("38;2;1;2;256", {}),
        ("38;5", {}),
        ("38;2;1;2", {}),
        ("38", {}),
        ("38:5", {}),
        ("38:2:1", {}),
        ("38;9;1", {"flags": Flag.BOLD}),
        ("1;0", {}),
        ("1;;3", {"flags": Flag.ITALIC}),
        ("999;1", {"flags": Flag.BOLD}),
    ],
)  # fmt: skip
def test_codes(codes, look):
    assert restyle(DEFAULT, codes) == Style(**look)


def test_a_reset_leaves_links_and_protection():
    style = Style(foreground=1, flags=Flag.BOLD | Flag.PROTECTED | Flag.GUARDED)
    assert restyle(style, "0") == Style(flags=Flag.PROTECTED | Flag.GUARDED)
    link = Link("http://x", "")
    assert relink(style._replace(link=link), "0;1") == Style(
        flags=Flag.PROTECTED | Flag.GUARDED | Flag.BOLD, link=link
    )


COLOUR = st.sampled_from([0, 7, 8, 15, 16, 255, RGB, RGB + 0xABCDEF])
FLAG = st.integers(0, 255)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Style,
        COLOUR | st.just(256),
        COLOUR | st.just(257),
        FLAG,
        st.integers(0, 5),
        COLOUR | st.none(),
        st.none(),
    )
)
def test_what_decrqss_says_makes_the_style(style):
    assert restyle(Style(foreground=3, flags=Flag.STRIKE), describe(style)) == style


@settings(max_examples=60, deadline=None)
@given(st.text("0123456789;:", max_size=60))
def test_no_codes_are_too_strange(codes):
    style = restyle(DEFAULT, codes)
    assert type(style.flags) is int
    assert type(style.underline) is int
    assert hash(style) == hash(Style(*style))


def test_cells_have_the_style_they_were_written_in():
    row = shown(6, 1, "a\x1b[1;31mb\x1b[mc\x1b]8;;http://x\x07d\x1b[4me\x1b]8;;\x07").screen.view_row(0)
    link = Link("http://x", "")
    assert row.styles[:5] == [
        DEFAULT,
        Style(1, flags=Flag.BOLD),
        DEFAULT,
        Style(link=link),
        Style(underline=1, link=link),
    ]
