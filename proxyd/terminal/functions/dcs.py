"""Device control strings: questions about settings and capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.cells import Flag
from proxyd.terminal.functions.sgr import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.terminal.terminal import Terminal

__all__ = ["DCS", "SETTINGS", "DeviceString"]


class DeviceString(NamedTuple):
    """A device control string by intermediates and final; `run` gets its data."""

    name: str
    summary: str
    run: Callable[[Terminal, str], None]


SETTINGS: Final[dict[str, Callable[[Terminal], str]]] = {
    "m": lambda t: describe(t.screen.style),
    "r": lambda t: f"{t.screen.margin_top + 1};{t.screen.margin_bottom}",
    "s": lambda t: f"{t.screen.margin_left + 1};{t.screen.margin_right}",
    "t": lambda t: str(t.screen.rows),
    " q": lambda t: str(2 * t.screen.cursor_shape + 2 - t.screen.cursor_blinking),
    '"p': lambda _: "64;1",
    '"q': lambda t: str(int(bool(t.screen.style.flags & Flag.PROTECTED))),
    "$}": lambda _: "0",
    "$~": lambda _: "0",
    "$|": lambda t: str(t.screen.columns),
    "*x": lambda t: str(t.rectangle_extent),
    "*|": lambda t: str(t.screen.rows),
}
"""What DECRQSS may ask for, by the function that sets it."""

_CAPABILITIES: Final = {"TN": "xterm-256color", "Co": "256", "colors": "256", "RGB": "8"}


def _request_setting(t: Terminal, data: str) -> None:
    setting = SETTINGS.get(data)
    t.reply(f"\x1bP1$r{setting(t)}{data}\x1b\\" if setting else "\x1bP0$r\x1b\\")


def _request_capabilities(t: Terminal, data: str) -> None:
    """XTGETTCAP: names in hexadecimal, `;` between them; the answer ends at the first that is unknown."""
    known = []
    for code in data.split(";"):
        try:
            value = _CAPABILITIES[bytes.fromhex(code).decode("ascii")]
        except (ValueError, KeyError):
            break
        known.append(f"{code}={value.encode().hex().upper()}")
    t.reply(
        f"\x1bP1+r{';'.join(known)}\x1b\\" if known else f"\x1bP0+r{data if data.isalnum() else ''}\x1b\\"
    )


DCS: Final[dict[str, DeviceString]] = {
    "$q": DeviceString("DECRQSS", "report a setting", _request_setting),
    "+q": DeviceString("XTGETTCAP", "report terminal capabilities", _request_capabilities),
}
