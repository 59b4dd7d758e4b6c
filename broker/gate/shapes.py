"""The JSON of instances, services, virtual routers and networks, as OneGate's clients read it (sheet E.3). Pure.

Leaf values are texts, ids above all: clients concatenate them. What the sheet notes as numbers is numbers, and so are size
and state of a role. What may be several is a list, even of one.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from broker.gate.reports import Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.gate.instance import Instance
    from broker.gate.nets import Net

__all__ = ["PRIVATE", "Known", "network", "router", "service", "vm"]

PRIVATE = frozenset({"SSH_PUBLIC_KEY", "BROKER_VNC_PASSWORD"})
"""Attributes that nobody but the instance itself is shown."""
REMOVED = frozenset({"SCHED_MESSAGE"})
NIC_KEYS = frozenset(
    {
        "IP", "IP6_LINK", "IP6_SITE", "IP6_GLOBAL", "NETWORK", "MAC", "NAME", "PARENT", "EXTERNAL", "EXTERNAL_IP",
    }
)  # fmt: skip
BACKEND = "ONEGATE_"
"""What attributes begin with that a virtual router reads of the machines behind it."""
ACTIVE = "3"
BOOT, RUNNING, UNKNOWN = "2", "3", "16"
"""LCM_STATE while an instance is waited for, when it is there, and when nothing was ever heard of it."""
DEPLOYING, SERVICE_RUNNING, WARNING = 1, 2, 4


@dataclass(frozen=True)
class Known:
    """An instance with what is known of it at a moment.

    Attributes:
        instance: which.
        report: what it says of itself.
        waited_for: whether it is still starting.
        private: attributes that it alone is shown.
    """

    instance: Instance
    report: Report = field(default_factory=Report)
    waited_for: bool = False
    private: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> str:
        """LCM_STATE."""
        if self.waited_for:
            return BOOT
        return RUNNING if self.report.reported else UNKNOWN


def vm(known: Known, *, own: bool = False) -> dict[str, Any]:
    """VM.

    Args:
        known: the instance.
        own: whether it asks for itself.
    """
    attributes: dict[str, Any] = {**known.instance.template, **known.report.attributes}
    hidden = REMOVED if own else REMOVED | PRIVATE
    attributes = {name: value for name, value in attributes.items() if name not in hidden}
    nics = _nics(known.instance)
    return {
        "VM": {
            "NAME": known.instance.name,
            "ID": known.instance.id,
            "STATE": ACTIVE,
            "LCM_STATE": known.state,
            "USER_TEMPLATE": attributes | dict(known.private) if own else attributes,
            "TEMPLATE": {
                "NIC": [nic for nic in nics if "PARENT" not in nic],
                "NIC_ALIAS": [nic for nic in nics if "PARENT" in nic],
            },
        }
    }


def service(identifier: str, members: Sequence[Known]) -> dict[str, Any]:
    """SERVICE, of at least one instance."""
    roles: dict[str, list[Known]] = {}
    for known in members:
        roles.setdefault(known.instance.role, []).append(known)
    return {
        "SERVICE": {
            "name": identifier,
            "id": identifier,
            "state": _state(members),
            "roles": [
                {
                    "name": name,
                    "cardinality": len(nodes),
                    "state": _state(nodes),
                    "nodes": [
                        {
                            "deploy_id": int(known.instance.id),
                            "running": known.state == RUNNING,
                            "vm_info": vm(known),
                        }
                        for known in nodes
                    ],
                }
                for name, nodes in sorted(roles.items())
            ],
        }
    }


def router(instance: Instance, members: Sequence[Instance]) -> dict[str, Any]:
    """VROUTER, as one of its instances sees it."""
    return {
        "VROUTER": {
            "NAME": instance.role or instance.router,
            "ID": instance.router,
            "VMS": {"ID": [row.id for row in members]},
            "TEMPLATE": {"NIC": _nics(instance)},
        }
    }


def network(net: Net, shown: frozenset[str], behind: Mapping[str, Known] | None = None) -> dict[str, Any]:
    """VNET.

    Args:
        net: which.
        shown: the attributes of its template that are shown.
        behind: the instances that have its leases, by id, for the extended form.
    """
    return {
        "VNET": {
            "ID": net.id,
            "NAME": net.name,
            "USED_LEASES": str(net.leases),
            "VROUTERS": {"ID": list(net.routers)},
            "PARENT_NETWORK_ID": net.parent,
            "AR_POOL": {
                "AR": [
                    {**row.attributes, "LEASES": {"LEASE": [_lease(lease, behind) for lease in row.leases]}}
                    for row in net.ranges
                ]
            },
            "TEMPLATE": {name: value for name, value in net.template.items() if name in shown},
        }
    }


def _state(members: Sequence[Known]) -> int:
    """Of a service or a role."""
    states = {known.state for known in members}
    if UNKNOWN in states:
        return WARNING
    return DEPLOYING if BOOT in states else SERVICE_RUNNING


def _nics(instance: Instance) -> list[dict[str, str]]:
    """Network cards as described, or made of the addresses."""
    if instance.nics:
        return [{name: value for name, value in nic.items() if name in NIC_KEYS} for nic in instance.nics]
    return [nic for address in instance.addresses for nic in _nic(address)]


def _nic(address: str) -> list[dict[str, str]]:
    try:
        value = ipaddress.ip_address(address)
    except ValueError:
        return []
    return [{"IP" if value.version == 4 else "IP6_GLOBAL": str(value)}]


def _lease(lease: Mapping[str, str], behind: Mapping[str, Known] | None) -> dict[str, Any]:
    known = (behind or {}).get(lease.get("VM", ""))
    if known is None:
        return dict(lease)
    card = next((nic for nic in known.instance.nics if _same_card(nic, lease)), {})
    names = {"NIC_NAME": card.get("NAME", ""), "PARENT": card.get("PARENT", "")}
    said = {name: row for name, row in known.report.attributes.items() if name.startswith(BACKEND)}
    return {**lease, **{name: row for name, row in names.items() if row}, "BACKEND": "YES", **said}


def _same_card(nic: Mapping[str, str], lease: Mapping[str, str]) -> bool:
    return any(lease.get(name) and nic.get(name) == lease[name] for name in ("MAC", "IP", "IP6_GLOBAL"))
