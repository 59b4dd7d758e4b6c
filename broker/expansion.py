"""`${GUAC_USERNAME}` and its like in the values of connection parameters (sheet 5.3); pure.

Addresses never hold one by the time a connection is opened: they were resolved, and checked, when it was granted.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["expanded", "values"]

_TOKEN = re.compile(r"(?P<escaped>\$?)\$\{(?P<name>[A-Za-z0-9_]+)(?::(?P<modifier>[A-Z]+))?\}", re.ASCII)
_UNSAFE = re.compile(r"^\.+|[/\\\x00-\x1f\x7f]")
MAX_VALUE = 8192
"""Characters of a value after expansion; a longer one is cut."""
CHANGES: dict[str | None, Callable[[str], str]] = {
    None: str,
    "OPTIONAL": str,
    "UPPER": str.upper,
    "LOWER": str.lower,
}
PLACES = ("-name", "-path", "-directory")
"""Ends of the names of parameters that name files: what is filled in there stays one component of a path."""


def values(user: str, address: str, now: float, history: str) -> dict[str, str]:
    """What can be filled in.

    Args:
        user: who it is; empty where nobody said.
        address: of the browser.
        now: Unix seconds; date and time are those of this machine.
        history: the identifier under which the session stands in the history.
    """
    moment = datetime.fromtimestamp(now).astimezone()
    found = {
        "GUAC_USERNAME": user,
        "GUAC_CLIENT_ADDRESS": address,
        "GUAC_CLIENT_HOSTNAME": address,
        "GUAC_DATE": moment.strftime("%Y%m%d"),
        "GUAC_TIME": moment.strftime("%H%M%S"),
        "HISTORY_UUID": history,
    }
    return {name: value for name, value in found.items() if value}


def expanded(parameters: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Parameters with their tokens filled in.

    `$${NAME}` is `${NAME}` itself, an unknown name stays as it is, and `${NAME:UPPER}`, `${NAME:LOWER}` and
    `${NAME:OPTIONAL}` (nothing where it is unknown) do what they say.
    """
    return {
        name: _filled(value, known, is_place=name.endswith(PLACES)) if "${" in value else value
        for name, value in parameters.items()
    }


def _filled(value: str, known: Mapping[str, str], *, is_place: bool) -> str:
    def fill(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match[0][1:]
        modifier = match["modifier"]
        found = known.get(match["name"])
        if found is None:
            return "" if modifier == "OPTIONAL" else match[0]
        if is_place:
            found = _UNSAFE.sub("_", found)
        change = CHANGES.get(modifier)
        return change(found) if change else match[0]

    return _TOKEN.sub(fill, value)[:MAX_VALUE]
