"""Where the command line keeps things of whoever runs it (XDG base directories)."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

__all__ = ["host_book", "known_hosts", "ssh_folder", "state_folder", "user_name"]


def host_book() -> Path:
    """The host book."""
    return _base("XDG_CONFIG_HOME", ".config") / "hosts.toml"


def state_folder() -> Path:
    """What commands record of themselves."""
    return _base("XDG_STATE_HOME", ".local/state")


def ssh_folder() -> Path:
    """Keys, known hosts and configuration of OpenSSH's client, which are the person's."""
    return Path.home() / ".ssh"


def known_hosts() -> Path:
    """Host keys that the person accepted, shared with OpenSSH's client."""
    return ssh_folder() / "known_hosts"


def user_name() -> str:
    """Who runs this; empty where the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _base(variable: str, otherwise: str) -> Path:
    given = os.environ.get(variable, "")
    base = Path(given) if given.startswith("/") else Path.home() / otherwise
    return base / "fanlight"
