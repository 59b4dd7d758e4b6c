"""Which addresses may be opened: an allow-list of networks and ports, and names turned into addresses once."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

from proxyd.wire.targets import guard_of, written_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from proxyd.wire.targets import Address, Network, Target

__all__ = ["TargetRefusedError", "Targets", "is_own_address", "resolve"]

RESOLVE_TIMEOUT = 5.0
MAX_NAME = 253


class TargetRefusedError(Exception):
    """This address may not be opened. The text is for the log."""


def is_own_address(address: Address) -> bool:
    """Whether the address is one of this machine's: a packet to it would leave from it. Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
            name: str = probe.getsockname()[0]
            return ipaddress.ip_address(name.partition("%")[0]) == address
        except (OSError, ValueError):
            return False


class Targets:
    """The allow-list."""

    def __init__(self, entries: Sequence[Target], is_own: Callable[[Address], bool] = is_own_address) -> None:
        self._entries = entries
        self._is_own = is_own

    def check(self, address: str, port: int) -> None:
        """Return if this address and port may be opened.

        Raises:
            TargetRefusedError: it may not.
        """
        self.check_some(address, ((port, port),))

    def check_some(self, address: str, ports: Sequence[tuple[int, int]]) -> None:
        """Return if some port of these ranges may be opened at this address.

        Raises:
            TargetRefusedError: none may.
        """
        value = ipaddress.ip_address(address)
        value = getattr(value, "ipv4_mapped", None) or value
        covering = [entry.network for entry in self._entries if entry.meets(value, ports)]
        if not covering:
            raise TargetRefusedError(f"{address}:{written_ports(tuple(ports))} is not in allowed-targets")
        guarded = guard_of(value)
        if guarded is not None:
            if not any(_inside(network, guarded) for network in covering):
                raise TargetRefusedError(f"{address} is in {guarded}, which must be listed itself")
        elif not any(network.num_addresses == 1 for network in covering) and self._is_own(value):
            raise TargetRefusedError(f"{address} is this machine, which must be listed itself")


def _inside(network: Network, guarded: Network) -> bool:
    return network.version == guarded.version and network.subnet_of(guarded)  # type: ignore[arg-type]


async def resolve(host: str) -> Iterable[str]:
    """The addresses of a name or of an address, each once, in the resolver's order.

    Raises:
        TargetRefusedError: no such name, or no answer in time.
    """
    if not host or len(host) > MAX_NAME:
        raise TargetRefusedError("the name of the instance is missing or too long")
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise TargetRefusedError("the name of the instance is not known") from None
    return dict.fromkeys(str(entry[4][0]) for entry in found)
