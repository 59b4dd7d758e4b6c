"""Which addresses may be dialled, as operators write it: `10.0.0.0/8:22+5900-5999`. No I/O."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "GUARDED",
    "Address",
    "Network",
    "Target",
    "guard_of",
    "parse_ports",
    "parse_target",
    "written_ports",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ENTRY = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:]+))(?::(?P<ports>\*|[0-9+-]+))?")

GUARDED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/3",
        "100.100.100.200/32", "168.63.129.16/32",
        "::/128", "::1/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128",
        "64:ff9b::/96", "2002::/16",
    )
)  # fmt: skip
"""Loopback, link-local, multicast, the clouds' metadata services and ways around them: only where listed themselves."""


class Target(NamedTuple):
    """One entry: a network, and inclusive ranges of ports."""

    network: Network
    ports: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        network = f"[{self.network}]" if self.network.version == 6 else str(self.network)
        return f"{network}:{written_ports(self.ports)}"

    def covers(self, address: Address, port: int) -> bool:
        """Whether the entry permits this address and port."""
        return self.meets(address, ((port, port),))

    def meets(self, address: Address, ports: Iterable[tuple[int, int]]) -> bool:
        """Whether the entry permits this address with some port of these ranges."""
        return address in self.network and any(
            low <= last and first <= high for first, last in ports for low, high in self.ports
        )


def parse_target(text: str) -> Target:
    """Read `10.0.0.0/8:22+5900-5999`, `[2001:db8::/32]:*` or a network alone, which means every port.

    Raises:
        ValueError: not of that form.
    """
    match = _ENTRY.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        network = ipaddress.ip_network(match["bracketed"] or match["plain"], strict=False)
        ports = parse_ports(match["ports"] or "*")
    except ValueError:
        raise ValueError(
            f"{text!r} is not of the form 10.0.0.0/8:22+5900-5999 or [2001:db8::/32]:*"
        ) from None
    return Target(network, ports)


def parse_ports(text: str) -> tuple[tuple[int, int], ...]:
    """Read `22+5900-5999` or `*`.

    Raises:
        ValueError: not of that form.
    """
    return tuple(_range(part) for part in text.split("+"))


def written_ports(ports: tuple[tuple[int, int], ...]) -> str:
    """What `parse_ports` reads."""
    text = "+".join(f"{low}-{high}" if low != high else str(low) for low, high in ports)
    return "*" if text == "1-65535" else text


def guard_of(address: Address) -> Network | None:
    """The guarded network that an address is in, if any."""
    return next((network for network in GUARDED if address in network), None)


def _range(text: str) -> tuple[int, int]:
    if text == "*":
        return 1, 65535
    first, dash, last = text.partition("-")
    low, high = int(first), int(last if dash else first)
    if not 1 <= low <= high <= 65535:
        raise ValueError
    return low, high
