"""What a key of the ring may describe: instances that its links might lead to, and nothing else. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from broker.auth.base import Reason, RefusedError
from broker.gate.instance import PORTS, InstanceError
from broker.limits import EVERYTHING
from broker.targets import TargetRefusedError, Targets

if TYPE_CHECKING:
    from broker.gate.instance import Instance
    from broker.jumps import Jumps
    from broker.keyring import Limits

__all__ = ["check_described"]

NETWORK = "network"
"""The connection parameter that names a private network."""


def check_described(instance: Instance, limits: Limits, targets: Targets, jumps: Jumps) -> None:
    """Hold a description against the limits of the key that makes it.

    Args:
        instance: as it would be.
        limits: of the key.
        targets: what everybody may dial.
        jumps: the operator's gateways: what is behind them has the key's own targets only.

    Raises:
        RefusedError: it goes beyond them.
        InstanceError: an address is a name where names mean nothing.
    """
    for login in filter(None, (instance.owner, *instance.users)):
        if limits.users is not None and not limits.users.fullmatch(login):
            raise RefusedError(Reason.USER_NOT_ALLOWED, f"the key is for other users than {login}")
    if instance.network:
        _check_network(instance.network, limits)
        return
    for address in instance.addresses:
        behind = bool(jumps.routed({"hostname": address}).get("jump-hosts"))
        if not _is_ip(address):
            if behind and not limits.targets:
                continue
            raise InstanceError(f"addresses: {address} is no IP address; names are for private networks")
        allowed = [] if behind else [targets]
        if limits.targets:
            allowed.append(Targets(limits.targets))
        _check_address(address, instance, allowed)


def _check_network(network: str, limits: Limits) -> None:
    forced = limits.forced.get(NETWORK)
    usable = forced == network if forced else bool({NETWORK, EVERYTHING}.intersection(limits.parameters))
    if not usable or (limits.networks and network not in limits.networks):
        raise RefusedError(Reason.TARGET_NOT_ALLOWED, f"the key is for other private networks than {network}")


def _check_address(address: str, instance: Instance, allowed: list[Targets]) -> None:
    ports = tuple({**PORTS, **instance.ports}.values())
    try:
        for targets in allowed:
            targets.check_some(address, ports)
    except TargetRefusedError as error:
        raise RefusedError(Reason.TARGET_NOT_ALLOWED, str(error)) from None


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
