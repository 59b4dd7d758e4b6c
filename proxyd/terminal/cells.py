"""What a cell, a row and a style are: the vocabulary of screen, painter and selection."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

__all__ = [
    "BACKGROUND",
    "CURSOR",
    "DEFAULT",
    "FOREGROUND",
    "RGB",
    "Flag",
    "Link",
    "Row",
    "Style",
    "Underline",
]

# A colour is one int: 0..255 an index of the palette, FOREGROUND, BACKGROUND and CURSOR the further entries of the
# same palette, RGB + 0xRRGGBB a direct colour. So `palette[c] if c < RGB else c - RGB` is every colour there is.
FOREGROUND = 256
BACKGROUND = 257
CURSOR = 258
RGB = 1 << 24


class Flag(IntFlag):
    """The on-off part of SGR, and DECSCA."""

    BOLD = 1
    FAINT = 2
    ITALIC = 4
    BLINK = 8
    INVERSE = 16
    INVISIBLE = 32
    STRIKE = 64
    OVERLINE = 128
    PROTECTED = 256
    """Not touched by DECSED and DECSEL (DECSCA 1)."""
    GUARDED = 512
    """Not touched by any erase (SPA)."""


class Underline(IntEnum):
    """The shapes of SGR 4:n."""

    NONE = 0
    SINGLE = 1
    DOUBLE = 2
    CURLY = 3
    DOTTED = 4
    DASHED = 5


class Link(NamedTuple):
    """A hyperlink (OSC 8). Cells whose links are equal belong together, wherever they are."""

    uri: str
    id: str


class Style(NamedTuple):
    """How a cell looks. Immutable and shared: compare with `is` first, `==` decides."""

    foreground: int = FOREGROUND
    background: int = BACKGROUND
    flags: int = 0
    underline: int = Underline.NONE
    underline_colour: int | None = None
    """None follows the foreground."""
    link: Link | None = None


DEFAULT = Style()


class Row:
    """One line of the screen: two lists of equal length, one entry a column.

    Attributes:
        text: a grapheme cluster each (mostly one character); a blank is " ", the right half of a wide character "".
            `"".join(row.text)` is the line's text.
        styles: a Style each; the halves of a wide character have the same.
        wrapped: the logical line goes on in the next row.
        left, right: the columns [left, right) changed since the last `Screen.take_damage`; none if left >= right.
    """

    __slots__ = ("left", "right", "styles", "text", "wrapped")

    def __init__(self, columns: int, style: Style = DEFAULT) -> None:
        self.text = [" "] * columns
        self.styles = [style] * columns
        self.wrapped = False
        self.left = 0
        self.right = columns
