"""What a connector opens: its own list, whatever a broker asks for. Deny by default. No I/O."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple

from proxyd.wire.targets import Target, guard_of, parse_ports, parse_target, written_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxyd.wire.targets import Address

__all__ = ["Name", "Permits", "parse_permit"]

_NAME = re.compile(
    r"(?P<name>(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?):(?P<ports>\*|[0-9+-]+)", re.ASCII
)


class Name(NamedTuple):
    """An entry that names a host, or with `*.` all hosts below a domain; and ranges of ports.

    Whatever such a name resolves to inside the network may be dialled, guarded networks excepted.
    """

    name: str
    ports: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return f"{self.name}:{written_ports(self.ports)}"

    def covers(self, host: str, port: int) -> bool:
        """Whether the entry permits this name and port."""
        host = host.lower().rstrip(".")
        fits = host.endswith(self.name[1:]) if self.name.startswith("*.") else host == self.name
        return fits and any(low <= port <= high for low, high in self.ports)


def parse_permit(text: str) -> Target | Name:
    """Read `10.0.0.0/8:22+5900-5999`, `db.lab.example:22` or `*.lab.example:22`.

    Raises:
        ValueError: none of these.
    """
    try:
        return parse_target(text)
    except ValueError:
        pass
    match = _NAME.fullmatch(text.strip().lower())
    if match is None or match["name"].replace(".", "").isdigit():
        raise ValueError(
            f"{text!r} is not of the form 10.0.0.0/8:22+5900-5999, [2001:db8::/32]:* or name.example:22"
        )
    return Name(match["name"], parse_ports(match["ports"]))


class Permits:
    """The list."""

    def __init__(self, entries: Sequence[Target | Name]) -> None:
        self._targets = [entry for entry in entries if isinstance(entry, Target)]
        self._names = [entry for entry in entries if isinstance(entry, Name)]

    def __len__(self) -> int:
        return len(self._targets) + len(self._names)

    def permitted(self, host: str, port: int, addresses: Iterable[str]) -> list[str]:
        """Those of a host's addresses that may be dialled.

        Args:
            host: as it was asked for, a name or an address.
            port: asked for.
            addresses: what it resolved to, inside the network.
        """
        by_name = any(entry.covers(host, port) for entry in self._names)
        return [text for text in addresses if self._permits(_plain(text), port, by_name=by_name)]

    def _permits(self, address: Address, port: int, *, by_name: bool) -> bool:
        covering = [entry.network for entry in self._targets if entry.covers(address, port)]
        guarded = guard_of(address)
        if guarded is None:
            return by_name or bool(covering)
        return any(
            network.version == guarded.version and network.subnet_of(guarded)  # type: ignore[arg-type]
            for network in covering
        )


def _plain(text: str) -> Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address
