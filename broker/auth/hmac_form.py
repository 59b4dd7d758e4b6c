"""Signed forms: CyVerse's v1 (HMAC-SHA256 over bare values) and the original's v0 (HMAC-SHA1 over names and values).

Neither message has separators, and most parameters are not signed (sheet A.2, A.6). Two things make that bearable: a
*profile* under which a message has one meaning only, and a short list of harmless parameters that are taken although
nobody signed them. v0 is served only where a key lists it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.auth.base import CONNECTION_ID, Connection, Grant, Reason, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from broker.auth.base import Claim, Key

__all__ = ["V0", "V1", "HmacForm", "Rules", "Variant"]

SIGNED = ("timestamp", "guac.protocol", "guac.hostname", "guac.port", "guac.username", "guac.password")
"""Signed parameters, in the order of v1's message."""
MAX_KEYS = 4
"""Keys that one request is tried with: v1 does not name its key."""
COLOUR_SCHEMES = frozenset({"default", "gray-black", "white-black", "green-black", "black-white"})
FOREVER = 10 * 366 * 86400.0
"""Seconds that the nonce of a link without an age limit is remembered."""

_TIMESTAMP = re.compile(r"[0-9]{13}", re.ASCII)


@dataclass(frozen=True)
class Rules:
    """The deployment's v1 profile.

    Attributes:
        age_limit: seconds that a link is good for; 0 for ever.
        skew: seconds that a timestamp may lie in the future.
        ports: the one port of each protocol.
        vnc_password: the one password that VNC links carry.
        username: pattern of user names, matched in full.
        strict: let names begin with a digit, and refuse messages with two meanings.
        default_protocol: protocol of a link that names none.
    """

    age_limit: float = 600.0
    skew: float = 30.0
    ports: Mapping[str, int] = field(default_factory=lambda: {"ssh": 22, "vnc": 5905})
    vnc_password: str = field(default="display", repr=False)
    username: re.Pattern[str] = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
    strict: bool = False
    default_protocol: str = ""


def _bare(values: Mapping[str, str]) -> str:
    """v1: values one after another."""
    return "".join(values[name] for name in SIGNED)


def _named(values: Mapping[str, str]) -> str:
    """v0: after the first two, what is there with its name before it, in that scheme's own order."""
    names = ("guac.username", "guac.password", "guac.hostname", "guac.port")
    pairs = [name.removeprefix("guac.") + values[name] for name in names if values[name]]
    return values["timestamp"] + values["guac.protocol"] + "".join(pairs)


@dataclass(frozen=True)
class Variant:
    """One of the two.

    Attributes:
        name: as key ring entries list it.
        digest: of the HMAC.
        signature: how its base64 looks; no two spellings of one signature.
        message: the signed text of the values.
        port_optional: a form without a port has the one of its protocol.
    """

    name: str
    digest: str
    signature: re.Pattern[str]
    message: Callable[[Mapping[str, str]], str]
    port_optional: bool = False


V1 = Variant("v1", "sha256", re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII), _bare)
V0 = Variant(
    "v0", "sha1", re.compile(r"[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=", re.ASCII), _named, port_optional=True
)


class HmacForm:
    """The scheme, in one of its variants."""

    def __init__(self, variant: Variant, rules: Rules) -> None:
        self.name = variant.name
        self._variant = variant
        self._rules = rules

    def recognises(self, claim: Claim) -> bool:
        """See `Scheme.recognises`; the length of a signature tells the variants apart."""
        return "signature" in claim.parameters and (
            self._variant is V1 or self._variant.signature.fullmatch(_mended(claim)) is not None
        )

    def verify(self, claim: Claim, keys: Sequence[Key], now: float) -> Grant:
        """See `Scheme.verify`. The signature comes first: later reasons are then about what the platform signed."""
        claim.once(*SIGNED, "signature", "id")
        signature = self._signature(claim)
        values = {name: claim.first(name) for name in SIGNED}
        values["guac.protocol"] = values["guac.protocol"] or self._rules.default_protocol
        key = self._signer(self._variant.message(values).encode(), signature, keys)
        if self._variant.port_optional and not values["guac.port"]:
            values["guac.port"] = str(self._rules.ports.get(values["guac.protocol"], ""))
        try:
            self._check_age(values["timestamp"], now)
            self._check_profile(values)
            return self._grant(claim, values, key, signature, now)
        except RefusedError as error:
            error.key_id, error.user = key.key_id, values["guac.username"][:64]
            raise

    def _signature(self, claim: Claim) -> bytes:
        text = _mended(claim)
        if not self._variant.signature.fullmatch(text):
            raise RefusedError(Reason.BAD_SIGNATURE, "not the base64 of a signature")
        return base64.b64decode(text)

    def _signer(self, message: bytes, signature: bytes, keys: Sequence[Key]) -> Key:
        """The key that signed; every one is tried, so that time does not tell which."""
        if not keys:
            raise RefusedError(Reason.UNKNOWN_KEY, f"no key is set up for {self.name}")
        found: Key | None = None
        for key in keys[:MAX_KEYS]:
            expected = hmac.digest(key.secret, message, self._variant.digest)
            if hmac.compare_digest(expected, signature) and found is None:
                found = key
        if found is None:
            raise RefusedError(Reason.BAD_SIGNATURE)
        return found

    # -- rules -----------------------------------------------------------------------------------------------------

    def _check_age(self, timestamp: str, now: float) -> None:
        if not _TIMESTAMP.fullmatch(timestamp):
            raise RefusedError(Reason.OUTSIDE_PROFILE, "the timestamp is not 13 digits")
        age = now - int(timestamp) / 1000
        if self._rules.age_limit and age >= self._rules.age_limit:
            raise RefusedError(Reason.EXPIRED, f"{age:.0f} s old")
        if -age > self._rules.skew:
            raise RefusedError(Reason.NOT_YET_VALID, f"{-age:.0f} s ahead")

    def _check_profile(self, values: Mapping[str, str]) -> None:
        protocol, host, port, user, password = (values[name] for name in SIGNED[1:])
        if protocol not in self._rules.ports:
            raise RefusedError(Reason.OUTSIDE_PROFILE, "the protocol is not one of v1-ports")
        if not _is_dotted_quad(host):
            raise RefusedError(Reason.OUTSIDE_PROFILE, "the hostname is not a plain IPv4 address")
        if port != str(self._rules.ports[protocol]):
            raise RefusedError(Reason.OUTSIDE_PROFILE, "the port is not the one of its protocol")
        if not self._is_user(user):
            raise RefusedError(Reason.OUTSIDE_PROFILE, "the user name is not one that v1 may carry")
        if not hmac.compare_digest(password.encode(), self._password(protocol).encode()):
            raise RefusedError(Reason.OUTSIDE_PROFILE, "the password is not the one of its protocol")
        if self._rules.strict and len(list(self._readings(protocol, host + port + user))) > 1:
            raise RefusedError(Reason.AMBIGUOUS, "host, port and user name can be read in two ways")

    def _is_user(self, user: str) -> bool:
        begins_well = user[:1].isalpha() or user[:1] == "_" or self._rules.strict
        return begins_well and self._rules.username.fullmatch(user) is not None

    def _password(self, protocol: str) -> str:
        return self._rules.vnc_password if protocol == "vnc" else ""

    def _readings(self, protocol: str, text: str) -> Iterator[tuple[str, str]]:
        """Every (host, user) whose host, port and user name spell this text."""
        port = str(self._rules.ports[protocol])
        for end in range(7, 16):
            host, rest = text[:end], text[end:]
            if _is_dotted_quad(host) and rest.startswith(port) and self._is_user(rest[len(port) :]):
                yield host, rest[len(port) :]

    # -- the grant -------------------------------------------------------------------------------------------------

    def _grant(
        self, claim: Claim, values: Mapping[str, str], key: Key, signature: bytes, now: float
    ) -> Grant:
        identifier = claim.first("id").removeprefix("c/") or "DEFAULT"
        if not CONNECTION_ID.fullmatch(identifier):
            raise RefusedError(
                Reason.OUTSIDE_PROFILE, "the connection id has characters that ids do not have"
            )
        parameters, dropped = _harmless(claim, values["guac.username"])
        signed = {name.removeprefix("guac."): value for name, value in values.items() if value}
        protocol = signed.pop("protocol")
        del signed["timestamp"]
        limit = self._rules.age_limit or FOREVER
        return Grant(
            source="hmac",
            user=values["guac.username"],
            connections=(Connection(identifier, identifier, protocol, {**parameters, **signed}),),
            key_id=key.key_id,
            nonce=hashlib.sha256(key.key_id.encode() + b"\0" + signature).hexdigest(),
            nonce_expires=int(values["timestamp"]) / 1000 + limit if self._rules.age_limit else now + limit,
            dropped=dropped,
        )


def _mended(claim: Claim) -> str:
    """The signature; form decoding turned its `+` into blanks."""
    return claim.first("signature").replace(" ", "+")


def _is_dotted_quad(text: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        return False


def _harmless(claim: Claim, user: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Unsigned parameters that are taken (sheet A.6, W3), and the names of those that are not."""
    permitted = {
        "sftp-username": frozenset({user}),
        "sftp-directory": frozenset({f"/home/{user}"}),
        "enable-sftp": frozenset({"true", "false"}),
        "color-scheme": COLOUR_SCHEMES,
    }
    taken: dict[str, str] = {}
    dropped: list[str] = []
    for name in claim.parameters:
        if not name.startswith("guac.") or name in SIGNED:
            continue
        value = claim.first(name)
        short = name.removeprefix("guac.")
        if value and value in permitted.get(short, ()) and len(claim.parameters[name]) == 1:
            taken[short] = value
        elif value:
            dropped.append(short[:64])
    return taken, tuple(dropped)
