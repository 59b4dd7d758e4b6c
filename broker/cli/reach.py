"""Whether an instance answers: directly, from the connectors of a private network, or from a gateway of the host book.

The last stage of `fanlight check`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from broker.settings import Settings

__all__ = ["reach"]

KINDS = {"SSH-": "an SSH server", "RFB ": "a VNC server"}


async def reach(
    address: str | None, settings: Settings, *, network: str, via: str, hosts: Path | None
) -> str | None:
    """Say what answers at `HOST:PORT`.

    Args:
        address: of the instance; None: there is nothing to look at.
        settings: of the broker.
        network: a private network, whose connectors try.
        via: a host of the book that streams leave from.
        hosts: the book; None is the usual one.

    Raises:
        CommandError: nothing does, or something else.
        OSError: it cannot be reached directly.
    """
    from broker.networks.shown import target_of

    if address is None:
        return None
    try:
        host, port = target_of(address)
    except ValueError:
        raise CommandError("an instance is written HOST:PORT") from None
    if network:
        return await _by_connectors(settings, network, host, port)
    line = await (_by_gateway(via, hosts, host, port) if via else _directly(host, port))
    kind = next((name for start, name in KINDS.items() if line.startswith(start)), None)
    where = f"{address} through {via}" if via else address
    if kind is None:
        raise CommandError(f"{where} answers, but neither as an SSH nor as a VNC server")
    return f"{where} is {kind} ({line})"


async def _directly(host: str, port: int) -> str:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        raise CommandError(f"{host} answers, but nothing listens on port {port}") from None
    try:
        line = (await reader.read(255)).partition(b"\n")[0].strip()
    finally:
        writer.close()
    return line.decode("ascii", "replace")


async def _by_gateway(via: str, hosts: Path | None, host: str, port: int) -> str:
    from broker.cli.hosts import open_book
    from client.banner import greeting
    from client.connecting import Connecting
    from client.hosts import HostError
    from proxyd.wire.status import StatusError

    try:
        async with Connecting(open_book(hosts)) as connecting:
            return await greeting(await connecting.at(via), host, port)
    except (StatusError, HostError) as error:
        raise CommandError(str(error)) from None


async def _by_connectors(settings: Settings, network: str, host: str, port: int) -> str:
    from broker.cli.network import opened
    from broker.networks.shown import tried
    from broker.store import StoreError

    try:
        async with opened(settings) as (networks, relays):
            rows = await tried(networks, relays, network, host, port)
    except StoreError as error:
        raise CommandError(f"store: {error}") from None
    if not rows:
        raise CommandError(f"no connector of {network} is connected")
    found = []
    for row in rows:
        last = row["stages"][-1] if row["stages"] else {"passed": False, "detail": row["error"]}
        if not last["passed"]:
            raise CommandError(f"from {row['host']}: {last['detail']}")
        found.append(f"from {row['host']}: {last['detail']}")
    return f"{host}:{port} {', '.join(found)}"
