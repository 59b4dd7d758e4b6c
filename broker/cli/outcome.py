"""How a command ends: its exit codes, the one line that says why, and what `--json` prints."""

from __future__ import annotations

import json
import os
import sys
from enum import IntEnum
from typing import Any, Self, TextIO

__all__ = ["CommandError", "Exit", "complain", "mark", "paint", "print_json"]


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = (0, "done; for `fanlight demo` also: stopped by Ctrl-C or SIGTERM")
    FAILED = (1, "the work failed; the line on standard error names the part at fault")
    USAGE = (2, "wrong arguments, or a setting is missing or wrong")
    HOP = (
        3,
        "`fanlight check`: a hop fails; `fanlight keys install`: the key is in place, but the server refuses it",
    )
    IN_USE = (98, "the address to listen on is taken")

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """One row: the code, and when it is used."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class CommandError(Exception):
    """A command cannot go on. The text is one line for a person, without secrets.

    Attributes:
        exit: the code to end with.
    """

    def __init__(self, message: str, exit_code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit = exit_code


def complain(message: str) -> None:
    """One line on standard error."""
    print(f"fanlight: {' '.join(message.split())}", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output. What a terminal would not print but obey is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    print("".join(map(_escaped, text)) if not text.replace("\n", "").isprintable() else text, flush=True)


def _escaped(character: str) -> str:
    return character if character == "\n" or character.isprintable() else json.dumps(character)[1:-1]


def mark(passed: bool | None) -> str:
    """✓, ✕, or – where there was nothing to pass."""
    return {True: paint("✓", "green"), False: paint("✕", "red"), None: "–"}[passed]


_COLOURS = {"bold": 1, "dim": 2, "red": 31, "green": 32}


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """`text` in a colour where the stream is a terminal and `NO_COLOR` is not set."""
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"
