"""Security types: one file each, and the table that puts them in order (sheet section H.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.rfb.security import apple, none, rsa_aes, tight, vencrypt, vncauth
from proxyd.rfb.security.base import Credentials, no_common_type

if TYPE_CHECKING:
    from proxyd.rfb.options import Trust
    from proxyd.rfb.security.base import Authenticate

__all__ = ["TIGHT", "TYPES", "SecurityType", "choose"]

TIGHT = 16


class SecurityType(NamedTuple):
    """One row.

    Attributes:
        needs: credentials that it is sure to use.
        protected: the whole session is encrypted.
        verifies: the server proves who it is.
    """

    name: str
    authenticate: Authenticate
    needs: tuple[str, ...] = ()
    protected: bool = False
    verifies: bool = False


TYPES: dict[int, SecurityType] = {
    19: SecurityType("VeNCrypt", vencrypt.authenticate, (), protected=True, verifies=True),
    129: SecurityType("RA2-256", rsa_aes.RA2_256, ("password",), protected=True, verifies=True),
    5: SecurityType("RA2", rsa_aes.RA2, ("password",), protected=True, verifies=True),
    130: SecurityType("RA2ne-256", rsa_aes.RA2NE_256, ("password",), verifies=True),
    6: SecurityType("RA2ne", rsa_aes.RA2NE, ("password",), verifies=True),
    30: SecurityType("Apple DH", apple.diffie_hellman, ("username", "password")),
    33: SecurityType("Apple RSA", apple.rsa, ("username", "password")),
    TIGHT: SecurityType("Tight", tight.authenticate),
    2: SecurityType("VncAuth", vncauth.authenticate, ("password",)),
    1: SecurityType("None", none.authenticate),
}
"""Best first. VeNCrypt may turn out to hold anonymous TLS only; its list is not known before it is chosen."""


def choose(offered: list[int], known: Credentials, trust: Trust) -> int:
    """The best protected type, then the one that needs no question, then the strongest.

    Raises:
        RfbError: there is none that we may use.
    """
    order = list(TYPES)
    usable = [number for number in offered if number in TYPES]
    if trust.fingerprint or trust.authorities:
        usable = [number for number in usable if TYPES[number].verifies]
        if not trust.fingerprint:  # an authority vouches for certificates only
            usable = [number for number in usable if number == 19]
    if not usable:
        raise no_common_type([_name(number) for number in offered])

    def rank(number: int) -> tuple[bool, int, int]:
        kind = TYPES[number]
        return not kind.protected, len(known.missing(kind.needs)), order.index(number)

    return min(usable, key=rank)


def _name(number: int) -> str:
    return TYPES[number].name if number in TYPES else f"type {number}"
