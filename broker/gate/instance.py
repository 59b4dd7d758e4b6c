"""One instance as it is described: whose it is, where it is, by which tokens it is known; and its record. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DESCRIBED", "ID", "PORTS", "GateToken", "Instance", "InstanceError", "address_of", "describe", "from_record", "to_record",
]  # fmt: skip

PORTS = {"ssh": (22, 22), "vnc": (5900, 5999)}
"""The ports that an instance may report, where its description does not say."""
ID = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
"""How an id is written."""
MAX_PLACES = 32
"""Addresses of one instance."""
MAX_USERS = 64
MAX_TEXT = 253
_LOGIN = re.compile(r"[a-z_][a-z0-9_.-]{0,31}", re.ASCII)


class InstanceError(Exception):
    """What was asked of an instance cannot be done. The text is for an operator or a platform.

    Attributes:
        missing: there is no such instance.
        taken: there is one already, of that id or at that address.
    """

    def __init__(self, message: str, *, missing: bool = False, taken: bool = False) -> None:
        super().__init__(message)
        self.missing = missing
        self.taken = taken


@dataclass(frozen=True)
class GateToken:
    """What is kept of a token.

    Attributes:
        digest: its SHA-256, in hexadecimal.
        created: Unix seconds.
        until: Unix seconds at which it ends; None while it is in force.
        legacy: it was derived from an owner's password, as older gates did (sheet E.2).
    """

    digest: str
    created: float
    until: float | None = None
    legacy: bool = False

    def good(self, now: float) -> bool:
        """Whether an instance may come with it."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Instance:
    """One instance, as its platform or an operator describes it.

    Attributes:
        id: decimal, as it stands in `X-ONEGATE-VMID`.
        name: for people.
        key_id: the key of the ring whose platform made it; empty is an operator: it holds for every key then.
        owner: the user whose instance it is; empty is nobody's.
        users: login names whose public keys it is served; the owner's where none are given.
        addresses: IP addresses or names by which connections name it.
        network: the private network in which these mean something; empty is here.
        sources: networks from which its token is taken; empty is anywhere.
        ports: the ports that it may report, by protocol; where one is missing, those of `PORTS`.
        service, role, router: the groups that it belongs to; ids, and a name of its role.
        nics: its network cards, as VM/TEMPLATE/NIC shows them (sheet E.3).
        template: attributes that its platform gives it, shown as USER_TEMPLATE.
        vnc_password: for its desktop alone.
        created: Unix seconds.
        booted: Unix seconds since when it has been waited for: it was made or built anew.
        tokens: newest last.
    """

    id: str
    name: str
    key_id: str = ""
    owner: str = ""
    users: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    network: str = ""
    sources: tuple[str, ...] = ()
    ports: dict[str, tuple[int, int]] = field(default_factory=dict)
    service: str = ""
    role: str = ""
    router: str = ""
    nics: tuple[dict[str, str], ...] = ()
    template: dict[str, str] = field(default_factory=dict)
    vnc_password: str = field(default="", repr=False)
    created: float = 0.0
    booted: float = 0.0
    tokens: tuple[GateToken, ...] = field(default=(), repr=False)

    @property
    def logins(self) -> tuple[str, ...]:
        """Whose public keys it is served."""
        return self.users or ((self.owner,) if self.owner else ())

    def reportable(self, protocol: str) -> tuple[int, int]:
        """The first and the last port of a protocol that it may report."""
        return self.ports.get(protocol, PORTS[protocol])


DESCRIBED = frozenset(
    {"name", "owner", "users", "addresses", "network", "sources", "ports", "service", "role", "router", "nics", "template"}
)  # fmt: skip
"""Fields that whoever describes an instance may set."""


def address_of(text: str) -> str:
    """One spelling of an address or a name."""
    text = text.strip().strip("[]").rstrip(".").lower()
    try:
        value = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(getattr(value, "ipv4_mapped", None) or value)


# -- what may be said of an instance -----------------------------------------------------------------------------------


def describe(instance: Instance, given: dict[str, Any]) -> Instance:
    """An instance with other fields.

    Raises:
        InstanceError: a field is unknown or will not do; the text names it.
    """
    unknown = given.keys() - DESCRIBED
    if unknown:
        raise InstanceError(f"an instance has no {min(unknown)}")
    readers: dict[str, Callable[[str, Any], Any]] = {name: _FIELDS.get(name, _text) for name in given}
    return replace(instance, **{name: read(name, given[name]) for name, read in readers.items()})


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (value.isprintable()):
        raise InstanceError(f"{name} is a printable text of up to {MAX_TEXT} characters")
    return value


def _login(name: str, value: Any) -> str:
    if value == "":
        return ""
    if not isinstance(value, str) or not _LOGIN.fullmatch(value):
        raise InstanceError(f"{name}: a login is written like alice")
    return value


def _rows(name: str, value: Any, limit: int) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > limit:
        raise InstanceError(f"{name} is a list of up to {limit}")
    return list(value)


def _users(name: str, value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (_login(name, row) for row in _rows(name, value, MAX_USERS)))))


def _addresses(name: str, value: Any) -> tuple[str, ...]:
    found = [address_of(_text(name, row)) for row in _rows(name, value, MAX_PLACES)]
    if any(not row or " " in row for row in found):
        raise InstanceError(f"{name}: an address is written like 10.1.2.3")
    return tuple(dict.fromkeys(found))


def _sources(name: str, value: Any) -> tuple[str, ...]:
    try:
        return tuple(
            str(ipaddress.ip_network(_text(name, row), strict=False))
            for row in _rows(name, value, MAX_PLACES)
        )
    except ValueError:
        raise InstanceError(f"{name}: a network is written like 10.1.2.0/24 or 10.1.2.3") from None


def _ports(name: str, value: Any) -> dict[str, tuple[int, int]]:
    wrong = InstanceError(f'{name} is written like {{"ssh": [22, 22], "vnc": [5900, 5999]}}')
    if not isinstance(value, dict) or not value.keys() <= {"ssh", "vnc"}:
        raise wrong
    for row in value.values():
        if not isinstance(row, list | tuple) or len(row) != 2:
            raise wrong
        if not all(type(port) is int and 1 <= port <= 65535 for port in row) or row[0] > row[1]:
            raise wrong
    return {protocol: (row[0], row[1]) for protocol, row in value.items()}


def _attributes(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > 64:
        raise InstanceError(f"{name} is an object of up to 64 texts")
    if not all(
        isinstance(key, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", key, re.ASCII) for key in value
    ):
        raise InstanceError(f"{name}: a name is written like WEB_PORT")
    if not all(
        isinstance(row, str) and len(row.encode("utf-8", "replace")) <= 8192 for row in value.values()
    ):
        raise InstanceError(f"{name}: a value is a text of up to 8 KiB")
    return dict(value)


def _nics(name: str, value: Any) -> tuple[dict[str, str], ...]:
    return tuple(_attributes(name, row) for row in _rows(name, value, MAX_PLACES))


_FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "owner": _login,
    "users": _users,
    "addresses": _addresses,
    "sources": _sources,
    "ports": _ports,
    "nics": _nics,
    "template": _attributes,
}


# -- records -----------------------------------------------------------------------------------------------------------

_TUPLES = frozenset(row.name for row in fields(Instance) if "tuple[" in str(row.type) and row.name != "ports")


def to_record(instance: Instance) -> bytes:
    """An instance as it is kept."""
    return json.dumps(asdict(instance)).encode()


def from_record(value: bytes) -> Instance:
    """An instance that was kept."""
    row: dict[str, Any] = json.loads(value)
    for name in _TUPLES:
        row[name] = tuple(row[name])
    row["ports"] = {protocol: (low, high) for protocol, (low, high) in row["ports"].items()}
    row["tokens"] = tuple(GateToken(**token) for token in row["tokens"])
    return Instance(**row)
