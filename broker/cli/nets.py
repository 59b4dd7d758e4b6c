"""`fanlight instance net`: virtual networks, as virtual routers read them at the gate."""

from __future__ import annotations

import json as json_format
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, Exit, print_json
from broker.cli.records import on_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.gate.nets import Net, Nets
    from broker.settings import Settings
    from broker.store.base import Store

__all__ = ["app"]

Result = TypeVar("Result")

app = typer.Typer(help="Virtual networks, as their virtual routers read them at the gate.")

MAX_FILE = 1 << 20
"""Bytes of a description that are read."""

Identifier = Annotated[str, typer.Argument(help="The network's id.", metavar="ID")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def put(
    identifier: Identifier,
    file: Annotated[
        Path, typer.Argument(help="JSON: name, parent, routers, template, ranges. - is standard input.")
    ],
    config: Config = None,
) -> None:
    """Describe a network, in whole: what was said of it before is forgotten."""
    given = _read(file)

    async def work(nets: Nets) -> Net:
        return await nets.put(identifier, given)

    made = _run(read_settings(config), work)
    print(f"Network {made.id}: {len(made.ranges)} ranges, {made.leases} leases.")


@app.command("list")
def list_(config: Config = None, json: Json = False) -> None:
    """List networks: who described them, the routers that see them, and how many addresses are taken."""
    from broker.gate.shown import described_net

    async def work(nets: Nets) -> list[Net]:
        return await nets.all()

    rows = _run(read_settings(config), work)
    if json:
        print_json([described_net(row) for row in rows])
        return
    for row in rows:
        seen = f"seen by {', '.join(row.routers)}" if row.routers else "seen by nobody"
        maker = f"; of key {row.key_id}" if row.key_id else ""
        print(f"{f'{row.id} {row.name}'.strip()}: {seen}; {row.leases} leases{maker}")


@app.command()
def show(identifier: Identifier, config: Config = None) -> None:
    """Print an operator's network as JSON, as `put` takes it."""
    from broker.gate.shown import described_net

    async def work(nets: Nets) -> Net | None:
        return await nets.find(identifier)

    found = _run(read_settings(config), work)
    if found is None:
        raise CommandError(f"there is no network {identifier}")
    whole = described_net(found)
    print_json({name: value for name, value in whole.items() if name not in {"id", "key_id"}})


@app.command()
def remove(identifier: Identifier, config: Config = None) -> None:
    """Forget an operator's network."""

    async def work(nets: Nets) -> bool:
        return await nets.remove(identifier)

    if not _run(read_settings(config), work):
        raise CommandError(f"there is no network {identifier}")
    print("Removed.")


def _read(file: Path) -> dict[str, Any]:
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(MAX_FILE + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(MAX_FILE + 1)
        given = json_format.loads(data) if len(data) <= MAX_FILE else None
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", Exit.USAGE) from None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise CommandError(f"{file} is no JSON object of up to 1 MiB", Exit.USAGE)
    return given


def _run(settings: Settings, work: Callable[[Nets], Awaitable[Result]]) -> Result:
    from broker.gate.nets import NetError, Nets

    async def with_nets(store: Store) -> Result:
        return await work(Nets(store, time.time))

    try:
        return on_store(settings, with_nets)
    except NetError as error:
        raise CommandError(str(error)) from None
