"""Security type 19, VeNCrypt 0.2: TLS around an ordinary type (sheet section H.3)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from proxyd.rfb.errors import RfbError
from proxyd.rfb.security import none, tls, vncauth
from proxyd.rfb.security.base import no_common_type

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Authenticate, Dialogue

__all__ = ["authenticate"]

VERSION = b"\x00\x02"
ACCEPTED = b"\x00"
GO = b"\x01"

_CHOICE = Struct(">I")
_PLAIN = Struct(">II")


def _plain(dialogue: Dialogue) -> Reading[bool]:
    username, password = yield from dialogue.credentials("username", "password")
    dialogue.send(_PLAIN.pack(len(username), len(password)) + username + password)
    return True


class _Subtype(NamedTuple):
    name: str
    tls: str
    """`x509`, `anonymous` or nothing."""
    needs: tuple[str, ...]
    inner: Authenticate


SUBTYPES: dict[int, _Subtype] = {
    262: _Subtype("X509Plain", "x509", ("username", "password"), _plain),
    261: _Subtype("X509Vnc", "x509", ("password",), vncauth.authenticate),
    260: _Subtype("X509None", "x509", (), none.authenticate),
    259: _Subtype("TLSPlain", "anonymous", ("username", "password"), _plain),
    258: _Subtype("TLSVnc", "anonymous", ("password",), vncauth.authenticate),
    257: _Subtype("TLSNone", "anonymous", (), none.authenticate),
    2: _Subtype("VncAuth", "", ("password",), vncauth.authenticate),
    1: _Subtype("None", "", (), none.authenticate),
    256: _Subtype("Plain", "", ("username", "password"), _plain),
}
"""Best first; 256 only where weak types are allowed."""
_PROTECTION = {"x509": 0, "anonymous": 1, "": 2}


def authenticate(dialogue: Dialogue) -> Reading[bool]:
    """Agree on a subtype, start TLS, authenticate inside.

    Raises:
        RfbError: another version, no common subtype, or TLS failed.
    """
    version = yield from dialogue.buffer.exactly(2)
    if version < VERSION:
        raise RfbError(f"The desktop speaks VeNCrypt {version[0]}.{version[1]}, which is too old.")
    dialogue.send(VERSION)
    if (yield from dialogue.buffer.exactly(1)) != ACCEPTED:
        raise RfbError("The desktop does not speak VeNCrypt 0.2.")
    (count,) = yield from dialogue.buffer.exactly(1)
    data = yield from dialogue.buffer.exactly(count * _CHOICE.size)
    number = _choice(dialogue, [offered for (offered,) in _CHOICE.iter_unpack(data)])
    subtype = SUBTYPES[number]
    dialogue.security += f"/{subtype.name}"
    dialogue.send(_CHOICE.pack(number))
    if subtype.tls:
        if (yield from dialogue.buffer.exactly(1)) != GO:
            raise RfbError("The desktop refused to start TLS.")
        yield from tls.start(dialogue, anonymous=subtype.tls == "anonymous")
    yield from subtype.inner(dialogue)
    return True


def _choice(dialogue: Dialogue, offered: list[int]) -> int:
    """The best protected, then the one that needs no question, then the strongest."""
    order = list(SUBTYPES)
    usable = [number for number in offered if number in SUBTYPES and (number != 256 or dialogue.trust.weak)]
    if dialogue.trust.authorities or dialogue.trust.fingerprint:
        usable = [number for number in usable if SUBTYPES[number].tls == "x509"]
    if not usable:
        raise no_common_type([f"VeNCrypt type {number}" for number in offered])

    def rank(number: int) -> tuple[int, int, int]:
        subtype = SUBTYPES[number]
        missing = dialogue.known.missing(subtype.needs)
        return _PROTECTION[subtype.tls], len(missing), order.index(number)

    return min(usable, key=rank)
