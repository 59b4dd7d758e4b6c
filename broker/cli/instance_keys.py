"""`fanlight instance keys`: the pinned host keys of an instance, and what an operator decides of others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.instance_books import Books, on_books
from broker.cli.outcome import CommandError, mark
from broker.cli.spans import span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.gate.host_keys import HostKeys
    from broker.settings import Settings

__all__ = ["app", "print_keys"]

app = typer.Typer(help="The pinned host keys of an instance, and those that it showed since.")

Identifier = Annotated[str, typer.Argument(help="The instance's id.", metavar="ID")]
Fingerprints = Annotated[
    list[str], typer.Argument(help="Of the keys, as `fanlight instance show` prints them: SHA256:…")
]


@app.command()
def accept(identifier: Identifier, fingerprints: Fingerprints, config: Config = None) -> None:
    """Let keys that an instance showed take the place of the pinned ones."""
    _decide(identifier, fingerprints, read_settings(config), accepted=True)


@app.command()
def dismiss(identifier: Identifier, fingerprints: Fingerprints, config: Config = None) -> None:
    """Keep the pinned keys, and forget that others were shown."""
    _decide(identifier, fingerprints, read_settings(config), accepted=False)


def _decide(identifier: str, fingerprints: Sequence[str], settings: Settings, *, accepted: bool) -> None:
    async def work(books: Books) -> HostKeys:
        known = await books.host_keys.find(identifier)
        missing = set(fingerprints) - {row.shown.fingerprint for row in known.mismatches}
        if missing:
            raise CommandError(f"instance {identifier} showed no other key {min(missing)}")
        decide = books.host_keys.accept if accepted else books.host_keys.dismiss
        return await decide(identifier, fingerprints)

    print_keys(on_books(settings, work), time.time())


def print_keys(known: HostKeys, now: float) -> None:
    """A line each."""
    for pin in known.pins:
        print(
            f"{mark(True)} {pin.algorithm} {pin.fingerprint}, pinned {span(now - pin.since)} ago by the {pin.source}"
        )
    for row in known.mismatches:
        instead = f" instead of {row.expected}" if row.expected else ", of a type that is not pinned"
        where = f" from {row.address}" if row.address else ""
        print(
            f"{mark(False)} {row.shown.algorithm} {row.shown.fingerprint}{instead}, shown {span(now - row.shown.since)} ago"
            + where
        )
