"""SGR: how characters look."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from proxyd.terminal.cells import BACKGROUND, DEFAULT, FOREGROUND, RGB, Flag, Style, Underline

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["describe", "relink", "restyle"]

Groups = tuple[tuple[int, ...], ...]
"""Parameters, each with its sub-parameters: `1;4:3` is ((1,), (4, 3))."""

_KEPT: Final = Flag.PROTECTED | Flag.GUARDED
"""What SGR 0 leaves alone."""

_ON: Final = {
    1: Flag.BOLD,
    2: Flag.FAINT,
    3: Flag.ITALIC,
    5: Flag.BLINK,
    6: Flag.BLINK,
    7: Flag.INVERSE,
    8: Flag.INVISIBLE,
    9: Flag.STRIKE,
    53: Flag.OVERLINE,
}
_OFF: Final = {
    22: Flag.BOLD | Flag.FAINT,
    23: Flag.ITALIC,
    25: Flag.BLINK,
    27: Flag.INVERSE,
    28: Flag.INVISIBLE,
    29: Flag.STRIKE,
    55: Flag.OVERLINE,
}
_UNDERLINES: Final = {21: Underline.DOUBLE.value, 24: Underline.NONE.value}
_COLOURS: Final[dict[int, dict[str, int]]] = {
    39: {"foreground": FOREGROUND},
    49: {"background": BACKGROUND},
    **{30 + index: {"foreground": index} for index in range(8)},
    **{40 + index: {"background": index} for index in range(8)},
    **{90 + index: {"foreground": 8 + index} for index in range(8)},
    **{100 + index: {"background": 8 + index} for index in range(8)},
}
_EXTENDED: Final = {38: "foreground", 48: "background", 58: "underline_colour"}


@lru_cache(maxsize=4096)
def restyle(style: Style, parameters: str) -> Style:
    """The style that `CSI parameters m` makes of `style`."""
    looks = style._asdict()
    groups = iter([tuple(int(value or 0) for value in group.split(":")) for group in parameters.split(";")])
    for group in groups:
        _apply(looks, group, groups)
    restyled = Style(**looks)
    return DEFAULT if restyled == DEFAULT else restyled


def relink(style: Style, parameters: str) -> Style:
    """As `restyle` for a style with a link: links stay out of the cache, there may be any number of them."""
    return restyle(style._replace(link=None), parameters)._replace(link=style.link)


def _apply(
    looks: dict[str, int | None], group: tuple[int, ...], following: Iterator[tuple[int, ...]]
) -> None:
    code = group[0]
    flags = looks["flags"] or 0
    if code == 0:
        looks |= Style(flags=flags & _KEPT)._asdict() | {"link": looks["link"]}
    elif code in _ON:
        looks["flags"] = flags | _ON[code]
    elif code in _OFF:
        looks["flags"] = flags & ~_OFF[code]
    elif code == 4:
        looks["underline"] = group[1] if len(group) > 1 and group[1] <= Underline.DASHED else 1
    elif code in _UNDERLINES:
        looks["underline"] = _UNDERLINES[code]
    elif code in _COLOURS:
        looks |= _COLOURS[code]
    elif code == 59:
        looks["underline_colour"] = None
    elif code in _EXTENDED:
        colour = _colour(group[1:]) if len(group) > 1 else _colour_of_following(following)
        if colour is not None:
            looks[_EXTENDED[code]] = colour


def _colour(values: tuple[int, ...]) -> int | None:
    """The colour of `5:n`, `2:r:g:b` and `2:space:r:g:b`; None where it is none."""
    kind, channels = values[0], values[1:]
    if kind == 2 and len(channels) > 3:
        channels = channels[1:4]
    if any(value > 255 for value in channels):
        return None
    if kind == 5 and channels:
        return channels[0]
    if kind == 2 and len(channels) == 3:
        red, green, blue = channels
        return RGB + (red << 16 | green << 8 | blue)
    return None


def _colour_of_following(groups: Iterator[tuple[int, ...]]) -> int | None:
    """The colour written with semicolons: `5;n`, `2;r;g;b`."""
    kind = next(groups, (0,))[0]
    size = {2: 3, 5: 1}.get(kind, 0)
    return _colour((kind, *(group[0] for _, group in zip(range(size), groups, strict=False))))


def describe(style: Style) -> str:
    """The parameters of the SGR that makes a fresh style into this one (DECRQSS)."""
    codes = ["0", *(str(code) for code, flag in _ON.items() if style.flags & flag and code != 6)]
    if style.underline:
        codes.append("4" if style.underline == Underline.SINGLE else f"4:{int(style.underline)}")
    if style.foreground != FOREGROUND:
        codes.append(_describe_colour(style.foreground, 30))
    if style.background != BACKGROUND:
        codes.append(_describe_colour(style.background, 40))
    if style.underline_colour is not None:
        codes.append(_describe_colour(style.underline_colour, 50))
    return ";".join(codes)


def _describe_colour(colour: int, base: int) -> str:
    if colour >= RGB:
        return f"{base + 8}:2::{colour >> 16 & 0xFF}:{colour >> 8 & 0xFF}:{colour & 0xFF}"
    if base == 50 or colour > 15:
        return f"{base + 8}:5:{colour}"
    return str(base + colour) if colour < 8 else str(base + 52 + colour)
