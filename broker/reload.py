"""What a running broker reads again, without anybody noticing: settings, the key ring, extensions.

`LIVE` lists the settings that take effect so; any other that changed is named in the log, and waits for a restart, which
drops nobody either.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from broker.admission import Rules
from broker.gate.config import gate_policy
from broker.gate.introduction import Policy
from broker.gateway import Limits
from broker.jumps import JumpsError
from broker.keyring import KeyRing, KeyRingError
from broker.targets import Targets
from broker.trust import calls, fixed_keys, schemes
from proxyd.sources import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.parts import Parts
    from broker.settings import Settings

__all__ = ["LIVE", "door_rules", "gateway_limits", "read_again", "reload_ring", "waiting_policy"]

LIVE = frozenset(
    {
        # who may come in, and where to
        "secret_key", "timestamp_age_limit", "allow_unlimited_age", "json_secret_key", "json_trusted_networks",
        "clock_skew", "public_origin", "jwt_max_lifetime", "default_protocol", "v1_ports", "v1_vnc_password",
        "v1_username", "v1_ambiguity", "allowed_targets", "require_privkey", "ban_after", "ban_longest",
        "allowed_origins", "trusted_proxies",
        # instances
        "gate_config", "gate_url", "gate_permissions", "gate_restricted_attrs", "gate_restricted_actions",
        "gate_vnet_attributes", "gate_legacy_tokens", "gate_patience", "reported_ports",
        # how much, and how long
        "max_tunnels", "detach_timeout", "max_detached_per_user", "sharing", "share_minutes", "drain_timeout",
        # what people and operators see
        "site_name", "portal_url", "portal_name", "help_url", "help_name", "banner", "log_level",
    }
)  # fmt: skip
"""Settings that take effect while the broker runs."""


def door_rules(settings: Settings) -> Rules:
    """What settings ask of everybody who comes."""
    return Rules(
        schemes(settings), calls(settings), Targets(settings.allowed_targets), settings.require_privkey
    )


def gateway_limits(settings: Settings) -> Limits:
    """What settings permit of sessions."""
    return Limits(settings.max_tunnels, settings.detach_timeout, settings.max_detached_per_user)


def waiting_policy(settings: Settings) -> Policy:
    """What settings say of instances that sessions begin on."""
    return Policy(settings.gate_patience, settings.v1_vnc_password.get_secret_value())


def read_again(parts: Parts, load: Callable[[], Settings] | None = None) -> None:
    """Read everything anew that can be; what is broken is logged, and stays as it was.

    Args:
        parts: of the running application.
        load: gives the settings as their sources are now; raises SettingsError.
    """
    if load is not None:
        try:
            _take(parts, load())
        except SettingsError as error:
            structlog.get_logger().error("settings not read", reason=str(error))
    reload_ring(parts.ring)
    try:
        parts.jumps.reload()
    except JumpsError as error:
        structlog.get_logger().error("gateways not read", reason=str(error))
    parts.extensions.expire()


def _take(parts: Parts, new: Settings) -> None:
    old = parts.settings
    changed = {name for name in type(new).model_fields if getattr(new, name) != getattr(old, name)}
    taken = old.model_copy(update={name: getattr(new, name) for name in changed & LIVE})
    parts.settings = taken
    parts.door.rules = door_rules(taken)
    parts.gateway.limits = gateway_limits(taken)
    parts.introductions.policy = waiting_policy(taken)
    _take_gate(parts, new)
    parts.bans.after, parts.bans.longest = taken.ban_after, taken.ban_longest
    parts.ring.fix(fixed_keys(taken))
    logging.getLogger().setLevel(taken.log_level.upper())
    log = structlog.get_logger()
    log.info("settings read", changed=_names(changed & LIVE))
    if changed - LIVE:
        log.warning("settings that wait for a restart", names=_names(changed - LIVE))


def _take_gate(parts: Parts, new: Settings) -> None:
    """The gate's rules, which a file may hold; where it listens and its tokens for the core wait for a restart."""
    fixed = {name: getattr(parts.gate_policy, name) for name in ("bind", "expire_delta", "expire_margin")}
    try:
        parts.gate_policy = replace(gate_policy(new), **fixed)
    except SettingsError as error:
        structlog.get_logger().error("the gate's rules not read", reason=str(error))


def _names(fields: set[str]) -> str:
    return ", ".join(sorted(name.replace("_", "-") for name in fields))


def reload_ring(ring: KeyRing) -> None:
    """Read the key ring anew; a broken file is logged and leaves it as it was."""
    try:
        ring.reload()
    except KeyRingError as error:
        structlog.get_logger().error("key ring not read", reason=str(error))
    else:
        structlog.get_logger().info("key ring read", keys=len(ring))
