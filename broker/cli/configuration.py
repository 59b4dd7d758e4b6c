"""The broker's settings, for commands that work with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.outcome import CommandError, Exit

if TYPE_CHECKING:
    from broker.settings import Settings

__all__ = ["Config", "reachable", "read_settings"]

Config = Annotated[Path | None, typer.Option(help="fanlight.toml or guacamole.properties.")]


def read_settings(config: Path | None) -> Settings:
    """What the broker itself would read: file, then environment.

    Raises:
        CommandError: a value is wrong; the text names setting and source.
    """
    from broker.settings import Settings
    from proxyd.sources import SettingsError, load

    try:
        return load(Settings, config=config, environ=os.environ, flags={}, section="broker").settings
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE) from None


def reachable(bind: str) -> str:
    """Where a server that listens on all addresses is reached from here."""
    host, _, port = bind.rpartition(":")
    return f"127.0.0.1:{port}" if host in {"0.0.0.0", "[::]", "*", ""} else bind  # noqa: S104 - compared, not bound
