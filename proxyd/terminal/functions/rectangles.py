"""The rectangular area functions of a VT420."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.cells import Flag, Style
from proxyd.terminal.functions.table import Function, nth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.terminal.terminal import Terminal

__all__ = ["CSI"]

Numbers = tuple[int, ...]

_RESTYLING: Final = 20
"""How many erased cells cost as much as one with another style."""
_ATTRIBUTES: Final = {1: Flag.BOLD, 5: Flag.BLINK, 7: Flag.INVERSE, 8: Flag.INVISIBLE}


class _Area(NamedTuple):
    top: int
    left: int
    bottom: int
    right: int


def _area(t: Terminal, p: Numbers) -> _Area | None:
    """Pt; Pl; Pb; Pr as half-open ranges, counted from the margins in origin mode; None where it is empty."""
    page = t.screen
    top, left, bottom, right = 0, 0, page.rows, page.columns
    if page.origin:
        top, left, bottom, right = page.margin_top, page.margin_left, page.margin_bottom, page.margin_right
    area = _Area(
        top + nth(p, 0, 1) - 1,
        left + nth(p, 1, 1) - 1,
        min(top + nth(p, 2, page.rows), bottom),
        min(left + nth(p, 3, page.columns), right),
    )
    return area if area.top < area.bottom and area.left < area.right else None


def _fill(t: Terminal, p: Numbers) -> None:
    character = nth(p, 0, 32)
    area = _area(t, p[1:])
    if area and (32 <= character <= 126 or 160 <= character <= 255):
        for y in range(area.top, area.bottom):
            t.screen.grid.fill(y, area.left, area.right, chr(character), t.screen.style)


def _erase(t: Terminal, p: Numbers, keep: int = 0) -> None:
    if area := _area(t, p):
        for y in range(area.top, area.bottom):
            t.screen.grid.erase(y, area.left, area.right, t.screen.blank, keep)


def _selective_erase(t: Terminal, p: Numbers) -> None:
    _erase(t, p, Flag.PROTECTED)


def _copy(t: Terminal, p: Numbers) -> None:
    source = _area(t, p[:4])
    target = _area(t, (nth(p, 5), nth(p, 6)))
    if source and target:
        height = min(source.bottom - source.top, target.bottom - target.top)
        right = min(source.right, source.left + target.right - target.left)
        order = range(height) if target.top <= source.top else range(height - 1, -1, -1)
        for y in order:
            t.screen.grid.copy(source.top + y, source.left, right, target.top + y, target.left)


def _ranges(t: Terminal, area: _Area) -> Iterator[tuple[int, int, int]]:
    """Row, left, right of what DECCARA and DECRARA change: the rectangle, or the stream from corner to corner."""
    for y in range(area.top, area.bottom):
        if t.rectangle_extent == 2:
            yield y, area.left, area.right
        else:
            yield (
                y,
                area.left if y == area.top else 0,
                area.right if y == area.bottom - 1 else t.screen.columns,
            )


def _restyle(t: Terminal, p: Numbers, *, toggle: bool) -> None:
    area = _area(t, p[:4])
    if not area:
        return
    for y, left, right in _ranges(t, area):
        row = t.screen.grid.rows[y]
        t.screen.grid.work += _RESTYLING * (right - left)
        for x in range(left, right):
            row.styles[x] = _changed(row.styles[x], p[4:] or (0,), toggle=toggle)
        row.damage(left, right)


def _changed(style: Style, codes: Numbers, *, toggle: bool) -> Style:
    """A style after some of SGR 0, 1, 4, 5, 7, 8 and 22, 24, 25, 27, 28; `toggle` turns each over."""
    flags, underline = style.flags, style.underline
    everything = Flag.BOLD | Flag.BLINK | Flag.INVERSE | Flag.INVISIBLE
    for code in codes:
        if code == 0:
            flags = flags ^ everything if toggle else flags & ~everything
            underline = int(toggle and not underline)
        elif code == 4:
            underline = int(not (toggle and underline))
        elif code in _ATTRIBUTES:
            flags = flags ^ _ATTRIBUTES[code] if toggle else flags | _ATTRIBUTES[code]
        elif not toggle and code == 24:
            underline = 0
        elif not toggle and code - 20 in _ATTRIBUTES:
            flags &= ~_ATTRIBUTES[code - 20]
        elif not toggle and code == 22:
            flags &= ~Flag.BOLD
    return style._replace(flags=flags, underline=underline)


def _change_attributes(t: Terminal, p: Numbers) -> None:
    _restyle(t, p, toggle=False)


def _reverse_attributes(t: Terminal, p: Numbers) -> None:
    _restyle(t, p, toggle=True)


def _choose_extent(t: Terminal, p: Numbers) -> None:
    if p[0] <= 2:
        t.rectangle_extent = p[0]


CSI: Final[dict[str, Function]] = {
    "$r": Function("DECCARA", "change attributes in an area", _change_attributes),
    "$t": Function("DECRARA", "reverse attributes in an area", _reverse_attributes),
    "$v": Function("DECCRA", "copy an area", _copy),
    "$x": Function("DECFRA", "fill an area", _fill),
    "*x": Function("DECSACE", "areas of attributes are streams (1) or rectangles (2)", _choose_extent),
    "$z": Function("DECERA", "erase an area", _erase),
    "${": Function("DECSERA", "erase what is not protected in an area", _selective_erase),
}
