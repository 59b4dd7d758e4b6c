"""Versions beside each other: `versions/1.2.0` in the state directory is a virtual environment, `versions/current` one of them.

The standard library only: `connector.trial` uses it, and shall not need what an update replaces.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["adopt", "command", "current", "folder", "forget", "read_memory", "tidy", "write_memory"]

CURRENT = "current"
MEMORY = "update.json"


def folder(directory: Path, version: str) -> Path:
    """Where a version is, or would be."""
    return directory / "versions" / version


def command(environment: Path | None, words: list[str]) -> list[str]:
    """How a connector is started: of an environment, or of the one that runs this.

    `-P` keeps the folder that it is started in out of the way.
    """
    python = sys.executable if environment is None else str(environment / "bin" / "python")
    return [python, "-P", "-m", "connector", *words]


def current(directory: Path) -> Path | None:
    """The environment that was adopted last; None where that is the installed one."""
    link = folder(directory, CURRENT)
    with contextlib.suppress(OSError):
        found = link.parent / link.readlink().name
        if (found / "bin" / "python").exists():
            return found
    return None


def adopt(directory: Path, version: str) -> None:
    """Begin with this version from now on.

    Raises:
        OSError: it cannot be written.
    """
    link = folder(directory, CURRENT)
    beside = link.with_name(f"{CURRENT}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(version)
    beside.replace(link)


def forget(directory: Path, version: str) -> None:
    """Remove a version."""
    shutil.rmtree(folder(directory, version), ignore_errors=True)


def tidy(directory: Path, *kept: str) -> None:
    """Remove all versions but these, and what half an installation left."""
    link = folder(directory, CURRENT)
    with contextlib.suppress(OSError):
        names = {*kept, link.readlink().name if link.is_symlink() else ""}
        for path in link.parent.iterdir():
            if path.is_dir() and not path.is_symlink() and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)


def read_memory(directory: Path) -> dict[str, Any]:
    """What is kept of updates; see `connector.updates.Memory`."""
    try:
        fields = json.loads((directory / MEMORY).read_text())
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def write_memory(directory: Path, fields: dict[str, Any]) -> None:
    """Keep it.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w") as opened:
            json.dump(fields, opened)
        Path(name).replace(directory / MEMORY)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
