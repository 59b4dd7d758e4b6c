"""What instances may ask of the gate, and the answers: no HTTP here."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from broker.errors import ApiError
from broker.gate import shapes
from broker.gate.policy import ACTIONS
from broker.gate.shapes import Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from broker.gate.core import Core
    from broker.gate.instance import Instance
    from broker.gate.instances import Instances
    from broker.gate.nets import Nets
    from broker.gate.policy import Policy
    from broker.gate.reports import Reports

__all__ = ["Gate"]

MAX_CARDINALITY = 10_000
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


class Gate:
    """Answers instances that are known."""

    def __init__(
        self,
        instances: Instances,
        reports: Reports,
        nets: Nets,
        policy: Callable[[], Policy],
        core: Core,
        lines: Callable[[str], Awaitable[list[str]]],
        served: Callable[[str, list[str], str], Awaitable[None]],
        clock: Callable[[], float],
        patience: Callable[[], float],
    ) -> None:
        """Describe it.

        Args:
            instances: which there are.
            reports: what they said.
            nets: virtual networks.
            policy: what is permitted, now.
            core: carries out what instances ask for.
            lines: the authorised lines of a user.
            served: told that an instance was given a user's lines to sign people in with.
            clock: Unix seconds.
            patience: seconds for which a new instance that says nothing counts as starting, now.
        """
        self._instances = instances
        self._reports = reports
        self._nets = nets
        self._policy = policy
        self._core = core
        self._lines = lines
        self._served = served
        self._clock = clock
        self._patience = patience

    # -- instances -----------------------------------------------------------------------------------------------------

    async def show(self, caller: Instance, target: Instance) -> dict[str, Any]:
        """VM; what only the instance itself is shown is in its own."""
        own = caller.id == target.id
        private = await self._private(target) if own else {}
        return shapes.vm(await self._known(target, private), own=own)

    async def target(self, caller: Instance, identifier: str) -> Instance:
        """The instance of an id, if it is the caller or one of its service or virtual router.

        Raises:
            ApiError: it is no id or not one of these (400), or there is none (404).
        """
        if not _NUMBER.fullmatch(identifier):
            raise ApiError(400, "An id is a number.")
        if identifier == caller.id:
            return caller
        found = await self._instances.find(identifier, caller.key_id)
        if found is None:
            raise ApiError(404, f"There is no virtual machine {identifier}.")
        same_service = caller.service and caller.service == found.service
        same_router = caller.router and caller.router == found.router
        if not (same_service or same_router):
            raise ApiError(400, f"Virtual machine {identifier} is not in your service or virtual router.")
        return found

    async def act(self, caller: Instance, target: Instance, action: str, params: Any) -> None:
        """Have the core do something to an instance.

        Raises:
            ForbiddenError: the action is restricted.
            ApiError: there is no such action (500).
            CoreError: it was not done.
        """
        self._policy().check_action(action)
        if action not in ACTIONS:
            raise ApiError(500, "There is no such action.")
        order = {
            "order": "action",
            "instance": target.id,
            "by": caller.id,
            "perform": action,
            "params": params,
        }
        await self._core.order(caller.key_id, order)

    # -- services ------------------------------------------------------------------------------------------------------

    async def service(self, caller: Instance) -> dict[str, Any]:
        """SERVICE.

        Raises:
            ApiError: the caller is in none (400).
        """
        members = await self._members(caller)
        known = await self._all_known(members)
        return shapes.service(caller.service, known)

    async def scale(self, caller: Instance, role: str, cardinality: Any) -> None:
        """Have the core give a role another size.

        Args:
            caller: one of the service.
            role: its name.
            cardinality: a number, or its digits.

        Raises:
            ApiError: the caller is in no service or this is no number (400), or there is no such role (404).
            CoreError: it was not done.
        """
        number = str(cardinality) if type(cardinality) in {int, str} else ""
        if not _NUMBER.fullmatch(number) or int(number) > MAX_CARDINALITY:
            raise ApiError(400, f"cardinality is a number up to {MAX_CARDINALITY}.")
        members = await self._members(caller)
        if role not in {row.role for row in members}:
            raise ApiError(404, "There is no such role in your service.")
        order = {
            "order": "scale",
            "service": caller.service,
            "by": caller.id,
            "role": role,
            "cardinality": int(number),
        }
        await self._core.order(caller.key_id, order)

    async def _members(self, caller: Instance) -> list[Instance]:
        if not caller.service:
            raise ApiError(400, "This virtual machine is not part of a service.")
        return await self._instances.of_service(caller.key_id, caller.service)

    # -- virtual routers and networks ----------------------------------------------------------------------------------

    async def router(self, caller: Instance) -> dict[str, Any]:
        """VROUTER.

        Raises:
            ApiError: the caller is none (400).
        """
        return shapes.router(caller, await self._instances.of_router(caller.key_id, _router(caller)))

    async def network(self, caller: Instance, identifier: str, *, extended: bool) -> dict[str, Any]:
        """VNET.

        Raises:
            ApiError: the caller is no virtual router or this is no id (400), or it may see no such network (404).
        """
        if not _NUMBER.fullmatch(identifier):
            raise ApiError(400, "An id is a number.")
        router = _router(caller)
        net = await self._nets.find(identifier, caller.key_id)
        if net is None or router not in net.routers:
            raise ApiError(404, f"There is no virtual network {identifier} for this virtual router.")
        if not extended:
            return shapes.network(net, self._policy().network_attributes)
        ids = {lease["VM"] for row in net.ranges for lease in row.leases if "VM" in lease}
        found = [await self._instances.find(number, caller.key_id) for number in sorted(ids)]
        behind = await self._all_known([row for row in found if row and not row.router])
        return shapes.network(
            net, self._policy().network_attributes, {known.instance.id: known for known in behind}
        )

    # -- what an instance needs ----------------------------------------------------------------------------------------

    async def keys(self, caller: Instance, login: str) -> list[str]:
        """The authorised lines of a user of this instance.

        Raises:
            ApiError: it is none (404).
        """
        if login not in caller.logins:
            raise ApiError(404, "This instance has no such user.")
        lines = await self._lines(login)
        await self.handed_over(caller, {login: lines})
        return lines

    async def desired(self, caller: Instance) -> tuple[dict[str, Any], str]:
        """How the instance should be, and a tag that changes with it."""
        users = {login: await self._lines(login) for login in caller.logins}
        wanted: dict[str, Any] = {
            "users": list(users),
            "keys": users,
            "vnc-password": caller.vnc_password,
            "ports": {protocol: list(caller.reportable(protocol)) for protocol in ("ssh", "vnc")},
        }
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
        return {**wanted, "time": int(self._clock())}, f'"{digest}"'

    async def handed_over(self, caller: Instance, keys: Mapping[str, list[str]]) -> None:
        """Remember which lines an instance was served, by login."""
        for login, lines in keys.items():
            await self._served(login, lines, caller.id)

    async def _private(self, caller: Instance) -> dict[str, str]:
        wanted, _ = await self.desired(caller)
        await self.handed_over(caller, wanted["keys"])
        lines = [line for login in wanted["users"] for line in wanted["keys"][login]]
        return {
            **({"SSH_PUBLIC_KEY": "\n".join(lines)} if lines else {}),
            "BROKER_USERS": " ".join(wanted["users"]),
            "BROKER_VNC_PASSWORD": caller.vnc_password,
            "BROKER_GATE_TIME": str(wanted["time"]),
        }

    async def _known(self, instance: Instance, private: dict[str, str] | None = None) -> Known:
        report = await self._reports.find(instance.id)
        waited_for = report.waited_for(instance, self._clock(), self._patience())
        return Known(instance, report, waited_for, private or {})

    async def _all_known(self, instances: Sequence[Instance]) -> list[Known]:
        return [await self._known(instance) for instance in instances]


def _router(caller: Instance) -> str:
    if not caller.router:
        raise ApiError(400, "This virtual machine is not part of a virtual router.")
    return caller.router
