"""Our own signed request: a JSON Web Token that covers every parameter (sheet A.7).

Header `alg` HS256 or EdDSA, `typ` guac-connect+jwt, `kid`. Claims `iss` (the key's name again), `aud` (our origin), `iat`,
`exp`, `jti` (single use), `sub` (who, for the log), `id` (of the connection), `cnx` (the connection's parameters).
The library checks the signature; the claims are checked here, against the caller's clock.

A platform's own requests to the interface are signed alike, with `typ` fanlight-call+jwt and, in the place of a connection, what
is asked for: `htm` and `htu` as in RFC 9449, and `body`, the SHA-256 of the body in base64url.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt as pyjwt

from broker.auth.base import CONNECTION_ID, Connection, Grant, MalformedError, Reason, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.auth.base import Claim, Key

__all__ = ["CALL_TYPE", "TYPE", "Call", "JwtRules", "JwtScheme", "SignedCall"]

TYPE = "guac-connect+jwt"
CALL_TYPE = "fanlight-call+jwt"
PARAMETER = "jwt"
OPERATOR = "operator"
MAX_TOKEN = 16384
MAX_PARAMETERS = 64
MAX_VALUE = 8192
"""Characters of one connection parameter; the wire has no room for more."""
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_NAME = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_SIGNATURES = pyjwt.PyJWS()


@dataclass(frozen=True)
class JwtRules:
    """What this deployment asks of a token.

    Attributes:
        audience: our public origin, `https://desk.example.net`; empty refuses every token.
        max_lifetime: seconds between `iat` and `exp`.
        skew: seconds that clocks may differ.
    """

    audience: str = ""
    max_lifetime: float = 120.0
    skew: float = 30.0


@dataclass(frozen=True)
class Call:
    """A platform's request to the interface, before anybody believed it.

    Attributes:
        method: of HTTP.
        target: path and query as they came.
        token: what signs it; empty where there is none.
        address: the sender's.
    """

    method: str
    target: str
    token: str = field(repr=False)
    address: str = ""


@dataclass(frozen=True)
class SignedCall:
    """What a token says of the request that it came with; its body is still to be compared.

    Attributes:
        key_id: the key that signed.
        nonce: names the request for the replay store.
        nonce_expires: Unix seconds after which it is refused for its age.
        digest: SHA-256 of the body, base64url.
    """

    key_id: str
    nonce: str
    nonce_expires: float
    digest: str

    def covers(self, body: bytes) -> bool:
        """Whether it is this body that was signed."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=")
        return hmac.compare_digest(self.digest.encode("utf-8", "surrogatepass"), digest)


class JwtScheme:
    """The scheme."""

    name = "jwt"

    def __init__(self, rules: JwtRules) -> None:
        self._rules = rules

    def recognises(self, claim: Claim) -> bool:
        """See `Scheme.recognises`."""
        return PARAMETER in claim.parameters

    def verify(self, claim: Claim, keys: Sequence[Key], now: float) -> Grant:
        """See `Scheme.verify`."""
        claim.once(PARAMETER)
        token = claim.first(PARAMETER)
        if len(token) > MAX_TOKEN:
            raise MalformedError("The token is too long.")
        key, claims = _verified(token, TYPE, keys)
        try:
            self._check(claims, key, now)
            return _grant(claims, key, self._rules.skew)
        except RefusedError as error:
            error.key_id, error.user = key.key_id, str(claims.get("sub", ""))[:64]
            raise

    def verify_call(self, call: Call, keys: Sequence[Key], now: float) -> SignedCall:
        """Check that a platform signed this method and address, lately.

        Raises:
            RefusedError: no.
        """
        if not call.token:
            raise RefusedError(Reason.NO_CREDENTIALS)
        key, claims = _verified(call.token, CALL_TYPE, keys)
        try:
            self._check(claims, key, now)
            if _text(claims, "htm") != call.method:
                raise RefusedError(Reason.OUTSIDE_PROFILE, "htm is another method")
            if _text(claims, "htu") != self._rules.audience + call.target:
                raise RefusedError(Reason.OUTSIDE_PROFILE, "htu is another address")
            nonce_expires = _number(claims, "exp") + self._rules.skew
            return SignedCall(key.key_id, f"call {_nonce(claims, key)}", nonce_expires, _text(claims, "body"))
        except RefusedError as error:
            error.key_id = key.key_id
            raise

    def _check(self, claims: Mapping[str, Any], key: Key, now: float) -> None:
        rules = self._rules
        if claims.get("iss", key.key_id) != key.key_id:
            raise RefusedError(Reason.OUTSIDE_PROFILE, "iss is not the key's name")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not rules.audience or rules.audience not in audiences:
            raise RefusedError(Reason.WRONG_AUDIENCE, "aud is not public-origin")
        issued, expires = _number(claims, "iat"), _number(claims, "exp")
        if issued > now + rules.skew:
            raise RefusedError(Reason.NOT_YET_VALID, f"{issued - now:.0f} s ahead")
        if expires <= now - rules.skew:
            raise RefusedError(Reason.EXPIRED, f"{now - expires:.0f} s ago")
        if expires - issued > rules.max_lifetime:
            raise RefusedError(Reason.OUTSIDE_PROFILE, f"valid for {expires - issued:.0f} s")


def _verified(token: str, kind: str, keys: Sequence[Key]) -> tuple[Key, dict[str, Any]]:
    """The key that signed, and the claims of a token of this `typ`."""
    try:
        header = _SIGNATURES.get_unverified_header(token)
    except pyjwt.InvalidTokenError:
        raise RefusedError(Reason.BAD_SIGNATURE, "not a token") from None
    if header.get("typ") != kind or "crit" in header:
        raise RefusedError(Reason.OUTSIDE_PROFILE, f"typ is not {kind}, or there is a crit")
    key = next((key for key in keys if key.key_id == str(header.get("kid"))), None)
    if key is None:
        raise RefusedError(Reason.UNKNOWN_KEY, str(header.get("kid"))[:64])
    algorithm, material = ("EdDSA", key.public_key) if key.public_key else ("HS256", key.secret)
    try:
        payload = _SIGNATURES.decode(token, material, [algorithm])
        claims = json.loads(payload)
    except (pyjwt.InvalidTokenError, pyjwt.InvalidKeyError, ValueError, RecursionError):
        raise RefusedError(Reason.BAD_SIGNATURE, key_id=key.key_id) from None
    if not isinstance(claims, dict):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "the claims are not an object", key.key_id)
    return key, claims


def _grant(claims: Mapping[str, Any], key: Key, skew: float) -> Grant:
    nonce = _nonce(claims, key)
    operator = claims.get("role") == OPERATOR
    parameters = _parameters(claims.get("cnx", {}))
    connections = (_connection(claims, parameters),) if parameters or not operator else ()
    subject = _text(claims, "sub")
    user = parameters.get("username") or subject
    if not user or not user.isprintable() or len(user) > 255:
        raise RefusedError(Reason.OUTSIDE_PROFILE, "there is neither cnx.username nor sub")
    return Grant(
        source="jwt",
        user=user,
        connections=connections,
        key_id=key.key_id,
        nonce=f"jwt {nonce}",
        nonce_expires=_number(claims, "exp") + skew,
        subject=subject if subject != user else "",
        operator=operator,
    )


def _nonce(claims: Mapping[str, Any], key: Key) -> str:
    nonce = _text(claims, "jti")
    if not _NONCE.fullmatch(nonce):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "jti is not 16 to 128 characters of base64url")
    return f"{key.key_id} {nonce}"


def _connection(claims: Mapping[str, Any], parameters: dict[str, str]) -> Connection:
    identifier = _text(claims, "id") or "DEFAULT"
    if not CONNECTION_ID.fullmatch(identifier):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "id has characters that ids do not have")
    protocol = parameters.pop("protocol", "")
    if not parameters.get("hostname"):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "there is no cnx.hostname")
    name = _text(claims, "name") or identifier
    return Connection(identifier, name[:255], protocol, parameters)


def _parameters(given: Any) -> dict[str, str]:
    """The connection's parameters, named as the daemon names them or with `guac.` before it."""
    if not isinstance(given, dict) or len(given) > MAX_PARAMETERS:
        raise RefusedError(Reason.OUTSIDE_PROFILE, "cnx is not an object of parameters")
    parameters: dict[str, str] = {}
    for full_name, value in given.items():
        name = full_name.removeprefix("guac.")
        if not _NAME.fullmatch(name) or name in parameters:
            raise RefusedError(Reason.OUTSIDE_PROFILE, "a parameter's name is odd or given twice")
        if not isinstance(value, str) or len(value) > MAX_VALUE:
            raise RefusedError(Reason.OUTSIDE_PROFILE, f"cnx.{name} is not a text that fits")
        parameters[name] = value
    return parameters


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise RefusedError(Reason.OUTSIDE_PROFILE, f"{name} is not a text")
    return value


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise RefusedError(Reason.OUTSIDE_PROFILE, f"{name} is not a time in seconds")
    return float(value)
