"""Virtual networks, as platforms describe them: what their virtual routers are shown (sheet E.3)."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from broker.gate.records import MAX_LISTED, forever
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.store.base import Store

__all__ = ["DESCRIBED", "Net", "NetError", "Nets", "Range"]

MAX_ATTRIBUTES = 64
MAX_VALUE = 1024
MAX_RANGES = 32
MAX_LEASES = 1024
"""Leases of one network together."""
MAX_ROUTERS = 32
_ID = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


class NetError(Exception):
    """A network is not described like this. The text is for an operator or a platform."""


@dataclass(frozen=True)
class Range:
    """Addresses of one network that belong together.

    Attributes:
        attributes: like `AR_ID`, `IP`, `SIZE`.
        leases: those that are taken, each like `{"IP": …, "MAC": …, "VM": …}`.
    """

    attributes: dict[str, str] = field(default_factory=dict)
    leases: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Net:
    """One virtual network.

    Attributes:
        id: decimal.
        name: for people.
        key_id: the key of the ring whose platform described it; empty is an operator.
        parent: id of the network that it is a part of; empty is none.
        routers: ids of the virtual routers that may see it.
        template: its attributes; `gate-vnet-attributes` says which are shown.
        ranges: its addresses.
    """

    id: str
    name: str
    key_id: str = ""
    parent: str = ""
    routers: tuple[str, ...] = ()
    template: dict[str, str] = field(default_factory=dict)
    ranges: tuple[Range, ...] = ()

    @property
    def leases(self) -> int:
        """How many addresses are taken."""
        return sum(len(row.leases) for row in self.ranges)


DESCRIBED = frozenset({"name", "parent", "routers", "template", "ranges"})
"""Fields that whoever describes a network may set."""


class Nets:
    """The networks of all platforms. Each platform counts its own ids."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._store = store
        self._clock = clock

    async def put(self, identifier: str, described: dict[str, Any], *, key_id: str = "") -> Net:
        """Describe a network, in whole; what was said of it before is forgotten.

        Args:
            identifier: its id.
            described: fields of `DESCRIBED`; a range is `{"IP": …, "SIZE": …, "leases": [{…}]}`.
            key_id: the key of the ring that describes it; empty is an operator.

        Raises:
            NetError: a field is unknown or will not do; the text names it.
        """
        net = _described(Net(_identifier("id", identifier), "", key_id), described)
        await self._store.put(
            Kind.VNET, _key(key_id, identifier), json.dumps(asdict(net)).encode(), forever(self._clock())
        )
        return net

    async def find(self, identifier: str, key_id: str = "") -> Net | None:
        """A platform's network of an id."""
        value = (
            await self._store.get(Kind.VNET, _key(key_id, identifier)) if _ID.fullmatch(identifier) else None
        )
        return _read(value) if value is not None else None

    async def all(self, key_id: str | None = None) -> list[Net]:
        """All networks by id, or those that one key described."""
        values = await self._store.newest(Kind.VNET, MAX_LISTED)
        found = [_read(value) for value in values.values()]
        return sorted((row for row in found if key_id in {None, row.key_id}), key=lambda row: int(row.id))

    async def remove(self, identifier: str, key_id: str = "") -> bool:
        """Forget a network; False where there is none."""
        return await self._store.delete(Kind.VNET, _key(key_id, identifier))


def _key(key_id: str, identifier: str) -> str:
    return f"{key_id} {identifier}"


def _described(net: Net, given: dict[str, Any]) -> Net:
    unknown = given.keys() - DESCRIBED
    if unknown:
        raise NetError(f"a network has no {min(unknown)}")
    readers: dict[str, Callable[[Any], Any]] = {
        "name": lambda value: _text("name", value),
        "parent": lambda value: _identifier("parent", value) if value else "",
        "routers": lambda value: tuple(
            _identifier("routers", row) for row in _rows("routers", value, MAX_ROUTERS)
        ),
        "template": lambda value: _attributes("template", value),
        "ranges": lambda value: tuple(_range(row) for row in _rows("ranges", value, MAX_RANGES)),
    }
    described = replace(net, **{name: readers[name](value) for name, value in given.items()})
    if described.leases > MAX_LEASES:
        raise NetError(f"ranges: more than {MAX_LEASES} leases")
    return described


def _range(value: Any) -> Range:
    if not isinstance(value, dict):
        raise NetError("ranges: a range is an object")
    leases = _rows("leases", value.get("leases", []), MAX_LEASES)
    attributes = {name: row for name, row in value.items() if name != "leases"}
    return Range(_attributes("ranges", attributes), tuple(_attributes("leases", row) for row in leases))


def _rows(name: str, value: Any, limit: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > limit:
        raise NetError(f"{name} is a list of up to {limit}")
    return value


def _identifier(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise NetError(f"{name}: an id is a number of up to 18 digits, as a text")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_VALUE or not value.isprintable():
        raise NetError(f"{name} is a printable text of up to {MAX_VALUE} characters")
    return value


def _attributes(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_ATTRIBUTES:
        raise NetError(f"{name}: attributes are an object of up to {MAX_ATTRIBUTES} texts")
    if not all(isinstance(key, str) and _NAME.fullmatch(key) for key in value):
        raise NetError(f"{name}: an attribute's name is written like GATEWAY")
    return {key: _text(f"{name}: {key}", row) for key, row in value.items()}


def _read(value: bytes) -> Net:
    row: dict[str, Any] = json.loads(value)
    row["routers"] = tuple(row["routers"])
    row["ranges"] = tuple(Range(item["attributes"], tuple(item["leases"])) for item in row["ranges"])
    return Net(**row)
