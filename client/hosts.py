"""The host book: how machines are called, where they are, and through which others they are reached. No I/O but its file.

user@alias goes before a host's own user, and that before the default one. The file is TOML:

    [defaults]
    user = "alice"

    [hosts.waldo]
    address = "10.1.2.6"
    via = ["corp"]
    labels = ["lab"]
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Host", "HostBook", "HostError", "Place", "book_text", "parse_place", "read_book", "write_book"]

SSH_PORT, MAX_PORT = 22, 65535
MAX_BOOK = 4 << 20
"""Bytes of a host book that are read."""
MAX_CHAIN = 8
"""Machines on the way to one, itself included."""

_USER = r"[^\s@:/\x00-\x1f\x7f-][^\s@:/\x00-\x1f\x7f]{0,63}"
_NAME = r"[A-Za-z0-9_.%][A-Za-z0-9_.%-]{0,254}"
_PLACE = re.compile(
    rf"(?:ssh://)?(?:(?P<user>{_USER})@)?(?:\[(?P<ip6>[0-9A-Fa-f:.%\w-]{{2,64}})\]|(?P<name>{_NAME}))"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)
_ALIAS = re.compile(r"[^\s\x00-\x1f\x7f@/*?!,]{1,255}")


class HostError(Exception):
    """A host, or the way to it, cannot be understood. The text is one sentence for a person."""


class Place(NamedTuple):
    """`user@name:port` as it is typed; what is empty or 0 is looked up."""

    user: str
    name: str
    port: int


@dataclass(frozen=True)
class Host:
    """A machine and how one signs in there.

    Attributes:
        alias: what it is called.
        address: where it is; as the last machine on the way to it resolves it.
        port: where its SSH server listens; 0 takes the default's, or 22.
        user: who one is there; empty takes the default's, or whoever runs this.
        via: machines on the way, the outermost first; None takes the default's.
        host_key_alias: under which name its host key is known; empty is the address and port.
        key: files of private keys; without any, the usual ones are tried.
        compression: compress what is sent; None takes the default's.
        labels: words by which several are picked at once.
    """

    alias: str
    address: str = ""
    port: int = 0
    user: str = ""
    via: tuple[str, ...] | None = None
    host_key_alias: str = ""
    key: tuple[str, ...] = ()
    compression: bool | None = None
    labels: tuple[str, ...] = ()

    @property
    def known_as(self) -> tuple[str, int]:
        """The name and port under which its host key is known."""
        return (self.host_key_alias, SSH_PORT) if self.host_key_alias else (self.address, self.port)


DEFAULTS = "defaults"
HOSTS = "hosts"
_INHERITED = ("port", "user", "via", "key", "compression")
"""What the defaults may give; the rest is of one machine alone."""


@dataclass(frozen=True)
class HostBook:
    """All of them.

    Attributes:
        hosts: by alias.
        defaults: what a machine takes that does not say otherwise.
        user: whoever runs this, for machines of which nothing is said.
    """

    hosts: Mapping[str, Host] = field(default_factory=dict)
    defaults: Host = Host("")
    user: str = ""

    def find(self, typed: str) -> Host:
        """The machine that `user@alias:port` names, with everything filled in; what the book does not know is an address.

        Raises:
            HostError: it is written wrongly.
        """
        known = self.hosts.get(typed)
        place = Place("", typed, 0) if known is not None else parse_place(typed)
        host = self.hosts.get(place.name, Host(place.name))
        return replace(
            host,
            address=host.address or host.alias,
            port=place.port or host.port or self.defaults.port or SSH_PORT,
            user=place.user or host.user or self.defaults.user or self.user,
            via=(host.via if host.via is not None else self.defaults.via) or (),
            key=host.key or self.defaults.key,
            compression=host.compression if host.compression is not None else self.defaults.compression,
        )

    def way(self, typed: str) -> list[Host]:
        """The machines on the way to one, the outermost first and itself last.

        As OpenSSH's ProxyJump has it: of several machines on the way only the first is reached in its own way.

        Raises:
            HostError: one is written wrongly, or the way leads back to where it came from.
        """
        way = [self.find(typed)]
        seen = [way[0].alias]
        while outer := way[0].via:
            before = [self.find(one) for one in outer]
            for host in reversed(before):
                if host.alias in seen:
                    loop = " → ".join([*seen, host.alias])
                    raise HostError(f"The way to {way[-1].alias} leads in a circle: {loop}.")
                seen.append(host.alias)
            way[:0] = before
            if len(way) > MAX_CHAIN:
                raise HostError(
                    f"The way to {way[-1].alias} leads through more than {MAX_CHAIN - 1} machines."
                )
        return way

    def labelled(self, labels: Iterable[str]) -> list[str]:
        """The aliases of machines that bear one of these labels, in the book's order.

        Raises:
            HostError: no machine bears it.
        """
        found: dict[str, None] = {}
        for label in labels:
            bearers = [alias for alias, host in self.hosts.items() if label in host.labels]
            if not bearers:
                raise HostError(f"No host in the book bears the label {label!r}.")
            found |= dict.fromkeys(bearers)
        return list(found)


def parse_place(text: str) -> Place:
    """Read `[ssh://][user@]name[:port]`; an IPv6 address stands in brackets.

    Raises:
        HostError: it is something else.
    """
    match = _PLACE.fullmatch(text)
    port = int(match["port"] or 0) if match else 0
    if match is None or port > MAX_PORT:
        raise HostError(f"{text[:80]!r} is not a host: it is written user@name:port.")
    return Place(match["user"] or "", match["ip6"] or match["name"], port)


# -- the file --------------------------------------------------------------------------------------------------------


def read_book(path: Path, user: str) -> HostBook:
    """Read a host book; a file that is not there is an empty one.

    Args:
        path: the file.
        user: whoever runs this.

    Raises:
        HostError: it cannot be read, or something in it is wrong; the sentence names the entry.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BOOK + 1)
    except FileNotFoundError:
        return HostBook(user=user)
    except OSError as error:
        raise HostError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from None
    if len(data) > MAX_BOOK:
        raise HostError(f"{path} is larger than {MAX_BOOK >> 20} MiB.")
    try:
        content = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HostError(f"{path} is not TOML: {error}.") from None
    return _book(content, path, user)


def _book(content: dict[str, Any], path: Path, user: str) -> HostBook:
    wrong = set(content) - {DEFAULTS, HOSTS}
    if wrong:
        raise HostError(f"{path}: {min(wrong)!r} is neither {DEFAULTS} nor {HOSTS}.")
    hosts = content.get(HOSTS, {})
    if not isinstance(hosts, dict):
        raise HostError(f"{path}: {HOSTS} is not a table.")
    defaults = _host("", content.get(DEFAULTS, {}), f"{path}: {DEFAULTS}")
    beyond = [
        row.name for row in fields(Host)[1:] if row.name not in _INHERITED and getattr(defaults, row.name)
    ]
    if beyond:
        raise HostError(f"{path}: {DEFAULTS}: {_option(beyond[0])} is of one host alone.")
    for alias in hosts:
        if not _ALIAS.fullmatch(alias):
            raise HostError(f"{path}: {alias[:80]!r} cannot be the name of a host.")
    return HostBook(
        {alias: _host(alias, entry, f"{path}: {HOSTS}.{alias}") for alias, entry in hosts.items()},
        defaults,
        user,
    )


def _host(alias: str, entry: Any, where: str) -> Host:
    if not isinstance(entry, dict):
        raise HostError(f"{where} is not a table.")
    values: dict[str, Any] = {}
    for option, value in entry.items():
        name = option.replace("-", "_")
        if option not in _READERS:
            raise HostError(f"{where}: {option!r} is none of {', '.join(_READERS)}.")
        try:
            values[name] = _READERS[option](value)
        except (TypeError, ValueError):
            raise HostError(f"{where}: {option} is wrong.") from None
        except HostError as error:
            raise HostError(f"{where}: {option}: {error}") from None
    return Host(alias, **values)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    """One or several."""
    return tuple(_text(one) for one in ([value] if isinstance(value, str) else value))


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_PORT:
        raise ValueError
    return value


def _places(value: Any) -> tuple[str, ...]:
    places = _texts(value)
    for place in places:
        parse_place(place)
    return places


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_READERS = {
    "address": _text,
    "port": _port,
    "user": _text,
    "via": _places,
    "host-key-alias": _text,
    "key": _texts,
    "compression": _flag,
    "labels": _texts,
}
"""What may be said of a host, in the order in which it is written."""


def _option(name: str) -> str:
    return name.replace("_", "-")


def book_text(book: HostBook) -> str:
    """The book as its file has it."""
    tables = [(f"[{DEFAULTS}]", book.defaults)]
    tables += [(f"[{HOSTS}.{_quoted(alias)}]", host) for alias, host in book.hosts.items()]
    return "\n".join(part for head, host in tables if (part := _table(head, host)))


def _table(head: str, host: Host) -> str:
    lines = []
    for option in _READERS:
        value = getattr(host, option.replace("-", "_"))
        if value not in ("", 0, None) and (value != () or option == "via"):
            lines.append(f"{option} = {json.dumps(value, ensure_ascii=False)}\n")
    return f"{head}\n{''.join(lines)}" if lines or host.alias else ""


def _quoted(alias: str) -> str:
    return alias if re.fullmatch(r"[A-Za-z0-9_-]+", alias) else json.dumps(alias, ensure_ascii=False)


def write_book(path: Path, book: HostBook) -> None:
    """Write it whole or not at all.

    Raises:
        HostError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(book_text(book), "utf-8")
        beside.replace(path)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {os.strerror(error.errno or 0)}.") from None
