"""From the server's version to its ServerInit (sheet section H.1; RFC 6143 sections 7.1 to 7.3)."""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from proxyd.rfb import security
from proxyd.rfb.errors import ClosedError, RfbError, printable
from proxyd.rfb.events import CredentialsMissed, KeyMissed
from proxyd.rfb.security import tight
from proxyd.rfb.updates import read_name
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.events import Event
    from proxyd.rfb.link import Channel, Link
    from proxyd.rfb.options import Options
    from proxyd.rfb.security.base import Credentials

__all__ = ["Handshake", "ServerInit"]

REPEATER = (0, 0)
REPEATER_ID_SIZE = 250
MAX_REASON = 4096
SHARED = b"\x01"

_VERSION = re.compile(rb"RFB (\d{3})\.(\d{3})\n")
_NUMBER = Struct(">I")
_SERVER_INIT = Struct(">HH16x")


class ServerInit(NamedTuple):
    """The end of the handshake."""

    width: int
    height: int
    name: str


class Handshake:
    """Runs as a reading; it is also the `Dialogue` of the security types."""

    def __init__(
        self, link: Link, options: Options, known: Credentials, report: Callable[[Event], None]
    ) -> None:
        self.link = link
        self.host = options.host
        self.trust = options.trust
        self.known = known
        self.security = ""
        self.fingerprint = ""
        self._repeater_id = options.repeater_id
        self._report = report
        self._key: RSAPrivateKey | None = None
        self._minor = 8
        self._asked = False

    @property
    def buffer(self) -> Buffer:
        """See `Dialogue`."""
        return self.link.buffer

    def run(self) -> Reading[ServerInit]:
        """Agree on version and security, and start the session.

        Raises:
            RfbError: the server refuses, or cannot be understood.
        """
        yield from self._version()
        number = yield from (self._told_security() if self._minor == 3 else self._chosen_security())
        kind = security.TYPES[number]
        self.security = kind.name
        confirmed = yield from kind.authenticate(self)
        if confirmed or self._minor == 8:
            yield from self._result()
        self.send(SHARED)
        width, height = yield from self.buffer.unpack(_SERVER_INIT)
        name = yield from read_name(self.buffer)
        if number == security.TIGHT:
            yield from tight.skip_capabilities(self)
        return ServerInit(width, height, name)

    # -- Dialogue --------------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """See `Dialogue`."""
        self.link.send(data)

    def protect(self, channel: Channel) -> None:
        """See `Dialogue`."""
        self.link.protect(channel)

    def credentials(self, *names: str) -> Reading[tuple[bytes, ...]]:
        """See `Dialogue`."""
        self._asked = True
        missing = self.known.missing(names)
        if missing:
            self._report(CredentialsMissed(missing))
        while self.known.missing(names):
            yield
        return tuple((getattr(self.known, name) or "").encode("utf-8", "replace") for name in names)

    def client_key(self) -> Reading[RSAPrivateKey]:
        """See `Dialogue`."""
        self._report(KeyMissed())
        while self._key is None:
            yield
        return self._key

    def give_key(self, key: RSAPrivateKey) -> None:
        """The answer to `KeyMissed`."""
        self._key = key

    # -- steps -----------------------------------------------------------------------------------------------------

    def _version(self) -> Reading[None]:
        major, minor = yield from self._read_version()
        if (major, minor) == REPEATER:
            self.send(self._repeater_id.encode()[: REPEATER_ID_SIZE - 1].ljust(REPEATER_ID_SIZE, b"\0"))
            major, minor = yield from self._read_version()
        if major < 3 or (major == 3 and minor < 3):
            raise RfbError(f"The desktop speaks RFB {major}.{minor}, which Fanlight does not know.")
        self._minor = 8 if major > 3 or minor > 7 else 7 if minor == 7 else 3
        self.send(b"RFB 003.%03d\n" % self._minor)

    def _read_version(self) -> Reading[tuple[int, int]]:
        said = yield from self.buffer.exactly(12)
        match = _VERSION.fullmatch(said)
        if match is None:
            raise RfbError(f"What listens there is no VNC server: it says “{printable(said)}”.")
        return int(match[1]), int(match[2])

    def _told_security(self) -> Reading[int]:
        """Version 3.3: the server decides."""
        (number,) = yield from self.buffer.unpack(_NUMBER)
        if number == 0:
            raise (yield from self._refusal())
        return security.choose([number], self.known, self.trust)

    def _chosen_security(self) -> Reading[int]:
        (count,) = yield from self.buffer.exactly(1)
        if count == 0:
            raise (yield from self._refusal())
        offered = yield from self.buffer.exactly(count)
        number = security.choose(list(offered), self.known, self.trust)
        self.send(bytes([number]))
        return number

    def _refusal(self) -> Reading[RfbError]:
        reason = yield from self._reason()
        return RfbError(_sentence("The desktop refused the connection", reason), Status.UPSTREAM_UNAVAILABLE)

    def _result(self) -> Reading[None]:
        (result,) = yield from self.buffer.unpack(_NUMBER)
        if result == 0:
            return
        reason = (yield from self._reason()) if self._minor == 8 else ""
        if self._asked:
            raise RfbError(
                _sentence("The desktop did not accept the password", reason), Status.CLIENT_UNAUTHORIZED
            )
        raise RfbError(_sentence("The desktop refused the connection", reason), Status.UPSTREAM_UNAVAILABLE)

    def _reason(self) -> Reading[str]:
        try:
            (length,) = yield from self.buffer.unpack(_NUMBER)
            return printable((yield from self.buffer.exactly(min(length, MAX_REASON))))
        except ClosedError:
            return ""


def _sentence(what: str, reason: str) -> str:
    return f"{what}: {reason.rstrip('.')}." if reason else f"{what}."
