"""GateOne's API authentication: who somebody is, signed; where they go is not (sheet C.1). Off unless a key lists it.

The auth object comes as JSON in `auth`, the instance as an address in `ssh` (`ssh://user@host:22`). Because nobody signs
the address, a key of this scheme must name its targets. Other attributes of the object are not looked at.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from broker.auth.base import Connection, Grant, MalformedError, Reason, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.auth.base import Claim, Key

__all__ = ["GateOneScheme"]

PARAMETER, ADDRESS = "auth", "ssh"
MAX_OBJECT = 8192
WINDOW = 30.0
"""Seconds that an auth object is good for; GateOne's `api_timestamp_window`."""
METHODS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256", "HMAC-SHA384": "sha384", "HMAC-SHA512": "sha512"}
VERSION = "1.0"
SSH_PORT = 22
_TIMESTAMP = re.compile(r"[0-9]{13}", re.ASCII)
_UPN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}", re.ASCII)


class GateOneScheme:
    """The scheme."""

    name = "gateone"

    def __init__(self, skew: float) -> None:
        self._skew = skew

    def recognises(self, claim: Claim) -> bool:
        """See `Scheme.recognises`."""
        return PARAMETER in claim.parameters

    def verify(self, claim: Claim, keys: Sequence[Key], now: float) -> Grant:
        """See `Scheme.verify`."""
        claim.once(PARAMETER, ADDRESS)
        auth = _object(claim.first(PARAMETER))
        key = _signer(auth, {key.key_id: key for key in keys})
        try:
            age = now - int(auth["timestamp"]) / 1000
            if age >= WINDOW:
                raise RefusedError(Reason.EXPIRED, f"{age:.0f} s old")
            if -age > self._skew:
                raise RefusedError(Reason.NOT_YET_VALID, f"{-age:.0f} s ahead")
            return _grant(claim, auth, key)
        except RefusedError as error:
            error.key_id, error.user = key.key_id, auth["upn"][:64]
            raise


def _object(text: str) -> dict[str, Any]:
    if len(text) > MAX_OBJECT:
        raise MalformedError("The auth object is too long.")
    try:
        auth = json.loads(text)
    except (ValueError, RecursionError):
        auth = None
    if not isinstance(auth, dict):
        raise MalformedError("auth is not a JSON object.")
    # the timestamp comes as a number or as its text
    return {name: str(value) if name == "timestamp" else value for name, value in auth.items()}


def _signer(auth: Mapping[str, Any], keys: Mapping[str, Key]) -> Key:
    names = ("api_key", "upn", "timestamp", "signature", "signature_method", "api_version")
    values = [auth.get(name) for name in names]
    if not all(isinstance(value, str) for value in values):
        raise RefusedError(Reason.BAD_SIGNATURE, "an attribute is missing")
    api_key, upn, timestamp, signature, method, version = (str(value) for value in values)
    digest = METHODS.get(method)
    if digest is None or version != VERSION or not _TIMESTAMP.fullmatch(timestamp):
        raise RefusedError(Reason.BAD_SIGNATURE, "method, version or timestamp is not a known one")
    key = keys.get(api_key)
    if key is None:
        raise RefusedError(Reason.UNKNOWN_KEY, api_key[:64])
    expected = hmac.digest(key.secret, (api_key + upn + timestamp).encode(), digest).hex()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
        raise RefusedError(Reason.BAD_SIGNATURE, key_id=key.key_id)
    return key


def _grant(claim: Claim, auth: Mapping[str, Any], key: Key) -> Grant:
    upn = auth["upn"]
    if not _UPN.fullmatch(upn):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "upn has characters that user names do not have")
    parameters = _address(claim.first(ADDRESS), upn.partition("@")[0])
    timestamp = auth["timestamp"]
    return Grant(
        source="gateone",
        user=upn,
        connections=(Connection("DEFAULT", parameters["hostname"], "ssh", parameters),),
        key_id=key.key_id,
        nonce=f"gateone {key.key_id} {upn} {timestamp}",
        nonce_expires=int(timestamp) / 1000 + WINDOW,
    )


def _address(text: str, user: str) -> dict[str, str]:
    """`ssh://user@host:22`; without a user the person's own name."""
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or SSH_PORT
    except ValueError:
        host, port = None, 0
    if not host or url.scheme != "ssh" or url.password is not None:
        raise RefusedError(Reason.OUTSIDE_PROFILE, "ssh is not an address like ssh://user@host:22")
    name = unquote(url.username or user)
    if not _USER.fullmatch(name):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "the address has an odd user name")
    return {"hostname": host, "port": str(port), "username": name}
