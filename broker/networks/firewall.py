"""What a firewall before a connector has to let out, for the endpoints that were chosen. Nothing has to come in. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from connector.keyfile import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Rule", "rules"]

PURPOSES = {
    "wss": "TLS: a WebSocket that carries SSH",
    "ws": "a WebSocket that carries SSH",
    "tcp": "SSH",
}


class Rule(NamedTuple):
    """One outbound TCP rule.

    Attributes:
        host: as the endpoint names it, an address of version 6 in brackets; an HTTP proxy needs this one.
        addresses: what that resolves to at the broker; public names may resolve to others elsewhere.
        port: of the destination.
        purpose: what travels there.
        nftables: the same, as statements of an output chain.
    """

    host: str
    addresses: Sequence[str]
    port: int
    purpose: str
    nftables: Sequence[str]


def rules(endpoints: Iterable[str], addresses: Mapping[str, Sequence[str]]) -> list[Rule]:
    """One rule for each host and port.

    Args:
        endpoints: of the network's key.
        addresses: of each host, as far as they are known.
    """
    wanted = {(row.host, row.port): row for row in map(Endpoint.parse, endpoints)}
    return [
        Rule(
            f"[{host}]" if ":" in host else host,
            addresses.get(host, ()),
            port,
            PURPOSES[row.scheme],
            [_statement(address, port) for address in addresses.get(host, ())],
        )
        for (host, port), row in wanted.items()
    ]


def _statement(address: str, port: int) -> str:
    family = "ip6" if ipaddress.ip_address(address).version == 6 else "ip"
    return f"{family} daddr {address} tcp dport {port} ct state new,established accept"
