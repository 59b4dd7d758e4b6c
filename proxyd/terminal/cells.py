"""What a cell, a row and a style are: the vocabulary of screen, painter and selection."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

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
    "blank_style",
]

# A colour is one int: 0..255 an index of the palette, FOREGROUND, BACKGROUND and CURSOR the further entries of the
# same palette, RGB + 0xRRGGBB a direct colour. So `palette[c] if c < RGB else c - RGB` is every colour there is.
FOREGROUND = 256
BACKGROUND = 257
CURSOR = 258
RGB = 1 << 24


class Flag:
    """The on-off part of SGR, and protection: bits of `Style.flags`, plain numbers because styles are hashed a lot."""

    BOLD: Final = 1
    FAINT: Final = 2
    ITALIC: Final = 4
    BLINK: Final = 8
    INVERSE: Final = 16
    INVISIBLE: Final = 32
    STRIKE: Final = 64
    OVERLINE: Final = 128
    PROTECTED: Final = 256
    """Not touched by DECSED and DECSEL (DECSCA 1)."""
    GUARDED: Final = 512
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
    underline: int = 0
    """The value of an Underline."""
    underline_colour: int | None = None
    """None follows the foreground."""
    link: Link | None = None


DEFAULT = Style()


@lru_cache(maxsize=256)
def blank_style(background: int) -> Style:
    """The style of erased cells: nothing but a background."""
    return DEFAULT if background == BACKGROUND else Style(background=background)


class Row:
    """One line of the screen: two lists of equal length, one entry a column.

    Attributes:
        text: a grapheme cluster each (mostly one character); a blank is " ", the right half of a wide character "".
            `"".join(row.text)` is the line's text.
        styles: a Style each; the halves of a wide character have the same.
        wrapped: the logical line goes on in the next row.
        spare: it does so because a wide character did not fit: the last column is empty.
        wide: there may be wide characters among `text`; where False, there are none.
        left, right: the columns [left, right) changed since the last `Screen.take_damage`; none if left >= right.
    """

    __slots__ = ("left", "right", "spare", "styles", "text", "wide", "wrapped")

    def __init__(self, columns: int, style: Style = DEFAULT) -> None:
        self.text = [" "] * columns
        self.styles = [style] * columns
        self.wrapped = self.spare = self.wide = False
        self.left = 0
        self.right = columns

    def damage(self, left: int, right: int) -> None:
        """Note that columns [left, right) changed."""
        if left < self.left:
            self.left = left
        if right > self.right:
            self.right = right

    def clean(self) -> None:
        """Forget the damage."""
        self.left = len(self.text)
        self.right = 0

    def cut(self, column: int) -> None:
        """Make sure that no wide character lies across the left edge of `column`: blank one that does."""
        if self.wide and 0 < column < len(self.text) and not self.text[column]:
            self.text[column - 1 : column + 1] = " ", " "
            self.damage(column - 1, column + 1)

    def put(self, column: int, text: list[str], styles: list[Style]) -> None:
        """Overwrite cells from `column` on; `text` holds no half of a wide character alone."""
        end = column + len(text)
        if self.wide:
            self.cut(column)
            self.cut(end)
        self.text[column:end] = text
        self.styles[column:end] = styles
        if column < self.left:
            self.left = column
        if end > self.right:
            self.right = end
        if end == len(self.text):
            self.spare = False

    def fill(self, left: int, right: int, text: str, style: Style) -> None:
        """Put the one-column `text` into columns [left, right)."""
        self.put(left, [text] * (right - left), [style] * (right - left))

    def insert(self, left: int, right: int, count: int, style: Style) -> None:
        """Shift columns [left, right) to the right by `count` blanks; what leaves at `right` is lost."""
        for edge in (left, right - count, right):
            self.cut(edge)
        self.text[left:right] = [" "] * count + self.text[left : right - count]
        self.styles[left:right] = [style] * count + self.styles[left : right - count]
        self.damage(left, right)

    def delete(self, left: int, right: int, count: int, style: Style) -> None:
        """Shift columns [left, right) to the left by `count`; blanks come in at `right`."""
        for edge in (left, left + count, right):
            self.cut(edge)
        self.text[left:right] = self.text[left + count : right] + [" "] * count
        self.styles[left:right] = self.styles[left + count : right] + [style] * count
        self.damage(left, right)

    def set_width(self, columns: int, style: Style) -> None:
        """Cut or pad the row."""
        missing = columns - len(self.text)
        if missing > 0:
            self.text += [" "] * missing
            self.styles += [style] * missing
        elif missing < 0:
            self.cut(columns)
            del self.text[columns:], self.styles[columns:]
        self.left, self.right = 0, columns
