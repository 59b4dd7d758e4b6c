"""The one table from protocol name to instance class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.instances.command import CommandInstance
from proxyd.instances.ssh import SshInstance
from proxyd.instances.vnc import VncInstance

if TYPE_CHECKING:
    from proxyd.instances.base import Instance

__all__ = ["INSTANCES"]

INSTANCES: dict[str, type[Instance]] = {"exec": CommandInstance, "ssh": SshInstance, "vnc": VncInstance}
