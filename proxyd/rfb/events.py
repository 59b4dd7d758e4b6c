"""What the RFB core reports, in the past tense."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proxyd.display.ops import Op

__all__ = [
    "ClipboardArrived",
    "CredentialsMissed",
    "Event",
    "KeyMissed",
    "NameChanged",
    "PictureDrawn",
    "ResizeAnswered",
    "SessionOpened",
]


class CredentialsMissed(NamedTuple):
    """The server asks for credentials that were not given: answer with `RfbClient.give_credentials`."""

    names: tuple[str, ...]


class KeyMissed(NamedTuple):
    """The server's security type needs an RSA key of ours: answer with `RfbClient.give_key`."""


class SessionOpened(NamedTuple):
    """The server let us in.

    Attributes:
        security: name of the security type, for the log.
        fingerprint: SHA-256 of the server's certificate or key, hexadecimal; empty where it has none.
    """

    width: int
    height: int
    security: str
    fingerprint: str


class PictureDrawn(NamedTuple):
    """A part of the requested frame; `last` completes it."""

    ops: list[Op]
    last: bool


class NameChanged(NamedTuple):
    """The desktop has a name, or another one."""

    name: str


class ClipboardArrived(NamedTuple):
    """Text was copied on the server.

    Attributes:
        truncated: it was longer than the limit.
    """

    text: str
    truncated: bool


class ResizeAnswered(NamedTuple):
    """The server said what became of a SetDesktopSize.

    Attributes:
        status: 0 done, 1 prohibited, 2 out of resources, 3 invalid layout, 4 forwarded.
    """

    status: int


Event = (
    CredentialsMissed
    | KeyMissed
    | SessionOpened
    | PictureDrawn
    | NameChanged
    | ClipboardArrived
    | ResizeAnswered
)
