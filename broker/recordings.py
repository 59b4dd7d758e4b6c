"""Recordings of sessions, as proxyd or guacd left them in a folder: under the UUID of the session, for its person to play.

A record's recordings are the file named after the session, with or without a suffix, and what lies in a folder of that
name (sheet section 12). Nothing else in the folder is ever named to anybody.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.records import Record

__all__ = ["Recordings"]

SUFFIXES = ("", ".guac", ".cast")
"""Of files beside each other; what a name ends in says nothing of the format."""
MAX_FILES = 16
"""Files of one session."""
KINDS = {b"{": "ASCIICAST", **{b"%d" % digit: "GUACAMOLE_SESSION_RECORDING" for digit in range(10)}}
"""By the first byte: a header in JSON, or the length of an opcode."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Recordings:
    """The folder. Its methods read it: call them in a thread."""

    def __init__(self, folder: str) -> None:
        """Look into a folder; an empty name is none."""
        self._folder = Path(folder) if folder else None

    @property
    def offered(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    def of(self, record: Record) -> dict[str, tuple[str, Path]]:
        """Kind and path of a session's recordings, by file name. Whoever came through a shared link has none."""
        session = record.proxyd.removeprefix("$")
        if self._folder is None or not _UUID.fullmatch(session) or record.source.endswith("-shared"):
            return {}
        beside = [self._folder / (session + suffix) for suffix in SUFFIXES]
        paths = beside + _inside(self._folder / session)
        kinds = {path.name: (_kind(path), path) for path in paths}
        return {name: (kind, path) for name, (kind, path) in kinds.items() if kind is not None}


def _inside(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(folder.iterdir())[:MAX_FILES]


def _kind(path: Path) -> str | None:
    """What a file is; None for what cannot be played."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            return KINDS.get(file.read(1))
    except OSError:
        return None
