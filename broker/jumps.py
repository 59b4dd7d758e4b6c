"""The operator's book of gateways: which jump hosts a connection passes, and whose logins there those are.

[corp]
address = "gateway.example.org"
user = "${GUAC_USERNAME}"
host-key = ["ssh-ed25519 AAAA..."]
targets = ["10.20.0.0/16", "*.lab.example.org"]
"""

from __future__ import annotations

import fnmatch
import ipaddress
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.expansion import expanded
from proxyd.wire.route import JumpHost, parse_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Entry", "Jumps", "JumpsError"]

MAX_FILE = 1 << 20
"""Bytes of the file that are read."""
MAX_HOSTS = 8
MAX_WRITTEN = 8192
"""Characters of a connection parameter."""


class JumpsError(Exception):
    """The file of gateways cannot be used. The text names the entry."""


class Entry(BaseModel):
    """One gateway; every row appears in docs/how-to/gateway.md."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )

    address: str
    port: int = Field(22, ge=1, le=65535)
    user: str = "${GUAC_USERNAME:OPTIONAL}"
    host_key_alias: str = ""
    host_key: tuple[str, ...] = ()
    compression: bool = False
    key: Path | None = None
    via: str = ""
    network: str = ""
    targets: tuple[str, ...] = ()
    idle: int | None = Field(None, ge=10)
    longest: int | None = Field(None, ge=60)

    def covers(self, host: str) -> bool:
        """Whether machines of this name or address are reached through here."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return any(fnmatch.fnmatchcase(host.lower(), target.lower()) for target in self.targets)
        return any(address in network for network in map(_network, self.targets) if network is not None)


class Jumps:
    """The book. Empty where the operator has none; links may name jump hosts all the same, if their key permits it."""

    def __init__(self, file: Path | None = None) -> None:
        """Read the file.

        Raises:
            JumpsError: see `reload`.
        """
        self._file = file
        self._entries: dict[str, Entry] = {}
        self.reload()

    def reload(self) -> None:
        """Read the file again; a broken one changes nothing.

        Raises:
            JumpsError: something in it is wrong, leads through a gateway that is not there, or back to itself.
        """
        if self._file is None:
            return
        entries = _read(self._file)
        for alias in entries:
            _chain(entries, alias)
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    # -- what a connection is granted --------------------------------------------------------------------------------

    def routed(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """A connection's parameters with the gateway for its instance, where it names none itself.

        Whose logins it uses is never for a link to say.
        """
        found = dict(parameters)
        found.pop("gateway-owner", None)
        if not found.get("jump-hosts") and not found.get("network"):
            host = found.get("hostname", "")
            alias = next((alias for alias, entry in self._entries.items() if entry.covers(host)), "")
            if alias:
                found["jump-hosts"] = alias
        if found.get("jump-hosts", "none").strip().lower() in {"", "none"}:
            found.pop("jump-hosts", None)
        return found

    def unvouched(self, parameters: Mapping[str, str]) -> JumpHost | None:
        """The jump host that is dialled first, where it is the link's word and not the operator's.

        Raises:
            StatusError: the chain cannot be understood.
        """
        first = parse_hosts(parameters["jump-hosts"])[0]
        return None if self._entry(first) is not None else first

    def pinned(self, parameters: Mapping[str, str], address: str) -> dict[str, str]:
        """Parameters with the address that was checked in the place of the first jump host's name."""
        first, *others = parse_hosts(parameters["jump-hosts"])
        pinned = {**_row(first), "address": address, "host-key-alias": first.host_key_alias or first.address}
        return {**parameters, "jump-hosts": json.dumps([pinned, *map(_row, others)])}

    # -- what the daemon is told ---------------------------------------------------------------------------------------

    def completed(
        self, parameters: Mapping[str, str], owner: str, known: Mapping[str, str]
    ) -> dict[str, str]:
        """Parameters with aliases replaced by what the book knows of them, secrets included, and with an owner.

        Args:
            parameters: of a connection.
            owner: whose logins these are.
            known: what is filled in for tokens in user names.

        Raises:
            StatusError: the chain cannot be understood, or comes back to where it was.
            JumpsError: a key cannot be read, or there is too much to tell.
        """
        text = parameters.get("jump-hosts", "")
        if not text:
            return dict(parameters)
        hosts = parse_hosts(text)
        entry = self._entry(hosts[0])
        defaults: dict[str, str] = {}
        if entry is not None:
            chain = _chain(self._entries, hosts[0].alias)
            network = self._entries[chain[0]].network
            if network:
                defaults["network"] = network
            limits = {"gw-idle": entry.idle, "gw-max": entry.longest}
            defaults |= {name: str(limit) for name, limit in limits.items() if limit is not None}
        written = json.dumps([row for host in hosts for row in self._rows(host, known)])
        if len(written) > MAX_WRITTEN:
            raise JumpsError(f"gateways: {hosts[-1].alias}: keys on the way take too much room")
        parse_hosts(written)
        return {**defaults, **parameters, "jump-hosts": written, "gateway-owner": owner}

    def _entry(self, host: JumpHost) -> Entry | None:
        return self._entries.get(host.alias) if host.alias == host.address else None

    def _rows(self, host: JumpHost, known: Mapping[str, str]) -> list[dict[str, Any]]:
        if self._entry(host) is None:
            return [_row(host)]
        *before, last = (
            _host(alias, self._entries[alias], known) for alias in _chain(self._entries, host.alias)
        )
        own = {"user": host.user} if host.user else {}
        return [*(_row(one) for one in before), {**_row(last), **own}]


def _read(file: Path) -> dict[str, Entry]:
    try:
        with file.open("rb") as opened:
            tables = tomllib.loads(opened.read(MAX_FILE).decode())
        return {alias: Entry.model_validate(table) for alias, table in tables.items()}
    except OSError as error:
        raise JumpsError(f"gateways: {file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise JumpsError(f"gateways: {where}: {first['msg']}") from None
    except ValueError as error:
        raise JumpsError(f"gateways: {file} is no TOML: {error}") from None


def _chain(entries: Mapping[str, Entry], alias: str) -> list[str]:
    """An entry and what it leads through, the nearest first."""
    chain: list[str] = []
    while alias:
        if alias not in entries:
            raise JumpsError(f"gateways: {chain[-1] if chain else alias}: via: there is no {alias}")
        if alias in chain or len(chain) == MAX_HOSTS:
            raise JumpsError(f"gateways: {chain[0]}: via: the way comes back to itself or is too long")
        chain.append(alias)
        alias = entries[alias].via
    return chain[::-1]


def _host(alias: str, entry: Entry, known: Mapping[str, str]) -> JumpHost:
    return JumpHost(
        alias,
        entry.address,
        entry.port,
        expanded({"user": entry.user}, known)["user"],
        entry.host_key_alias or alias,
        "\n".join(entry.host_key),
        private_key=_key(entry.key) if entry.key is not None else "",
        compression=entry.compression,
    )


def _key(file: Path) -> str:
    try:
        return file.expanduser().read_text()
    except (OSError, ValueError):
        raise JumpsError(f"gateways: the key {file} cannot be read") from None


def _row(host: JumpHost) -> dict[str, Any]:
    """As `parse_hosts` reads it."""
    return {name.replace("_", "-"): value for name, value in vars(host).items() if value or name == "port"}


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
