"""What a key's limits make of a grant; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.auth.base import Reason, RefusedError
from broker.keyring import source_allowed

if TYPE_CHECKING:
    from broker.auth.base import Connection, Grant
    from broker.keyring import Limits

__all__ = ["EVERYTHING", "HARMLESS", "PROTOCOLS", "enforce"]

PROTOCOLS = frozenset({"ssh", "vnc"})
"""What can be opened at all."""
EVERYTHING = "*"
"""In `parameters`: no parameter is refused."""

HARMLESS = frozenset(
    {
        "hostname", "port", "username", "password", "timeout", "host-key", "read-only",
        "color-scheme", "font-name", "font-size", "scrollback", "terminal-type", "backspace",
        "func-keys-and-keypad", "locale", "timezone", "server-alive-interval", "detach-timeout",
        "enable-sftp", "sftp-username", "sftp-password", "sftp-directory", "sftp-root-directory", "sftp-host-key",
        "sftp-disable-download", "sftp-disable-upload", "sftp-server-alive-interval", "sftp-timeout",
        "disable-copy", "disable-paste", "clipboard-buffer-size", "clipboard-encoding", "disable-display-resize",
        "color-depth", "cursor", "encodings", "swap-red-blue", "force-lossless", "quality-level", "compress-level",
        "autoretry", "disable-server-input",
    }
)  # fmt: skip
"""Parameters that every key may sign. What writes files, opens other addresses or runs commands a key must list."""


def enforce(grant: Grant, limits: Limits, address: str) -> Grant:
    """Hold a grant against its key's limits; returns it with forced parameters in place.

    Args:
        grant: what a scheme verified.
        limits: of the key that signed it.
        address: the sender's.

    Raises:
        RefusedError: it goes beyond them.
    """
    if limits.sources and not source_allowed(limits.sources, address):
        raise RefusedError(Reason.SOURCE_NOT_ALLOWED, "from another network than the key's")
    if grant.operator and not limits.operator:
        raise RefusedError(Reason.USER_NOT_ALLOWED, "the key cannot make operators")
    if limits.users is not None and not limits.users.fullmatch(grant.user):
        raise RefusedError(Reason.USER_NOT_ALLOWED, "the key is for other users")
    return replace(grant, connections=tuple(_limited(row, limits) for row in grant.connections))


def _limited(connection: Connection, limits: Limits) -> Connection:
    allowed = PROTOCOLS.intersection(limits.protocols) if limits.protocols else PROTOCOLS
    if connection.protocol not in allowed and not connection.follows:
        raise RefusedError(Reason.PARAMETER_NOT_ALLOWED, "the key is for other protocols")
    if EVERYTHING not in limits.parameters:
        beyond = connection.parameters.keys() - HARMLESS - set(limits.parameters)
        if beyond:
            raise RefusedError(Reason.PARAMETER_NOT_ALLOWED, ", ".join(sorted(beyond))[:200])
    parameters = {**connection.parameters, **limits.forced}
    network = parameters.get("network", "")
    if network and limits.networks and network not in limits.networks:
        raise RefusedError(Reason.TARGET_NOT_ALLOWED, "the key is for other private networks")
    return replace(connection, parameters=parameters)
