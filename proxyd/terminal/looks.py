"""From a cell's style to what is painted: which face, which two colours, which lines."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from proxyd.terminal.cells import BACKGROUND, FOREGROUND, RGB, Flag, Style, Underline
from proxyd.terminal.glyphs import BOLD, ITALIC, SHADES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Look", "Looks", "Pair", "ramp", "ramps"]

MAX_LOOKS = 4096
"""Styles remembered; a program can make up any number."""
_GAMMA = 1.4
"""Between 1 (mixing the numbers of colours: light text on dark looks thin) and 2.2 (mixing light: too bold)."""
_LIGHT = np.arange(256, dtype=np.float32) ** np.float32(_GAMMA)
_STEPS = np.linspace(0, 1, SHADES, dtype=np.float32)[:, None]


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
    """The looks of styles under one palette, worked out when first asked for.

    Attributes:
        blinks: a style that blinks was asked for.
    """

    def __init__(
        self, palette: Sequence[int], *, reverse: bool, bold_brightens: bool, dark: bool = False
    ) -> None:
        """Begin empty.

        Args:
            palette: 259 colours (see cells.py).
            reverse: DECSCNM: foreground and background are exchanged.
            bold_brightens: bold turns colours 0..7 into 8..15, as old schemes count on.
            dark: text that blinks is not to be seen just now.
        """
        super().__init__()
        self._palette = list(palette)
        if reverse:
            self._palette[FOREGROUND], self._palette[BACKGROUND] = palette[BACKGROUND], palette[FOREGROUND]
        self._bold_brightens = bold_brightens
        self._dark = dark
        self.blinks = False

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
        if not (flags or style.underline or style.link):  # a picture of half blocks has thousands of these
            plain = Pair(self.colour(style.foreground), self.colour(style.background))
            return Look(0, plain, False, 0, plain, 0)
        number = style.foreground
        if self._bold_brightens and flags & Flag.BOLD and number < 8:
            number += 8
        pair = Pair(self.colour(number), self.colour(style.background))
        if flags & Flag.FAINT:
            pair = Pair(_between(*pair), pair.paper)
        if flags & Flag.INVERSE:
            pair = Pair(pair.paper, pair.ink)
        blinks = bool(flags & Flag.BLINK)
        self.blinks |= blinks
        underline_ink = pair.ink if style.underline_colour is None else self.colour(style.underline_colour)
        return Look(
            face=(BOLD if flags & Flag.BOLD else 0) | (ITALIC if flags & Flag.ITALIC else 0),
            pair=pair,
            hidden=bool(flags & Flag.INVISIBLE) or (blinks and self._dark),
            underline=style.underline or (Underline.DOTTED if style.link else Underline.NONE),
            underline_pair=Pair(underline_ink, pair.paper),
            lines=flags & (Flag.STRIKE | Flag.OVERLINE),
        )


def ramps(pairs: Sequence[Pair]) -> NDArray[np.uint8]:
    """The colours of all shades of each pair, from paper to ink: (pairs, shades, 3), R G B."""
    ends = np.array(pairs, np.uint32)[:, :, None] >> np.array([16, 8, 0], np.uint32) & 0xFF
    ink, paper = np.moveaxis(_LIGHT[ends], 1, 0)[:, :, None, :]
    mixed = paper + (ink - paper) * _STEPS
    colours: NDArray[np.uint8] = np.rint(mixed ** np.float32(1 / _GAMMA)).astype(np.uint8)
    return colours


@functools.lru_cache(maxsize=1024)
def ramp(pair: Pair) -> tuple[bytes, ...]:
    """The colours of all shades of one pair, R G B each."""
    return tuple(colour.tobytes() for colour in ramps([pair])[0])


def _between(ink: int, paper: int) -> int:
    """Faint: the colour half-way to the paper."""
    return sum(((ink >> shift & 0xFF) + (paper >> shift & 0xFF)) // 2 << shift for shift in (16, 8, 0))
