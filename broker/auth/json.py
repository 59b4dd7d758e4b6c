"""guacamole-auth-json: a whole user, signed with HMAC-SHA256 and encrypted with AES-128-CBC, in the parameter `data`.

The plain text is `{"username": ..., "expires": ms, "connections": {name: {"protocol": ..., "parameters": {...}}}}`.
A connection with an `id` may be joined, while it is open, by one with that `join` instead of a protocol.
Unlike the original, data without `expires` is refused, and data is redeemed once unless its key says otherwise.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from broker.auth.base import Connection, Grant, MalformedError, Reason, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.auth.base import Claim, Key

__all__ = ["JsonScheme"]

PARAMETER = "data"
MAX_DATA = 65536
MAX_KEYS = 4
MAX_CONNECTIONS = 50
MAX_NAME = 255
MAX_VALUE = 8192
SIGNATURE = 32
"""Bytes."""
BLOCK = 16
"""Bytes of an AES block."""
_NULL_IV = bytes(BLOCK)


class JsonScheme:
    """The scheme."""

    name = "json"

    def recognises(self, claim: Claim) -> bool:
        """See `Scheme.recognises`."""
        return PARAMETER in claim.parameters

    def verify(self, claim: Claim, keys: Sequence[Key], now: float) -> Grant:
        """See `Scheme.verify`."""
        claim.once(PARAMETER)
        text = claim.first(PARAMETER)
        if len(text) > MAX_DATA:
            raise MalformedError("The data is too long.")
        key, signature, user = _opened(text, keys)
        try:
            return _grant(user, key, signature, now)
        except RefusedError as error:
            error.key_id, error.user = key.key_id, str(user.get("username", ""))[:64]
            raise


def _opened(text: str, keys: Sequence[Key]) -> tuple[Key, bytes, dict[str, Any]]:
    """The key that signed, the signature, and the user."""
    if not keys:
        raise RefusedError(Reason.UNKNOWN_KEY, "no key is set up for json")
    try:
        # a form that was not escaped has blanks for `+`; older tools break the lines
        sealed = base64.b64decode("".join(text.replace(" ", "+").split()), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(Reason.BAD_SIGNATURE, "not base64") from None
    for key in keys[:MAX_KEYS]:
        plain = _decrypted(sealed, key.secret)
        signature, data = plain[:SIGNATURE], plain[SIGNATURE:]
        if hmac.compare_digest(hmac.digest(key.secret, data, "sha256"), signature):
            return key, signature, _object(data, key)
    raise RefusedError(Reason.BAD_SIGNATURE)


def _decrypted(sealed: bytes, secret: bytes) -> bytes:
    """The plain text, or nothing."""
    if not sealed or len(sealed) % BLOCK:
        return b""
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(_NULL_IV)).decryptor()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    try:
        padded = decryptor.update(sealed) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return b""


def _object(data: bytes, key: Key) -> dict[str, Any]:
    try:
        user = json.loads(data)
    except (ValueError, RecursionError):
        user = None
    if not isinstance(user, dict):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "the data is not a JSON object", key.key_id)
    return user


def _grant(user: Mapping[str, Any], key: Key, signature: bytes, now: float) -> Grant:
    expires = _expiry(user)
    if expires <= now:
        raise RefusedError(Reason.EXPIRED, f"{now - expires:.0f} s ago")
    name = user.get("username", "")
    if not isinstance(name, str) or len(name) > MAX_NAME or not (name.isprintable() or not name):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "username is not a name")
    given = user.get("connections", {})
    if not isinstance(given, dict) or len(given) > MAX_CONNECTIONS:
        raise RefusedError(Reason.OUTSIDE_PROFILE, "connections is not an object of connections")
    single = user.get("singleUse") is True or not key.reusable
    return Grant(
        source="json",
        user=name,
        connections=tuple(_connection(identifier, row, key.key_id) for identifier, row in given.items()),
        key_id=key.key_id,
        nonce=f"json {hashlib.sha256(key.key_id.encode() + signature).hexdigest()}" if single else "",
        nonce_expires=expires,
    )


def _expiry(user: Mapping[str, Any]) -> float:
    """Unix seconds; written in milliseconds, as a number or as its text."""
    value = user.get("expires")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e16:
        raise RefusedError(Reason.OUTSIDE_PROFILE, "expires is not a time in milliseconds")
    return value / 1000


def _connection(identifier: str, row: Any, key_id: str) -> Connection:
    if not _is_name(identifier):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "the name of a connection is odd")
    if not isinstance(row, dict) or not isinstance(row.get("protocol", row.get("join")), str):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "a connection has no protocol")
    parameters = row.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(
        isinstance(value, str) and len(value) <= MAX_VALUE for value in parameters.values()
    ):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "parameters are not texts that fit")
    public, follows = (_public(row.get(name), key_id) for name in ("id", "join"))
    if not follows and not parameters.get("hostname"):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "a connection has no hostname")
    protocol = "" if follows else row["protocol"]
    return Connection(identifier, identifier, protocol, parameters, public=public, follows=follows)


def _is_name(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isprintable()


def _public(name: Any, key_id: str) -> str:
    """A name for everybody for whom the same key signs; empty where none is given."""
    if name is None:
        return ""
    if not _is_name(name):
        raise RefusedError(Reason.OUTSIDE_PROFILE, "id or join of a connection is odd")
    return f"{key_id} {name}"
