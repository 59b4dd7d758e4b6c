"""What stands before an instance: jump hosts and a private network, read from connection parameters. Values only."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from proxyd.wire.status import Hop, Status, StatusError

__all__ = ["JumpHost", "Route", "parse_hosts"]

MAX_HOSTS = 8
"""Jump hosts in a chain."""
MAX_NAME = 253
MAX_TEXT = 8192
SSH_PORT = 22
MAX_PORT = 65535

_NAME = re.compile(r"[\w.:%-]+")
_LITERAL = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?:\[(?P<six>[0-9a-fA-F:.%]+)\]|(?P<host>[^:@\s/\[\]]+))(?::(?P<port>\d{1,5}))?/?"
)


@dataclass(frozen=True)
class JumpHost:
    """An SSH server that streams pass through.

    Attributes:
        alias: what people call it.
        address: a name or an address, as the machine before it knows it.
        user: who signs in; empty is asked for.
        host_key_alias: the name under which its host key is known; empty is the address.
        host_key: its keys, in lines of known_hosts; empty goes by the daemon's files.
        compression: ask for zlib.
    """

    alias: str
    address: str
    port: int = SSH_PORT
    user: str = ""
    host_key_alias: str = ""
    host_key: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    compression: bool = False

    @property
    def identity(self) -> str:
        """The same for the same login at the same machine."""
        return f"{self.user}@[{self.address.lower()}]:{self.port}"


@dataclass(frozen=True)
class Route:
    """The way of one session.

    Attributes:
        hosts: jump hosts, the nearest first.
        owner: whose logins they are, as the broker names the person; empty shares with nobody.
        network: the private network whose connector dials the first of them, or the instance; empty is none.
        idle: seconds after which a login that nobody uses ends.
        longest: seconds after which a login ends in any case.
        session: whose streams these are.
    """

    hosts: tuple[JumpHost, ...] = ()
    owner: str = ""
    network: str = ""
    idle: int = 0
    longest: int = 0
    session: str = ""

    def written(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Route:
        """What `written` gave."""
        return cls(**{**fields, "hosts": tuple(JumpHost(**host) for host in fields["hosts"])})

    @property
    def scope(self) -> str:
        """Where an address is to be understood: behind the last jump host, or in the network; empty is here."""
        if self.hosts:
            last = self.hosts[-1]
            return last.host_key_alias or last.alias
        return self.network


def parse_hosts(text: str) -> tuple[JumpHost, ...]:
    """The jump hosts of the parameter `jump-hosts`, the nearest first.

    Args:
        text: as OpenSSH's ProxyJump (`user@host:port,...`), or a JSON list of objects with the keys `alias`,
            `address`, `port`, `user`, `host-key-alias`, `host-key`, `private-key`, `passphrase`, `password` and
            `compression`.

    Raises:
        StatusError: it cannot be understood, is too long, or comes back to where it was.
    """
    text = text.strip()
    if not text or text.lower() == "none":
        return ()
    hosts = _from_json(text) if text.startswith("[") else tuple(_literal(part) for part in text.split(","))
    if len(hosts) > MAX_HOSTS:
        raise _wrong(f"names {len(hosts)} gateways, and more than {MAX_HOSTS} are not passed")
    places = [(host.address.lower(), host.port) for host in hosts]
    for host, place in zip(hosts, places, strict=True):
        if places.count(place) > 1:
            raise _wrong(f"passes the gateway {host.alias} twice")
    return hosts


def _literal(part: str) -> JumpHost:
    match = _LITERAL.fullmatch(part.strip())
    if match is None:
        raise _wrong("cannot be understood")
    address = match["six"] or match["host"]
    return _checked(
        {"alias": address, "address": address, "port": int(match["port"] or 22), "user": match["user"] or ""}
    )


def _from_json(text: str) -> tuple[JumpHost, ...]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("cannot be understood") from None
    if not all(isinstance(row, dict) for row in rows):
        raise _wrong("cannot be understood")
    return tuple(
        _checked({str(name).replace("-", "_"): value for name, value in row.items()}) for row in rows
    )


def _checked(row: dict[str, Any]) -> JumpHost:
    row = {"address": None, "alias": row.get("address"), **row}
    unknown = row.keys() - JumpHost.__dataclass_fields__.keys()
    if unknown:
        raise _wrong(f"has the unknown key {min(unknown)[:40]}")
    for name, value in row.items():
        wanted = type(getattr(JumpHost, name, ""))
        if type(value) is not wanted or (isinstance(value, str) and len(value) > MAX_TEXT):
            raise _wrong(f"has a wrong {name.replace('_', '-')}")
    host = JumpHost(**row)
    for name in (host.alias, host.address, *filter(None, [host.host_key_alias])):
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            raise _wrong("names a gateway that cannot be")
    if not 0 < host.port <= MAX_PORT:
        raise _wrong("has a wrong port")
    return host


def _wrong(what: str) -> StatusError:
    return StatusError(Status.CLIENT_BAD_REQUEST, f"The way to the instance {what}.", Hop.GATEWAY)
