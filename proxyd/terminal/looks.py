"""From a cell's style to what is painted: which face, which two colours, which lines."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from proxyd.terminal.cells import BACKGROUND, FOREGROUND, RGB, Flag, Style, Underline
from proxyd.terminal.glyphs import BOLD, ITALIC, SHADES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Look", "Looks", "Pair", "ramp"]

MAX_LOOKS = 4096
"""Styles remembered; a program can make up any number."""
_GAMMA = 1.4
"""Between 1 (mixing the numbers of colours: light text on dark looks thin) and 2.2 (mixing light: too bold)."""


class Pair(NamedTuple):
    """Ink on paper, 0xRRGGBB each."""

    ink: int
    paper: int


class Look(NamedTuple):
    """How cells of one style are painted.

    Attributes:
        face: which of an atlas's faces.
        pair: colours of the text.
        hidden: paper only.
        underline: shape of the underline, an `Underline`.
        underline_pair: colours of that.
        lines: STRIKE and OVERLINE, in the text's colours.
    """

    face: int
    pair: Pair
    hidden: bool
    underline: int
    underline_pair: Pair
    lines: int

    @property
    def decorated(self) -> bool:
        """It has lines."""
        return bool(self.underline or self.lines)


class Looks(dict[Style, Look]):
    """The looks of styles under one palette, worked out when first asked for."""

    def __init__(self, palette: Sequence[int], *, reverse: bool, bold_brightens: bool) -> None:
        """Begin empty.

        Args:
            palette: 259 colours (see cells.py).
            reverse: DECSCNM: foreground and background are exchanged.
            bold_brightens: bold turns colours 0..7 into 8..15, as old schemes count on.
        """
        super().__init__()
        self._palette = list(palette)
        if reverse:
            self._palette[FOREGROUND], self._palette[BACKGROUND] = palette[BACKGROUND], palette[FOREGROUND]
        self._bold_brightens = bold_brightens

    @property
    def paper(self) -> int:
        """The colour of empty cells and margins, 0xRRGGBB."""
        return self._palette[BACKGROUND]

    def colour(self, number: int) -> int:
        """A colour of a style as 0xRRGGBB."""
        return self._palette[number] if number < RGB else number - RGB

    def __missing__(self, style: Style) -> Look:
        if len(self) >= MAX_LOOKS:
            self.clear()
        look = self[style] = self._worked_out(style)
        return look

    def _worked_out(self, style: Style) -> Look:
        flags = style.flags
        number = style.foreground
        if self._bold_brightens and flags & Flag.BOLD and number < 8:
            number += 8
        pair = Pair(self.colour(number), self.colour(style.background))
        if flags & Flag.FAINT:
            pair = Pair(_between(*pair), pair.paper)
        if flags & Flag.INVERSE:
            pair = Pair(pair.paper, pair.ink)
        underline_ink = pair.ink if style.underline_colour is None else self.colour(style.underline_colour)
        return Look(
            face=(BOLD if flags & Flag.BOLD else 0) | (ITALIC if flags & Flag.ITALIC else 0),
            pair=pair,
            hidden=bool(flags & Flag.INVISIBLE),
            underline=style.underline or (Underline.DOTTED if style.link else Underline.NONE),
            underline_pair=Pair(underline_ink, pair.paper),
            lines=flags & (Flag.STRIKE | Flag.OVERLINE),
        )


@functools.lru_cache(maxsize=4096)
def ramp(pair: Pair) -> tuple[int, ...]:
    """The colours of all shades, from paper to ink."""
    steps = [step / (SHADES - 1) for step in range(SHADES)]
    channels = [
        [round(_mixed(pair.ink >> shift & 0xFF, pair.paper >> shift & 0xFF, step)) for step in steps]
        for shift in (16, 8, 0)
    ]
    return tuple(red << 16 | green << 8 | blue for red, green, blue in zip(*channels, strict=True))


def _mixed(ink: int, paper: int, part: float) -> float:
    return float((ink**_GAMMA * part + paper**_GAMMA * (1 - part)) ** (1 / _GAMMA))


def _between(ink: int, paper: int) -> int:
    """Faint: the colour half-way to the paper."""
    return sum(((ink >> shift & 0xFF) + (paper >> shift & 0xFF)) // 2 << shift for shift in (16, 8, 0))
