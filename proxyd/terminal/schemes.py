"""Colour schemes: our own by name, guacd's by name, and guacd's syntax (sheet section 7.3)."""

from __future__ import annotations

import re
from typing import NamedTuple

from proxyd.terminal.cells import BACKGROUND, CURSOR, FOREGROUND
from proxyd.terminal.colours import parse_colour, xterm_palette

__all__ = ["DEFAULT_SCHEME", "Scheme", "find_scheme"]

DEFAULT_SCHEME = "fanlight"
"""Used where nothing, or `default`, is asked for."""
MAX_LENGTH = 16384
"""Characters of a scheme that are read; all 258 colours written out are about 6,000."""


class Scheme(NamedTuple):
    """Colours of a terminal.

    Attributes:
        palette: 259 colours 0xRRGGBB (see cells.py).
        bold_brightens: bold text in colours 0..7 takes 8..15.
    """

    palette: list[int]
    bold_brightens: bool


_FANLIGHT = (
    0x20242C, 0xE3636D, 0x93C474, 0xDBB26A, 0x4F8EE8, 0xC084DD, 0x4FB4BF, 0xC9CED7,
    0x838B99, 0xF58F96, 0xB6DD9A, 0xF0CD92, 0x8FBCFA, 0xDDB0F2, 0x86DAE2, 0xF5F7FA,
)  # fmt: skip
_FANLIGHT_LIGHT = (
    0x2B2F36, 0xB92B33, 0x2A7338, 0x845C00, 0x1F5FBF, 0x8A3AAC, 0x0A6C7E, 0x737A85,
    0x616873, 0xA11F2B, 0x1F622D, 0x6F4D00, 0x174FA6, 0x742D93, 0x085A69, 0xFFFFFF,
)  # fmt: skip
_GUACD = (
    0x000000, 0x993E3E, 0x3E993E, 0x99993E, 0x3E3E99, 0x993E99, 0x3E9999, 0x999999,
    0x3E3E3E, 0xFF6767, 0x67FF67, 0xFFFF67, 0x6767FF, 0xFF67FF, 0x67FFFF, 0xFFFFFF,
)  # fmt: skip


def _scheme(
    ansi: tuple[int, ...], foreground: int, background: int, *, bold_brightens: bool = False
) -> Scheme:
    palette = xterm_palette()
    palette[:16] = ansi
    palette[FOREGROUND] = palette[CURSOR] = foreground
    palette[BACKGROUND] = background
    return Scheme(palette, bold_brightens)


def _guacd(foreground: int, background: int) -> Scheme:
    return _scheme(_GUACD, _GUACD[foreground], _GUACD[background], bold_brightens=True)


_NAMED = {
    "fanlight": _scheme(_FANLIGHT, 0xD6DAE1, 0x1A1D23),
    "fanlight-light": _scheme(_FANLIGHT_LIGHT, 0x2B2F36, 0xFAFAF8),
    "gray-black": _guacd(7, 0),
    "black-white": _guacd(0, 15),
    "green-black": _guacd(2, 0),
    "white-black": _guacd(15, 0),
}
_ALIASES = {"": DEFAULT_SCHEME, "default": DEFAULT_SCHEME}
_INDEXED = re.compile(r"color(\d{1,3})", re.ASCII)


def find_scheme(text: str) -> Scheme:
    """The scheme that `text` names or spells.

    Args:
        text: a name, or pairs `foreground: color15; background: rgb:00/11/22; color4: light blue`, which change
            guacd's gray on black from left to right. The first pair that is wrong ends it. An unknown name is the
            default.
    """
    name = text.strip().lower()
    named = _NAMED.get(_ALIASES.get(name, name))
    if named is None and ":" not in name:
        named = _NAMED[DEFAULT_SCHEME]
    if named is not None:
        return Scheme(list(named.palette), named.bold_brightens)
    palette = list(_NAMED["gray-black"].palette)
    for pair in text[:MAX_LENGTH].split(";"):
        if not pair.strip():
            continue
        key, _, value = pair.partition(":")
        index, colour = _index(key), _colour(value, palette)
        if index is None or colour is None:
            break
        palette[index] = colour
        if index == FOREGROUND:
            palette[CURSOR] = colour
    return Scheme(palette, bold_brightens=True)


def _index(key: str) -> int | None:
    key = key.strip().lower()
    if key in {"foreground", "background"}:
        return FOREGROUND if key == "foreground" else BACKGROUND
    match = _INDEXED.fullmatch(key)
    return int(match[1]) if match and int(match[1]) < 256 else None


def _colour(value: str, palette: list[int]) -> int | None:
    match = _INDEXED.fullmatch(value.strip().lower())
    if match:
        return palette[int(match[1])] if int(match[1]) < 256 else None
    return parse_colour(value)
