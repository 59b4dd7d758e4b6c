from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.terminal.cells import BACKGROUND, CURSOR, FOREGROUND
from proxyd.terminal.colours import xterm_palette
from proxyd.terminal.schemes import find_scheme

GUACD = [
    0x000000, 0x993E3E, 0x3E993E, 0x99993E, 0x3E3E99, 0x993E99, 0x3E9999, 0x999999,
    0x3E3E3E, 0xFF6767, 0x67FF67, 0xFFFF67, 0x6767FF, 0xFF67FF, 0x67FFFF, 0xFFFFFF,
]  # fmt: skip


def ends(text: str) -> tuple[int, int]:
    palette = find_scheme(text).palette
    return palette[FOREGROUND], palette[BACKGROUND]


def contrast(one: int, other: int) -> float:
    """As WCAG 2.2 defines it."""

    def luminance(colour: int) -> float:
        channels = [(colour >> shift & 0xFF) / 255 for shift in (16, 8, 0)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "foreground", "background"),
    [("gray-black", 7, 0), ("black-white", 0, 15), ("green-black", 2, 0), ("white-black", 15, 0)],
)
def test_guacd_s_schemes_have_guacd_s_colours(name: str, foreground: int, background: int) -> None:
    scheme = find_scheme(name)
    assert scheme.palette[:16] == GUACD
    assert ends(name) == (GUACD[foreground], GUACD[background])
    assert scheme.bold_brightens


@pytest.mark.parametrize("name", ["", "default", " Fanlight ", "solarized"])
def test_no_name_an_unknown_one_and_default_mean_ours(name: str) -> None:
    assert find_scheme(name) == find_scheme("fanlight")
    assert not find_scheme(name).bold_brightens


@pytest.mark.parametrize("name", ["fanlight", "fanlight-light"])
def test_our_schemes_are_readable(name: str) -> None:
    palette = find_scheme(name).palette
    for index in [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, FOREGROUND, CURSOR]:
        assert contrast(palette[index], palette[BACKGROUND]) >= 4.5, index


@pytest.mark.parametrize("name", ["", "gray-black", "foreground: red"])
def test_colours_above_16_are_xterm_s(name: str) -> None:
    assert find_scheme(name).palette[16:256] == xterm_palette()[16:256]
    assert len(find_scheme(name).palette) == 259


@pytest.mark.parametrize(
    ("text", "foreground", "background"),
    [
        ("foreground: color15; background: rgb:00/11/22", 0xFFFFFF, 0x001122),
        ("foreground:rgb:f/8/0;background:rgb:ffff/0000/8080", 0xFF8800, 0xFF0080),
        ("background: Navy Blue ;; foreground: LIGHTgrey", 0xD3D3D3, 0x000080),
        ("color7: red; foreground: color7", 0xFF0000, 0x000000),
        ("foreground: color7; color7: red", 0x999999, 0x000000),
        ("foreground: red; nonsense; background: red", 0xFF0000, 0x000000),
        ("foreground: red; background: rgb:zz/0/0", 0xFF0000, 0x000000),
        ("color256: red; foreground: red", 0x999999, 0x000000),
    ],
)
def test_pairs_change_gray_on_black_from_left_to_right(text: str, foreground: int, background: int) -> None:
    assert ends(text) == (foreground, background)


def test_the_cursor_follows_the_foreground() -> None:
    assert find_scheme("foreground: red").palette[CURSOR] == 0xFF0000


def test_schemes_are_not_shared() -> None:
    find_scheme("fanlight").palette[0] = 0x123456
    assert find_scheme("fanlight").palette[0] != 0x123456


@given(st.text(max_size=60))
def test_any_text_gives_a_scheme(text: str) -> None:
    assert len(find_scheme(text).palette) == 259
    assert len(find_scheme(f"color1: {text}; {text}").palette) == 259
