"""What instances may do at the gate: permissions, and what is restricted. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ACTIONS", "OWN_ATTRIBUTES", "PERMISSIONS", "ForbiddenError", "Policy"]

PERMISSIONS = frozenset(
    {
        "vm.show", "vm.update", "vm.show_by_id", "vm.update_by_id", "vm.action_by_id",
        "service.show", "service.change_cardinality", "vrouter.show", "vnet.show_by_id",
    }
)  # fmt: skip
ACTIONS = frozenset(
    {
        "deploy", "hold", "livemigrate", "migrate", "resume", "release", "stop", "suspend", "saveas", "snapshot_create",
        "snapshot_revert", "snapshot_delete", "terminate", "reboot", "poweroff", "chown", "chmod", "resize", "attachdisk",
        "detachdisk", "attachnic", "detachnic", "rename", "undeploy", "resched", "unresched", "recover", "delete",
        "shutdown",
    }
)  # fmt: skip
"""Actions that a core may know (sheet E.3)."""
OLD_NAMES = {"delete": "terminate", "shutdown": "terminate"}
"""What older clients call an action: restricted with it."""
OURS = "BROKER_"
OWN_ATTRIBUTES = re.compile(
    r"BROKER_(SSH_PORT|VNC_PORT|SSH_HOST_KEY_[A-Z0-9_]+|VNC_SECURITY|DESKTOP|AGENT|ERROR)"
)
"""What an instance may say of itself among names that begin with `BROKER_` (sheet E.6)."""


class ForbiddenError(Exception):
    """It is not permitted. The text is for the instance."""


@dataclass(frozen=True)
class Policy:
    """The rules of one gate.

    Attributes:
        bind: where it listens; empty is off.
        url: its address as instances have it; empty where it is taken from requests.
        permissions: those of `PERMISSIONS` that are given.
        restricted_attributes: in upper case.
        restricted_actions: in lower case.
        network_attributes: what is shown of a virtual network's template.
        expire_delta: seconds that tokens for the core are good for.
        expire_margin: seconds before their end at which new ones are made.
    """

    bind: str
    url: str = ""
    permissions: frozenset[str] = PERMISSIONS
    restricted_attributes: frozenset[str] = frozenset()
    restricted_actions: frozenset[str] = frozenset()
    network_attributes: frozenset[str] = field(default_factory=frozenset)
    expire_delta: float = 1800.0
    expire_margin: float = 300.0

    def check_permission(self, name: str) -> None:
        """Refuse what is switched off.

        Raises:
            ForbiddenError: it is.
        """
        if name not in self.permissions:
            raise ForbiddenError(f"{name} is not permitted at this gate")

    def check_attributes(self, names: Iterable[str], *, own: bool) -> None:
        """Refuse names that may be neither set nor erased.

        Args:
            names: as they were parsed.
            own: whether the instance speaks of itself, not of another of its group.

        Raises:
            ForbiddenError: there is one among them.
        """
        for name in names:
            ours = name.startswith(OURS) and not (own and OWN_ATTRIBUTES.fullmatch(name))
            if ours or name in self.restricted_attributes:
                raise ForbiddenError(f"{name} is a restricted attribute")

    def check_action(self, name: str) -> None:
        """Refuse restricted actions.

        Raises:
            ForbiddenError: it is one.
        """
        if {name, OLD_NAMES.get(name, name)} & self.restricted_actions:
            raise ForbiddenError(f"{name} is a restricted action")
