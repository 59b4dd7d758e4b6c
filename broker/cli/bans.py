"""`fanlight bans`: who is kept out, and how they are let in again. Works on the store, beside a running broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, print_json
from broker.cli.records import on_store

if TYPE_CHECKING:
    from broker.bans import Ban
    from broker.settings import Settings
    from broker.store.base import Store

__all__ = ["app"]

app = typer.Typer(help="Show who is kept out for too many refused requests, and let them in.")


@app.command("list")
def list_(
    config: Config = None, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the bans in force, the last one first."""
    found, _ = _work(read_settings(config), None)
    if json:
        print_json([vars(ban) for ban in found])
        return
    for ban in found:
        seconds = max(0, round(ban.until - time.time()))
        print(f"{ban.subject}  for another {seconds} s  {ban.reason}, {ban.failures} times")


@app.command()
def lift(
    subject: Annotated[str, typer.Argument(help="As `fanlight bans list` shows it: `address 192.0.2.9`.")],
    config: Config = None,
) -> None:
    """Let somebody in again, and forget their failures."""
    _, lifted = _work(read_settings(config), subject)
    if not lifted:
        raise CommandError(f"{subject} is not kept out")


def _work(settings: Settings, subject: str | None) -> tuple[list[Ban], bool]:
    """The bans, and whether the one of `subject` was lifted."""
    from broker.bans import Bans

    async def with_bans(store: Store) -> tuple[list[Ban], bool]:
        bans = Bans(store, time.time, settings.ban_after, settings.ban_longest)
        lifted = subject is not None and await bans.lift(subject)
        return await bans.newest(), lifted

    return on_store(settings, with_bans)
