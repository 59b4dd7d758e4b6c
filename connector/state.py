"""What stays on the host: the key, the machine's id, and a word on how the connector is for whoever looks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from connector.keyfile import MAX_TEXT, ConnectorKey, KeyFileError, parse_key

__all__ = [
    "RunningError",
    "installed_as",
    "is_running",
    "load_key",
    "machine_id",
    "only_one",
    "read_status",
    "save_key",
    "say",
]

MACHINE_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
STATUS = "status.json"


class RunningError(Exception):
    """Another connector uses the state directory."""


def load_key(path: Path) -> ConnectorKey:
    """Read the key.

    Raises:
        KeyFileError: it is not there, others may read it, or it is no key. The text names the file.
    """
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            data = opened.read(MAX_TEXT + 1)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
    if mode & 0o077 and not _is_credential(path):
        raise KeyFileError(f"{path} may be read by others: chmod 600 {path}")
    try:
        return parse_key(data.decode("utf-8", "replace"))
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from None


def _is_credential(path: Path) -> bool:
    """Whether systemd keeps the file: for this service alone, by other means than its mode."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.is_relative_to(str(folder))


def save_key(path: Path, key: ConnectorKey) -> None:
    """Write the key for this user alone, at once or not at all.

    Raises:
        OSError: it cannot be written.
    """
    _replace(path, key.text())


def machine_id(directory: Path, network: str) -> str:
    """A name of this host that differs by network and says nothing else about it.

    Raises:
        OSError: the host has none, and none can be kept in the directory.
    """
    own = ""
    for file in MACHINE_FILES:
        with contextlib.suppress(OSError):
            own = own or file.read_text().strip()
    return hashlib.sha256(f"fanlight {network} {own or _kept_id(directory)}".encode()).hexdigest()[:32]


def _kept_id(directory: Path) -> str:
    file = directory / "machine-id"
    with contextlib.suppress(FileNotFoundError):
        return file.read_text().strip()
    made = secrets.token_hex(16)
    _replace(file, made)
    return made


@contextlib.contextmanager
def only_one(directory: Path) -> Any:
    """Hold the state directory.

    Raises:
        RunningError: another connector holds it.
        OSError: it cannot be made or written.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunningError(f"another connector runs in {directory}") from None
        yield


def is_running(directory: Path) -> bool:
    """Whether a connector holds the state directory."""
    try:
        with (directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def say(directory: Path, status: dict[str, Any]) -> None:
    """Tell `fanlight connector status` and `doctor` how it is; a full disk is no reason to stop."""
    with contextlib.suppress(OSError):
        _replace(directory / STATUS, json.dumps(status))


def read_status(directory: Path) -> dict[str, Any]:
    """What was said last; empty where nothing was."""
    try:
        status = json.loads((directory / STATUS).read_text())
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def installed_as(said: str) -> str:
    """`container`, `system` or `user`: how the connector runs here, as the setting says or, for `auto`, as it seems."""
    if said != "auto":
        return said
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return "container"
    return "system" if os.environ.get("INVOCATION_ID") and not os.environ.get("XDG_RUNTIME_DIR") else "user"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # 0600 from the start
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
