"""The one exception that leaves the RFB core."""

from __future__ import annotations

from proxyd.wire.status import Hop, Status, StatusError

__all__ = ["ClosedError", "RfbError", "printable"]

_MAX_QUOTED = 200


class RfbError(StatusError):
    """The VNC server broke the protocol, a limit, or refused; the text is one sentence for a person."""

    def __init__(self, message: str, status: Status = Status.UPSTREAM_ERROR) -> None:
        super().__init__(status, message, Hop.DESKTOP)


class ClosedError(RfbError):
    """The server closed the connection."""


def printable(raw: bytes) -> str:
    """Text of a hostile peer, fit for an error or a log line: one line, escaped, at most 200 characters."""
    text = raw[: _MAX_QUOTED * 4].decode("utf-8", "replace").strip()
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:_MAX_QUOTED]
