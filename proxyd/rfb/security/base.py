"""What a security type may use, whichever it is."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from proxyd.rfb.errors import RfbError
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.link import Channel, Link
    from proxyd.rfb.options import Trust

__all__ = ["Authenticate", "Credentials", "Dialogue", "check_fingerprint", "no_common_type"]


@dataclass(frozen=True)
class Credentials:
    """Who wants in. None is not known, empty is known to be empty."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which of `names` are not known."""
        return tuple(name for name in names if getattr(self, name) is None)

    def completed(self, answers: Mapping[str, str]) -> Credentials:
        """These, with what a person answered."""
        return replace(self, **answers)


class Dialogue(Protocol):
    """The handshake as a security type sees it."""

    link: Link
    host: str
    trust: Trust
    known: Credentials
    """What can be used without asking."""
    security: str
    """Name of the type in use, for the log."""
    fingerprint: str
    """Of the server's certificate or key."""

    @property
    def buffer(self) -> Buffer:
        """Bytes from the server."""

    def send(self, data: bytes) -> None:
        """Queue bytes for the server."""

    def credentials(self, *names: str) -> Reading[tuple[bytes, ...]]:
        """Values of `username` and `password`, UTF-8; asks for those that are not known."""

    def client_key(self) -> Reading[RSAPrivateKey]:
        """A fresh RSA key of 2048 bits."""

    def protect(self, channel: Channel) -> None:
        """Encrypt everything from here on."""


Authenticate: TypeAlias = "Callable[[Dialogue], Reading[bool]]"
"""One security type. Returns whether the server confirms it in every version (None does so only since 3.8)."""


def check_fingerprint(dialogue: Dialogue, data: bytes) -> None:
    """Note the SHA-256 of a server's certificate or key, and compare it with the pinned one.

    Raises:
        RfbError: another one is pinned.
    """
    dialogue.fingerprint = hashlib.sha256(data).hexdigest()
    pinned = dialogue.trust.fingerprint.replace(":", "").lower()
    if pinned and not hmac.compare_digest(pinned, dialogue.fingerprint):
        raise RfbError(
            f"The desktop identified itself with a key that is not the pinned one ({dialogue.fingerprint}).",
            Status.CLIENT_FORBIDDEN,
        )


def no_common_type(offered: list[str]) -> RfbError:
    """The failure of a negotiation."""
    return RfbError(
        f"The desktop is protected in a way that Fanlight does not know: {', '.join(offered[:16]) or 'nothing'}."
    )
