"""Colours as numbers: xterm's palette, and the ways a colour is written (XParseColor)."""

from __future__ import annotations

import re

from proxyd.terminal.x11_colours import NAMES

__all__ = ["format_colour", "parse_colour", "xterm_palette"]

_ANSI = (
    0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
    0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
)  # fmt: skip
_CUBE = (0, 95, 135, 175, 215, 255)

_RGB = re.compile(r"rgb:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})", re.ASCII)
_HASH = re.compile(r"#((?:[0-9a-f]{3}){1,4})", re.ASCII)


def xterm_palette() -> list[int]:
    """259 colours 0xRRGGBB: 16 of ANSI, the 6x6x6 cube, 24 greys; then foreground, background and cursor."""
    cube = [(r << 16) | (g << 8) | b for r in _CUBE for g in _CUBE for b in _CUBE]
    greys = [level * 0x010101 for level in range(8, 248, 10)]
    return [*_ANSI, *cube, *greys, _ANSI[7], _ANSI[0], _ANSI[7]]


def parse_colour(text: str) -> int | None:
    """A colour as 0xRRGGBB: `rgb:r/g/b` with 1 to 4 hex digits each, `#rgb` to `#rrrrggggbbbb`, or an X11 name.

    Case and blanks do not matter. None where it is no colour. Source: XParseColor(3).
    """
    text = text.replace(" ", "").lower()
    if match := _RGB.fullmatch(text):
        return _join([int(part, 16) * 255 // (16 ** len(part) - 1) for part in match.groups()])
    if match := _HASH.fullmatch(text):
        size = len(match[1]) // 3
        parts = [match[1][i : i + size] for i in range(0, 3 * size, size)]
        # The old syntax gives the most significant bits: #f00 is #f00000.
        return _join([int(part.ljust(2, "0")[:2], 16) for part in parts])
    return NAMES.get(text)


def format_colour(colour: int) -> str:
    """0xRRGGBB as OSC reports it: `rgb:rrrr/gggg/bbbb`."""
    return "rgb:" + "/".join(f"{(colour >> shift & 0xFF) * 0x101:04x}" for shift in (16, 8, 0))


def _join(channels: list[int]) -> int:
    red, green, blue = channels
    return (red << 16) | (green << 8) | blue
