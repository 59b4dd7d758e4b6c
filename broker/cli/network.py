"""`fanlight network`: private networks, their keys and their connectors. Works on the store, beside a running broker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, Exit, mark, print_json
from broker.cli.spans import seconds_of, span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from broker.networks.registry import Connector, PrivateNetwork, PrivateNetworks
    from broker.networks.relays import Relays
    from broker.networks.rollouts import Rollout
    from broker.settings import Settings

__all__ = ["app", "opened"]

Result = TypeVar("Result")

app = typer.Typer(help="Private networks: keys for their connectors, and how these are.")
key = typer.Typer(help="The key of a network: all its connectors have it.")
app.add_typer(key, name="key")

Name = Annotated[str, typer.Argument(help="The network's name: a-z, 0-9 and -.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@key.command("new")
def key_new(
    network: Name,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            help="Where connectors dial, the best first: wss://HOST/PATH or tcp://HOST:PORT. By default as before, or "
            "the WebSocket of public-origin."
        ),
    ] = None,
    overlap: Annotated[
        str, typer.Option(help="How long the key before stays good: 30m, 8h; 24h at most.")
    ] = "0",
    config: Config = None,
    json: Json = False,
) -> None:
    """Make the network's first key, or its next one; `show-once` hands it out."""
    seconds = seconds_of("overlap", overlap)
    settings = read_settings(config)

    async def work(networks: PrivateNetworks, _: Relays) -> tuple[PrivateNetwork, Any]:
        given = list(endpoint or [])
        if not given and await networks.find(network) is None:
            given = _default_endpoint(settings)
        return await networks.new_key(network, given, seconds)

    made, new = _run(settings, work)
    if json:
        print_json({"network": network, "endpoints": made.endpoints, **asdict(new)})
        return
    print(f"Key {new.generation} of {network}: {new.fingerprint}")
    print(f"It is shown once: fanlight network key show-once {network}")


@key.command("show-once")
def show_once(
    network: Name,
    out: Annotated[Path | None, typer.Option(help="Write it to this file, mode 0600, instead.")] = None,
    config: Config = None,
) -> None:
    """Print the newest key, which works once, within a day of its making."""

    async def work(networks: PrivateNetworks, _: Relays) -> str | None:
        return await networks.show_once(network)

    text = _run(read_settings(config), work)
    if text is None:
        raise CommandError(
            f"{network}: its key was shown already, or there is none: fanlight network key new"
        )
    if out is None:
        sys.stdout.write(text)
        return
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(text)
    except OSError as error:
        sys.stdout.write(text)  # it cannot be shown a second time
        raise CommandError(f"{out} cannot be written: {error.strerror}; the key is printed instead") from None


@key.command()
def revoke(
    network: Name,
    generation: Annotated[int | None, typer.Option(help="Only this one; by default all.")] = None,
    config: Config = None,
) -> None:
    """End a key: connectors that have it are cut off within seconds, and refused from now on."""

    async def work(networks: PrivateNetworks, _: Relays) -> int:
        return len(await networks.revoke(network, generation))

    if not _run(read_settings(config), work):
        raise CommandError(f"{network} has no such key in force")
    print("Revoked.")


@app.command()
def status(
    network: Annotated[str, typer.Argument(help="One network; by default all.")] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Show networks, their keys and their connectors."""

    async def work(
        networks: PrivateNetworks, _: Relays
    ) -> list[tuple[PrivateNetwork, list[Connector], Rollout]]:
        found = [row for row in await networks.all() if network in {"", row.name}]
        return [
            (row, await networks.connectors(row.name), await networks.rollouts.find(row.name))
            for row in found
        ]

    rows = _run(read_settings(config), work)
    if network and not rows:
        raise CommandError(f"there is no network {network}")
    if json:
        from broker.networks.shown import shown

        print_json([shown(*row, time.time()) for row in rows])
        return
    for row in rows:
        _print(*row)


def _print(network: PrivateNetwork, connectors: list[Connector], rollout: Rollout) -> None:
    from broker.networks.rollouts import words
    from broker.networks.shown import state

    now = time.time()
    keys = ", ".join(
        str(row.generation) + (f" (for another {span(row.until - now)})" if row.until else "")
        for row in network.keys
        if row.good(now)
    )
    print(f"{network.name}: {state(connectors)}; keys in force: {keys or 'none'}")
    if said := words(rollout, network.name):
        print(f"  update: {said}")
    for row in connectors:
        facts = [
            f"since {span(now - row.since)}",
            f"key {row.generation}",
            f"from {row.address} by {row.endpoint}",
        ]
        if row.connected:
            facts += [f"{row.round_trip} ms", f"{row.sessions} sessions", f"version {row.version}"]
        facts += [f"clock {row.clock_offset:+.0f} s off: no updates"] if row.skewed else []
        facts += [row.update] if row.update else []
        facts += ["standby"] if row.standby else []
        facts += [row.error] if row.error else []
        print(f"  {mark(row.connected)} {row.host}: {', '.join(facts)}")


@app.command("test")
def try_target(
    network: Name,
    target: Annotated[str, typer.Argument(help="HOST:PORT inside the network.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Try a target from every connector, stage by stage: name, permit, TCP, banner."""
    from broker.networks.shown import target_of, tried

    try:
        host, port = target_of(target)
    except ValueError as error:
        raise CommandError(str(error), Exit.USAGE) from None

    async def work(networks: PrivateNetworks, relays: Relays) -> list[dict[str, Any]]:
        return await tried(networks, relays, network, host, port)

    rows = _run(read_settings(config), work)
    if json:
        print_json(rows)
    else:
        for row in rows:
            print(f"{row['host']}{': ' + row['error'] if row['error'] else ''}")
            for stage in row["stages"]:
                print(
                    f"  {mark(stage['passed'])} {stage['stage']}: {stage['detail']} ({stage['milliseconds']} ms)"
                )
    if not rows:
        raise CommandError(f"no connector of {network} is connected", Exit.HOP)
    if not all(row["stages"] and row["stages"][-1]["passed"] for row in rows):
        raise CommandError(f"{target} cannot be used from every connector", Exit.HOP)


@app.command()
def firewall(network: Name, config: Config = None, json: Json = False) -> None:
    """Print what a firewall has to let out; nothing has to come in."""
    from broker.networks.shown import firewall_of

    async def work(networks: PrivateNetworks, _: Relays) -> Any:
        found = await networks.find(network)
        return None if found is None else await firewall_of(found)

    rows = _run(read_settings(config), work)
    if rows is None:
        raise CommandError(f"there is no network {network}")
    if json:
        print_json([row._asdict() for row in rows])
        return
    for row in rows:
        print(f"out  tcp  {row.host}:{row.port}  {row.purpose}")
        for statement in row.nftables:
            print(f"     {statement}")
    print("in   nothing")


@app.command()
def release(
    folder: Annotated[
        Path, typer.Argument(help="Wheels of fanlight and all it needs: `pip wheel -w FOLDER fanlight`.")
    ],
    key: Annotated[Path, typer.Option(help="Private key of whoever signs releases: ssh-keygen -t ed25519.")],
) -> None:
    """Sign a folder of wheels as a release that connectors may update to: writes release.json into it."""
    import asyncssh

    from connector.release import FILE, ReleaseError, sign

    try:
        wheels = {path.name: path.read_bytes() for path in folder.glob("*.whl")}
        versions = [name.split("-")[1] for name in wheels if name.startswith("fanlight-")]
        if len(versions) != 1:
            raise CommandError(f"{folder} has to hold one wheel of fanlight", Exit.USAGE)
        signer = asyncssh.read_private_key(key, _passphrase(key))
        (folder / FILE).write_text(sign(versions[0], wheels, signer))
    except ReleaseError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise CommandError(f"key: {key}: {error}", Exit.USAGE) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    print(f"Release {versions[0]}, {len(wheels)} wheels, signed by {signer.get_fingerprint()}.")
    print(f'Connectors believe it with update-keys = ["{signer.export_public_key().decode().strip()}"]')


@app.command()
def retry(network: Name, config: Config = None) -> None:
    """Let connectors try an update again that is held back since it failed at one of them."""

    async def work(networks: PrivateNetworks, _: Relays) -> bool:
        return await networks.rollouts.retry(network)

    if not _run(read_settings(config), work):
        raise CommandError(f"{network}: no update is held back")
    print("They may try it again, each in its window.")


def _passphrase(path: Path) -> str | None:
    """The passphrase of a private key, where it has one."""
    import asyncssh

    try:
        asyncssh.read_private_key(path)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if "passphrase" in str(error).lower():
            return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))
    return None


@app.command()
def remove(network: Name, config: Config = None) -> None:
    """Forget a network; its connectors are cut off."""

    async def work(networks: PrivateNetworks, _: Relays) -> bool:
        return await networks.remove(network)

    if not _run(read_settings(config), work):
        raise CommandError(f"there is no network {network}")
    print("Removed.")


def _default_endpoint(settings: Settings) -> list[str]:
    scheme, _, rest = settings.public_origin.partition("://")
    return [f"{'wss' if scheme == 'https' else 'ws'}://{rest}{settings.base_path}connector"] if rest else []


def _run(settings: Settings, work: Callable[[PrivateNetworks, Relays], Awaitable[Result]]) -> Result:
    """Do something with the store and the daemons that the settings name.

    Raises:
        CommandError: it cannot be done.
    """
    from broker.networks.registry import NetworkError
    from broker.store import StoreError

    async def all_of_it() -> Result:
        async with opened(settings) as (networks, relays):
            return await work(networks, relays)

    try:
        return asyncio.run(all_of_it())
    except NetworkError as error:
        raise CommandError(str(error)) from None
    except StoreError as error:
        raise CommandError(f"store: {error}") from None
    except OSError as error:
        raise CommandError(f"guacd-ca: {error.strerror}", Exit.USAGE) from None


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[PrivateNetworks, Relays]]:
    """The store and the daemons that the settings name.

    Raises:
        StoreError: the store does not answer.
    """
    from broker.bans import Bans
    from broker.fleet import Fleet, addresses
    from broker.networks.registry import PrivateNetworks
    from broker.networks.relays import Relays
    from broker.store import open_store

    store = open_store(settings.store, time.time)
    try:
        networks = PrivateNetworks(store, time.time)
        bans = Bans(store, time.time, settings.ban_after, settings.ban_longest)
        fleet = Fleet(addresses(settings))
        yield networks, Relays(networks, fleet, bans, time.time, allow_insecure=False)
    finally:
        await store.close()
