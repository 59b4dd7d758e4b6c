"""`fanlight broker` and `fanlight proxyd`: become the daemon, with all arguments passed on."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import typer

__all__ = ["PASS_ON", "become", "broker", "command_of", "proxyd"]

PASS_ON: dict[str, Any] = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}
"""A command that leaves its arguments, `--help` among them, to the daemon."""


def command_of(module: str, *arguments: str) -> list[str]:
    """The command line that runs a daemon; `-P` keeps the working directory from being searched for it."""
    return [sys.executable, "-P", "-m", module, *arguments]


def broker(context: typer.Context) -> None:
    """Run the web tier. `fanlight broker --help` lists its options."""
    become("broker", context.args)


def proxyd(context: typer.Context) -> None:
    """Run the daemon that speaks SSH and VNC. `fanlight proxyd --help` lists its options."""
    become("proxyd", context.args)


def become(module: str, arguments: list[str]) -> NoReturn:
    """Replace this process, so that signals and the exit code are the daemon's own."""
    command = command_of(module, *arguments)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter
