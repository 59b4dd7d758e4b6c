"""The demo's own folder: keys, settings, logs; made anew at every start, used by one demo at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import asyncssh

__all__ = ["USER", "State", "claim", "default_folder"]

USER = "demo"
_MOST_DEMOS = 16
_LOCK = "lock"


def default_folder() -> Path:
    """`fanlight/demo` where this person keeps state (XDG base directories)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "fanlight" / "demo"


class State:
    """Paths and secrets of one demo.

    Attributes:
        folder: holds everything below, and the logs.
        secret: what links are signed with.
        vnc_password: eight characters.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = secrets.token_urlsafe(32)
        self.vnc_password = secrets.token_urlsafe(6)

    def write_key(self, key: asyncssh.SSHKey) -> None:
        """Put the user's private key where the broker looks for it."""
        folder = self.folder / "keys" / USER
        folder.mkdir(mode=0o700, parents=True)
        self._write(folder / "id_ed25519_guac", key.export_private_key())
        self._write(folder / "id_ed25519_guac.pub", key.export_public_key())

    def write_settings(self, *, port: int, proxyd_port: int, ssh_port: int, vnc_port: int) -> Path:
        """Write a `fanlight.toml` for both daemons; returns its path."""
        shared = {"log-level": "info"}
        broker = {
            "bind": f"127.0.0.1:{port}",
            "metrics-bind": "",
            "guacd-hostname": "127.0.0.1",
            "guacd-port": proxyd_port,
            "secret-key": self.secret,
            "v1-ports": f"ssh={ssh_port},vnc={vnc_port}",
            "v1-vnc-password": self.vnc_password,
            "allowed-targets": [f"127.0.0.1/32:{ssh_port}+{vnc_port}"],
            "use-local-privkey": True,
            "key-directory": str(self.folder / "keys"),
            "store": f"sqlite:///{self.folder / 'broker.sqlite'}",
        }
        proxyd = {"bind": f"127.0.0.1:{proxyd_port}", "host-key-pins": str(self.folder / "host_keys")}
        lines = ["# Written by `fanlight demo`, and anew at its next start."]
        lines += [*_toml(shared), "", "[broker]", *_toml(broker), "", "[proxyd]", *_toml(proxyd), ""]
        path = self.folder / "fanlight.toml"
        self._write(path, "\n".join(lines).encode())
        return path

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.touch(mode=0o600)
        path.write_bytes(content)


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[State]:
    """Take a folder that no running demo uses: `folder`, else `folder-2` and so on; what an old demo left is removed.

    Raises:
        CommandError: no folder can be made or taken.
    """
    for number in range(1, _MOST_DEMOS + 1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            candidate.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (candidate / _LOCK).open("w")
        except OSError as error:
            raise CommandError(f"{candidate} cannot be used: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _empty(candidate)
            yield State(candidate.resolve())
            return
    raise CommandError(f"{_MOST_DEMOS} demos run already in {folder.parent}")


def _empty(folder: Path) -> None:
    """Remove what an earlier demo left, and nothing from a folder that was never one."""
    left = [entry for entry in folder.iterdir() if entry.name != _LOCK]
    if left and not (folder / "fanlight.toml").exists():
        raise CommandError(
            f"{folder} is not empty and was not made by a demo: name another folder with --state"
        )
    for entry in left:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _toml(values: Mapping[str, object]) -> list[str]:
    # JSON texts, numbers, booleans and lists of texts are TOML as well
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]
