"""`fanlight check`: walk the hops one by one and say which one fails and why."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.configuration import Config, reachable, read_settings
from broker.cli.front import clock, front
from broker.cli.gate_check import gate
from broker.cli.hosts import Book  # noqa: TC001 - typer reads annotations
from broker.cli.outcome import CommandError, Exit, mark, print_json
from broker.cli.reach import reach

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.settings import Settings

__all__ = ["check"]


class Stage(StrEnum):
    """The hops, in the order in which they are looked at."""

    SETTINGS = "settings"
    CLOCK = "clock"
    KEYS = "keys"
    PROXYD = "proxyd"
    BROKER = "broker"
    FRONT = "front"
    GATE = "gate"
    INSTANCE = "instance"


SECONDS = 5.0
"""How long one stage may take."""
LONG_SECONDS = 60.0
"""The same where a gateway may ask somebody, or several connectors try."""
_READ_SIZE = 4096


@dataclass(frozen=True)
class Result:
    """What one stage found. `passed` is None where there was nothing to check."""

    stage: Stage
    passed: bool | None
    milliseconds: int
    detail: str


def check(
    instance: Annotated[str | None, typer.Argument(help="HOST:PORT of an instance to reach as well.")] = None,
    only: Annotated[list[Stage] | None, typer.Option(help="Only this stage; may be repeated.")] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Where people reach us, base path included; else `public-origin` tells, if it is set."
        ),
    ] = None,
    network: Annotated[
        str, typer.Option(help="Reach the instance by every connector of this private network.")
    ] = "",
    via: Annotated[
        str, typer.Option(help="Reach the instance from this host of the host book, such as a gateway.")
    ] = "",
    hosts: Book = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at every hop; say which one fails and why."""
    started = time.monotonic()
    settings = read_settings(config)
    results = [
        Result(Stage.SETTINGS, True, _since(started), str(config) if config else "as the broker reads them")
    ]
    stages: dict[Stage, Callable[[], Awaitable[str | None]]] = {
        Stage.CLOCK: lambda: clock(settings.portal_url),
        Stage.KEYS: lambda: _keys(settings),
        Stage.PROXYD: lambda: _proxyd(settings),
        Stage.BROKER: lambda: _broker(settings),
        Stage.FRONT: lambda: front(url or _public_url(settings)),
        Stage.GATE: lambda: gate(settings, instance),
        Stage.INSTANCE: lambda: reach(instance, settings, network=network, via=via, hosts=hosts),
    }
    for stage, look in stages.items():
        if only and stage not in only:
            continue
        seconds = LONG_SECONDS if stage is Stage.INSTANCE and (network or via) else SECONDS
        results.append(asyncio.run(_timed(stage, look, seconds)))
    shown = [result for result in results if not only or result.stage in only]
    if json:
        print_json([vars(result) for result in shown])
    else:
        for result in shown:
            print(_line(result))
    if any(result.passed is False for result in shown):
        raise typer.Exit(Exit.HOP)


async def _timed(stage: Stage, look: Callable[[], Awaitable[str | None]], seconds: float) -> Result:
    started = time.monotonic()
    passed: bool | None = False
    try:
        async with asyncio.timeout(seconds):
            found = await look()
        passed, detail = (None, "not used") if found is None else (True, found)
    except CommandError as error:
        detail = str(error)
    except TimeoutError:
        detail = f"no answer within {seconds:g} s"
    except OSError as error:
        detail = _reason(error)
    return Result(stage, passed, _since(started), detail)


def _reason(error: OSError) -> str:
    """What the system calls it; asyncio's own text names addresses that the line names already."""
    return os.strerror(error.errno) if error.errno else str(error)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _line(result: Result) -> str:
    return f"{mark(result.passed)} {result.stage:9} {result.milliseconds:5} ms  {result.detail}"


async def _keys(settings: Settings) -> str | None:
    if not settings.use_local_privkey:
        return None
    from broker.keys import KeyDirectory, KeyRefusedError

    root = settings.key_directory
    if not root.is_dir():
        raise CommandError(f"key-directory: {root} is not a folder")
    directory = KeyDirectory(root, settings.key_names, settings.key_group)
    found, refused = 0, []
    for folder in sorted(path.name for path in root.iterdir() if path.is_dir()):
        try:
            found += directory.read(folder) is not None
        except KeyRefusedError as error:
            refused.append(f"{folder}: {error}")
    if refused:
        raise CommandError(f"key-directory: {root}: {len(refused)} refused, first {refused[0]}")
    return f"{root} has keys of {found} {'user' if found == 1 else 'users'}"


async def _proxyd(settings: Settings) -> str:
    """Connect as the broker does and ask for the parameters of a protocol."""
    from proxyd.wire.handshake import ClientHandshake, ClientInfo
    from proxyd.wire.instruction import InstructionParser, WireError

    name, reader, writer = await _open_proxyd(settings)
    try:
        writer.write(ClientHandshake("ssh", {}, ClientInfo()).start())
        parser = InstructionParser()
        while data := await reader.read(_READ_SIZE):
            for instruction in parser.feed(data):
                if instruction.opcode == "args":
                    return f"{name} speaks {instruction.args[0] if instruction.args else 'an old version'}"
                raise CommandError(f"{name} answered {instruction.opcode[:32]!r}")
        raise CommandError(f"{name} closed the connection at once")
    except WireError:
        raise CommandError(f"{name} does not speak the Guacamole protocol") from None
    finally:
        writer.close()


async def _open_proxyd(settings: Settings) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    from broker.fleet import addresses

    where = settings.guacd_hostname
    try:
        address = addresses(settings)[0]
        where = str(address)
        if address.path:
            return where, *await asyncio.open_unix_connection(address.path)
        return where, *await asyncio.open_connection(address.host, address.port, ssl=address.tls)
    except OSError as error:
        raise CommandError(f"guacd-hostname: nothing answers at {where} ({_reason(error)})") from None


async def _broker(settings: Settings) -> str:
    import aiohttp

    path = settings.bind.removeprefix("unix:")
    connector = aiohttp.UnixConnector(path) if path != settings.bind else aiohttp.TCPConnector()
    host = "localhost" if path != settings.bind else reachable(settings.bind)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.get(f"http://{host}/readyz") as answer,
        ):
            ready = answer.status == 200
            parts = await answer.json(content_type=None)
    except (aiohttp.ClientConnectionError, TimeoutError):
        raise CommandError(f"bind: nothing answers at {settings.bind}") from None
    except (aiohttp.ClientError, ValueError):
        parts = None
    if not isinstance(parts, dict):
        raise CommandError(f"bind: what answers at {settings.bind} is not the broker")
    if not ready:
        missing = ", ".join(name for name, works in parts.items() if works is False)
        raise CommandError(f"{settings.bind} answers, but is not ready: {missing}")
    return f"{settings.bind} is ready"


def _public_url(settings: Settings) -> str:
    return settings.public_origin + settings.base_path if settings.public_origin else ""
