"""Rectangular areas: attributes, edges, origin, and wide characters at the borders."""

from __future__ import annotations

import pytest

from proxyd.terminal.cells import Flag
from tests.proxyd.terminal.screens import check_legal, picture, shown

FILLED = "abcde\r\nfghij\r\nklmno"


def bold(data: str) -> list[str]:
    """Where the cells are bold, as a picture."""
    screen = shown(5, 3, FILLED, data).screen
    return [
        "".join("#" if style.flags & Flag.BOLD else "." for style in screen.view_row(y).styles)
        for y in range(3)
    ]


def test_deccara_changes_a_stream_or_a_rectangle():
    assert bold("\x1b[1;4;2;2;1$r") == [".....", ".....", "....."]
    assert bold("\x1b[1;2;2;4;1$r") == [".####", "####.", "....."]
    assert bold("\x1b[2*x\x1b[1;2;2;4;1$r") == [".###.", ".###.", "....."]
    assert bold("\x1b[2*x\x1b[1;2;2;4;1$r\x1b[1;1;1;5;22$r") == [".....", ".###.", "....."]
    assert bold("\x1b[1*x\x1b[1;1;3;5;1$r\x1b[2*x\x1b[2;2;2;2;0$r") == ["#####", "#.###", "#####"]


def test_decrara_reverses():
    assert bold("\x1b[2*x\x1b[1;2;2;4;1$t\x1b[2;3;3;5;1$t") == [".###.", ".#..#", "..###"]
    assert bold("\x1b[2*x\x1b[1;1;1;2;0$t") == ["##...", ".....", "....."]


@pytest.mark.parametrize(
    ("codes", "underline", "flags"),
    [
        ("4", 1, 0),
        ("4;24", 0, 0),
        ("5;7;8", 0, Flag.BLINK | Flag.INVERSE | Flag.INVISIBLE),
        ("7;27", 0, 0),
        ("3", 0, 0),
    ],
)
def test_only_some_attributes_can_be_changed(codes, underline, flags):
    style = shown(5, 3, FILLED, f"\x1b[1;1;1;1;{codes}$r").screen.view_row(0).styles[0]
    assert (style.underline, style.flags) == (underline, flags)


@pytest.mark.parametrize("area", ["", "9;9", "3;1;1;5", "1;4;3;2", "99999;99999;99999;99999", "0;0;0;0"])
@pytest.mark.parametrize("function", ["$r", "$t", "$v", "$z", "${", "$x"])
def test_no_area_is_too_strange(area, function):
    for text in (FILLED, "中文a\r\n中文b\r\nx中文"):
        check_legal(shown(5, 3, text, f"\x1b[{area}{function}", f"\x1b[88;{area}{function}").screen)


def test_areas_count_from_the_margins_in_origin_mode():
    assert picture(shown(5, 3, FILLED, "\x1b[2;3r\x1b[?6h\x1b[1;1;1;5$z")) == ["abcde", "", "klmno"]
    assert picture(shown(5, 3, FILLED, "\x1b[2;3r\x1b[?6h\x1b[88;1;1;9;9$x")) == ["abcde", "XXXXX", "XXXXX"]


def test_wide_characters_are_never_cut_in_two():
    terminal = shown(5, 2, "中文a\r\nbcdef\x1b[1;2;1;3;1;2;1;1$v")
    assert picture(terminal) == ["中文a", "  def"]
    assert picture(shown(5, 2, "中文a", "\x1b[88;1;2;1;3$x")) == [" XX a", ""]
    check_legal(terminal.screen)
