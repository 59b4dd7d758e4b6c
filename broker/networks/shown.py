"""What operators see of private networks, on the page and on the command line alike."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from broker.networks.firewall import Rule, rules
from broker.networks.registry import NetworkError
from broker.networks.relays import printable
from broker.networks.rollouts import words
from connector.keyfile import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.networks.registry import Connector, PrivateNetwork, PrivateNetworks
    from broker.networks.relays import Relays
    from broker.networks.rollouts import Rollout

__all__ = ["firewall_of", "shown", "state", "target_of", "tried"]

MAX_STAGES = 8
MAX_DETAIL = 300
MAX_MILLISECONDS = 1e6


def state(connectors: Sequence[Connector]) -> str:
    """How a network is: `pending` before its first connector, `connected`, `degraded`, `disconnected`."""
    if not connectors:
        return "pending"
    there = [row.connected for row in connectors]
    if all(there):
        return "connected"
    return "degraded" if any(there) else "disconnected"


def shown(
    network: PrivateNetwork, connectors: Sequence[Connector], rollout: Rollout, now: float
) -> dict[str, Any]:
    """A network without its secrets; times are Unix seconds."""
    return {
        "name": network.name,
        "state": state(connectors),
        "created": network.created,
        "endpoints": network.endpoints,
        "update": words(rollout, network.name),
        "held": rollout.held.version if rollout.held else "",
        "keys": [asdict(key) | {"good": key.good(now)} for key in network.keys],
        "connectors": [asdict(row) for row in connectors],
    }


def target_of(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`.

    Raises:
        ValueError: it is not of that form.
    """
    host, colon, port = text.strip().rpartition(":")
    host = host.strip("[]")
    fits = host and not any(character.isspace() or not character.isprintable() for character in host)
    if not colon or not fits or len(host) > 253 or not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise ValueError("a target is written like db.lab.example:22")
    if not 1 <= int(port) <= 65535:
        raise ValueError("a port is between 1 and 65535")
    return host, int(port)


async def tried(
    networks: PrivateNetworks, relays: Relays, network: str, host: str, port: int
) -> list[dict[str, Any]]:
    """Try a target from every connector of a network that is there."""
    rows = [row for row in await networks.connectors(network) if row.connected]

    async def one(row: Connector) -> dict[str, Any]:
        try:
            answer = await relays.say(row, f"test {host} {port}")
        except NetworkError as error:
            return {"host": row.host, "stages": [], "error": str(error)}
        return {"host": row.host, "stages": _stages(answer.get("stages")), "error": ""}

    return list(await asyncio.gather(*map(one, rows)))


def _stages(given: Any) -> list[dict[str, Any]]:
    """What a connector says of its stages, held to its form."""
    rows = given[:MAX_STAGES] if isinstance(given, list) else []
    return [
        {
            "stage": printable(row.get("stage"), 16),
            "passed": row.get("passed") is True,
            "detail": printable(row.get("detail"), MAX_DETAIL),
            "milliseconds": _milliseconds(row.get("milliseconds")),
        }
        for row in rows
        if isinstance(row, dict)
    ]


def _milliseconds(value: Any) -> float:
    return value if isinstance(value, int | float) and 0 <= value < MAX_MILLISECONDS else 0


async def firewall_of(network: PrivateNetwork) -> list[Rule]:
    """What a firewall before the network's connectors has to let out."""
    hosts = {Endpoint.parse(text).host for text in network.endpoints}
    return rules(network.endpoints, {host: await _addresses(host) for host in hosts})


async def _addresses(host: str) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(row[4][0]) for row in found))
