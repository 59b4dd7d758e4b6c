"""Spans of time, as people write and read them on the command line."""

from __future__ import annotations

import re

from broker.cli.outcome import CommandError, Exit

__all__ = ["seconds_of", "span"]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(option: str, text: str) -> float:
    """The seconds of `90`, `30m` or `8h`.

    Raises:
        CommandError: the text is none; it names the option.
    """
    match = re.fullmatch(r"(\d{1,6})([smh]?)", text, re.ASCII)
    if match is None:
        raise CommandError(f"{option}: is written like 30m or 8h", Exit.USAGE)
    return int(match[1]) * _UNITS[match[2]]


def span(seconds: float) -> str:
    """Seconds as a person says them."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
