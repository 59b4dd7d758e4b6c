"""What instances say of themselves: attributes, and how long they have been ready."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from broker.gate.records import Shelf
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from broker.gate.instance import Instance
    from broker.store.base import Store

__all__ = [
    "MAX_ATTRIBUTES",
    "MAX_NAME",
    "MAX_TOTAL",
    "MAX_VALUE",
    "Report",
    "ReportError",
    "Reports",
    "Value",
    "check",
]

WATCHED = ("READY", "BROKER_DESKTOP")
"""Attributes of which it is known since when they are as they are."""
MAX_ATTRIBUTES = 64
MAX_NAME = 64
MAX_VALUE = 8192
MAX_TOTAL = 65536
"""Bytes of all names and values together (sheet E.3)."""

Value = str | dict[str, str]
"""A text, or a vector of texts by name."""


class ReportError(Exception):
    """What an instance says cannot be kept: it is too much. The text is for the instance."""


@dataclass(frozen=True)
class Report:
    """What one instance said.

    Attributes:
        attributes: by name; the instance's own words: hostile.
        reported: Unix seconds of the last word; 0 before the first.
        address: from which it came; empty where unknown.
        since: Unix seconds at which one of `WATCHED` changed last; missing while it is as in the first word.
        first: Unix seconds of the first word; 0 before it.
    """

    attributes: dict[str, Value] = field(default_factory=dict)
    reported: float = 0.0
    address: str = ""
    since: dict[str, float] = field(default_factory=dict)
    first: float = 0.0

    def text(self, name: str) -> str:
        """A text attribute; empty where it is missing or a vector."""
        value = self.attributes.get(name, "")
        return value if isinstance(value, str) else ""

    @property
    def ready(self) -> bool | None:
        """Whether it says that it is ready; None where it says nothing of that."""
        return {"YES": True, "NO": False}.get(self.text("READY").strip().upper())

    def waited_for(self, instance: Instance, now: float, patience: float) -> bool:
        """Whether the instance is still starting: it says so, or was made lately and has said nothing yet.

        Args:
            instance: whose report it is.
            now: Unix seconds.
            patience: seconds after its making for which one that says nothing is waited for.
        """
        if self.ready is not None:
            return not self.ready
        return not self.reported and now < instance.booted + patience


class Reports:
    """The reports of all instances."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._clock = clock
        self._shelf = Shelf(store, clock, Kind.REPORT, _read, _written)

    async def find(self, identifier: str) -> Report:
        """What an instance said; nothing at first."""
        return await self._shelf.find(identifier)

    async def all(self) -> dict[str, Report]:
        """What every instance said, by id."""
        return await self._shelf.all()

    async def merge(
        self, identifier: str, attributes: Mapping[str, Value], address: str = "", *, own: bool = True
    ) -> Report:
        """Add to what an instance said, or say it anew.

        Args:
            identifier: the instance's.
            attributes: parsed, with names of the pattern.
            address: from which it says so.
            own: whether it speaks for itself; what others say is no sign of life.

        Raises:
            ReportError: it would be more than is kept; nothing changed then.
        """

        def merged(report: Report) -> Report:
            together = {**report.attributes, **attributes}
            check(together)
            return replace(report, attributes=together)

        return await self._change(identifier, merged, address, own=own)

    async def erase(self, identifier: str, name: str, address: str = "", *, own: bool = True) -> bool:
        """Forget one attribute; False where there is none."""
        if name not in (await self.find(identifier)).attributes:
            return False

        def without(report: Report) -> Report:
            left = {key: value for key, value in report.attributes.items() if key != name}
            return replace(report, attributes=left)

        await self._change(identifier, without, address, own=own)
        return True

    async def _change(
        self, identifier: str, work: Callable[[Report], Report], address: str, *, own: bool
    ) -> Report:
        now = self._clock()

        def dated(before: Report) -> Report:
            after = work(before)
            if own:
                after = replace(after, reported=now, address=address, first=before.first or now)
            return replace(after, since=_since(before, after, now))

        return await self._shelf.change(identifier, dated)


def _read(value: bytes | None) -> Report:
    return Report(**json.loads(value)) if value is not None else Report()


def _written(report: Report) -> bytes:
    return json.dumps(asdict(report)).encode()


def _since(before: Report, after: Report, now: float) -> dict[str, float]:
    """When what is watched changed last; the first word is no change."""
    changed = [name for name in WATCHED if before.reported and before.text(name) != after.text(name)]
    return {**before.since, **dict.fromkeys(changed, now)}


def check(attributes: Mapping[str, Value]) -> None:
    """Hold attributes against what is kept of one instance.

    Raises:
        ReportError: they are more than that.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise ReportError(f"more than {MAX_ATTRIBUTES} attributes")
    sizes = {name: _size(value) for name, value in attributes.items()}
    for name, size in sizes.items():
        if len(name) > MAX_NAME:
            raise ReportError(f"a name is longer than {MAX_NAME} characters")
        if size > MAX_VALUE:
            raise ReportError(f"{name} is larger than {MAX_VALUE} bytes")
    if sum(len(name) + size for name, size in sizes.items()) > MAX_TOTAL:
        raise ReportError(f"all attributes together are larger than {MAX_TOTAL} bytes")


def _size(value: Value) -> int:
    parts = [value] if isinstance(value, str) else [*value, *value.values()]
    return sum(len(part.encode("utf-8", "replace")) for part in parts)
