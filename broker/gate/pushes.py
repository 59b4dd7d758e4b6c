"""What instances say: held against the rules as a whole before anything of it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from broker.gate.alarms import sound
from broker.gate.attributes import name_of, parse
from broker.gate.host_keys import GATE
from broker.gate.reports import ReportError, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from broker.gate.host_keys import PinnedKeys
    from broker.gate.instance import Instance
    from broker.gate.policy import Policy
    from broker.gate.reports import Reports, Value
    from broker.metrics import Metrics

__all__ = ["EVENTS", "MAX_SHOWN", "AbsentError", "Pushes"]

PORTS = {"BROKER_SSH_PORT": "ssh", "BROKER_VNC_PORT": "vnc"}
HOST_KEY = "BROKER_SSH_HOST_KEY_"
SHOWN = ("BROKER_AGENT", "BROKER_ERROR")
MAX_SHOWN = 200
"""Characters of what people and operators are shown."""
EVENTS: dict[str, dict[str, str]] = {
    "boot": {"READY": "NO", "BROKER_ERROR": ""},
    "ready": {"READY": "YES", "BROKER_ERROR": ""},
    "desktop": {"BROKER_DESKTOP": "YES"},
    "error": {},
    "stopping": {"READY": "NO"},
}
"""What an event means, said in attributes."""


class AbsentError(Exception):
    """There is no such attribute to erase. The text is for the instance."""


class Pushes:
    """Takes them."""

    def __init__(
        self, reports: Reports, host_keys: PinnedKeys, policy: Callable[[], Policy], metrics: Metrics
    ) -> None:
        """Describe them.

        Args:
            reports: where they are kept.
            host_keys: where keys are pinned.
            policy: what is restricted, now.
            metrics: what is counted.
        """
        self._reports = reports
        self._host_keys = host_keys
        self._policy = policy
        self._metrics = metrics

    async def merge(self, caller: Instance, target: Instance, text: str, address: str) -> None:
        """Add to what is said of an instance.

        Args:
            caller: who says it.
            target: of whom.
            text: attributes as they were written.
            address: from where.

        Raises:
            ReportError, HostKeyError: it will not do; nothing changed then.
            ForbiddenError: it is restricted.
        """
        await self._keep(caller, target, parse(text), address)

    async def erase(self, caller: Instance, target: Instance, text: str, address: str) -> None:
        """Forget one attribute that was said.

        Raises:
            ReportError: the text is no name.
            ForbiddenError: it is restricted.
            AbsentError: there is none.
        """
        name = name_of(text)
        own = caller.id == target.id
        self._policy().check_attributes([name], own=own)
        if not await self._reports.erase(target.id, name, address, own=own):
            raise AbsentError(f"There is no attribute {name}.")

    async def event(
        self, caller: Instance, event: str, detail: str, data: Mapping[str, Value], address: str
    ) -> None:
        """Something happened on an instance; raises what `merge` raises."""
        said = {**data, **EVENTS[event]}
        if event == "error":
            said["BROKER_ERROR"] = detail
        await self._keep(caller, caller, said, address)
        structlog.get_logger().info(
            "instance event", instance=caller.id, what=event, detail=detail[:MAX_SHOWN], address=address
        )

    async def _keep(
        self, caller: Instance, target: Instance, attributes: Mapping[str, Value], address: str
    ) -> None:
        own = caller.id == target.id
        self._policy().check_attributes(attributes, own=own)
        said = {name: _fit(name, value, target) for name, value in attributes.items()}
        check({**(await self._reports.find(target.id)).attributes, **said})
        lines = [
            value
            for name, value in said.items()
            if name.startswith(HOST_KEY) and isinstance(value, str) and value
        ]
        _, alarms = await self._host_keys.saw(target.id, lines, GATE, address)
        sound(alarms, target.id, self._metrics)
        await self._reports.merge(target.id, said, address, own=own)


def _fit(name: str, value: Value, target: Instance) -> Value:
    """A value as it is kept.

    Raises:
        ReportError: it is none that this attribute may have.
    """
    if not name.startswith("BROKER_"):
        return value
    if not isinstance(value, str):
        raise ReportError(f"{name} is a text, not a vector")
    if name in SHOWN:
        return value[:MAX_SHOWN]
    if name in PORTS and value:
        low, high = target.reportable(PORTS[name])
        if not (value.isascii() and value.isdigit() and len(value) <= 5 and low <= int(value) <= high):
            allowed = str(low) if low == high else f"{low} to {high}"
            raise ReportError(f"{name} is {allowed} on this instance")
    return value
