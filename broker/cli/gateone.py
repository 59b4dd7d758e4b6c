"""Users' keys out of GateOne's folders: `<user_dir>/<upn>/.ssh` with `.default_ids` (one name a line)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import asyncssh

from broker.cli.keypairs import MAX_KEY_FILE, file_name, load, place
from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Imported", "import_users"]

DEFAULT_IDS = ".default_ids"
MAX_NAME = 255


class Imported(NamedTuple):
    """What became of one user; `imported` is None where there was nothing to do."""

    user: str
    imported: bool | None
    said: str


def import_users(source: Path, key_directory: Path, names: tuple[str, ...]) -> list[Imported]:
    """Take over the default identity of every user who has no key yet.

    Args:
        source: GateOne's `user_dir`.
        key_directory: where keys go.
        names: of key files that count as the user's own.
    """
    folders = sorted(path for path in source.iterdir() if (path / ".ssh").is_dir() and not path.is_symlink())
    return [_import(folder.name, folder / ".ssh", key_directory, names) for folder in folders]


def _import(user: str, folder: Path, key_directory: Path, names: tuple[str, ...]) -> Imported:
    try:
        if load(key_directory / user, names) is not None:
            return Imported(user, None, "has a key already")
        identities = _default_identities(folder)
        if not identities:
            return Imported(user, None, f"{DEFAULT_IDS} names no key: GateOne offered none either")
        complaints = []
        for name in identities:
            said = _take(user, folder, name, key_directory)
            if said is None:
                return Imported(user, True, name)
            complaints.append(f"{name} {said}")
    except CommandError as error:
        return Imported(user, False, str(error))
    except OSError as error:
        return Imported(user, False, f"{folder} cannot be read: {error.strerror}")
    return Imported(user, False, "; ".join(complaints))


def _default_identities(folder: Path) -> list[str]:
    """Names that GateOne offers by default; what was a path is reduced to its last component."""
    try:
        text = (folder / DEFAULT_IDS).read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    found = [line.strip().rpartition("/")[2] for line in text.splitlines()]
    return [name for name in found if name and name not in {".", ".."} and len(name) <= MAX_NAME]


def _take(user: str, folder: Path, name: str, key_directory: Path) -> str | None:
    """Copy one identity; says what is wrong with it, or None."""
    if not (folder / name).is_file() or not (folder / f"{name}.pub").is_file():
        return "is not there with its public half"
    with (folder / name).open("rb") as file:
        text = file.read(MAX_KEY_FILE)
    try:
        key = asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        return f"is not usable: {error}"
    target = file_name(key)
    if not target:
        return f"is of a type that is not taken ({key.get_algorithm()})"
    key.set_comment(user)
    place(key_directory, user, target, text, key.export_public_key())
    return None
