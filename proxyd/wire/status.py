"""Status codes of the Guacamole protocol: name, wire code, HTTP status, WebSocket close code (section 4 of the sheet)."""

from __future__ import annotations

from enum import Enum

__all__ = ["EVIDENCE", "Hop", "Status", "StatusError"]

EVIDENCE = 0x4004
"""Code of `msg`, ours: the host key that a machine showed follows, before the error that says it is another one."""


class Status(Enum):
    """One row a status: wire code, HTTP status, WebSocket close code."""

    SUCCESS = (0x0000, 200, 1000)
    UNSUPPORTED = (0x0100, 501, 1011)
    SERVER_ERROR = (0x0200, 500, 1011)
    SERVER_BUSY = (0x0201, 503, 1008)
    UPSTREAM_TIMEOUT = (0x0202, 504, 1011)
    UPSTREAM_ERROR = (0x0203, 502, 1011)
    RESOURCE_NOT_FOUND = (0x0204, 404, 1002)
    RESOURCE_CONFLICT = (0x0205, 409, 1008)
    RESOURCE_CLOSED = (0x0206, 404, 1002)
    UPSTREAM_NOT_FOUND = (0x0207, 502, 1011)
    UPSTREAM_UNAVAILABLE = (0x0208, 502, 1011)
    SESSION_CONFLICT = (0x0209, 409, 1008)
    SESSION_TIMEOUT = (0x020A, 408, 1002)
    SESSION_CLOSED = (0x020B, 404, 1002)
    CLIENT_BAD_REQUEST = (0x0300, 400, 1002)
    CLIENT_UNAUTHORIZED = (0x0301, 403, 1008)
    CLIENT_FORBIDDEN = (0x0303, 403, 1008)
    CLIENT_TIMEOUT = (0x0308, 408, 1002)
    CLIENT_OVERRUN = (0x030D, 413, 1009)
    CLIENT_BAD_TYPE = (0x030F, 415, 1003)
    CLIENT_TOO_MANY = (0x031D, 429, 1008)

    def __init__(self, code: int, http: int, websocket: int) -> None:
        self.code = code
        self.http = http
        self.websocket = websocket

    @classmethod
    def from_code(cls, code: int) -> Status:
        """The row of a wire code; an unknown one counts as SERVER_ERROR, as peers do."""
        return _BY_CODE.get(code, cls.SERVER_ERROR)


_BY_CODE = {status.code: status for status in Status}


class Hop(Enum):
    """Where a session can fail, in the words of the error card."""

    LINK = "link"
    FANLIGHT = "fanlight"
    GATEWAY = "gateway"
    INSTANCE = "instance"
    HOST_KEY = "host-key"
    SIGN_IN = "sign-in"
    DESKTOP = "desktop"
    SESSION = "session"


class StatusError(Exception):
    """A failure that has a row in the table. The text may be shown to a person: no secret, no stack.

    Attributes:
        status: the row.
        message: one sentence for a person.
        hop: the part that failed.
        reference: under which it was logged; empty where it was not.
        evidence: the public line of a host key that was shown and is not the known one; for the broker, not for people.
    """

    def __init__(self, status: Status, message: str, hop: Hop = Hop.FANLIGHT) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hop = hop
        self.reference = ""
        self.evidence = ""

    def wire_text(self, reference: str) -> str:
        """The text of the `error` instruction: `desktop: Nothing listens on port 5905. (ref 7K2A)`."""
        return f"{self.hop.value}: {self.message}" + (f" (ref {reference})" if reference else "")
