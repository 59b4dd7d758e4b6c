"""Security types 30 and 33, Apple's: user and password under a Diffie-Hellman or RSA key (sheet section H.4)."""

from __future__ import annotations

import hashlib
import os
from struct import Struct
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.serialization import load_der_public_key

from proxyd.rfb.errors import RfbError
from proxyd.rfb.security.base import check_fingerprint

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Dialogue

__all__ = ["diffie_hellman", "rsa"]

FIELD = 64
"""Bytes that a user's name or a password takes, its NUL included."""
MIN_SIZE, MAX_SIZE = 128, 1024
"""Bytes of the group's prime."""
SECRET_BITS = 512
"""Of our exponent: plenty for these groups, and a quick power even for the largest."""

_GROUP = Struct(">HH")
_RSA_HELLO = bytes.fromhex("0000000a 0100") + b"RSA1" + bytes(4)
_RSA_KEY = Struct(">I2xI")
_RSA_LOGIN = bytes.fromhex("0000018a 0100") + b"RSA1" + b"\x00\x01"
_RSA_BITS = 2048
MAX_KEY = 4096
"""Bytes of an encoded RSA key."""


def diffie_hellman(dialogue: Dialogue) -> Reading[bool]:
    """Type 30.

    Raises:
        RfbError: the group is no group.
    """
    generator, size = yield from dialogue.buffer.unpack(_GROUP)
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise RfbError(f"The desktop offers a Diffie-Hellman group of {size} bytes.")
    prime = int.from_bytes((yield from dialogue.buffer.exactly(size)))
    public = int.from_bytes((yield from dialogue.buffer.exactly(size)))
    if (
        prime < 1 << SECRET_BITS
        or not prime & 1
        or not 1 < public < prime - 1
        or not 1 < generator < prime - 1
    ):
        raise RfbError("The desktop offers a Diffie-Hellman group that is none.")
    username, password = yield from dialogue.credentials("username", "password")
    secret = int.from_bytes(os.urandom(SECRET_BITS // 8))
    shared = pow(public, secret, prime).to_bytes(size)
    key = hashlib.md5(shared).digest()  # noqa: S324 - the protocol's own
    dialogue.send(_encrypted(key, username, password) + pow(generator, secret, prime).to_bytes(size))
    return True


def rsa(dialogue: Dialogue) -> Reading[bool]:
    """Type 33.

    Raises:
        RfbError: the server's key cannot be used.
    """
    dialogue.send(_RSA_HELLO)
    _, length = yield from dialogue.buffer.unpack(_RSA_KEY)
    if length > MAX_KEY:
        raise RfbError(f"The desktop has a key of {length} bytes.")
    der = yield from dialogue.buffer.exactly(length)
    yield from dialogue.buffer.exactly(1)
    public = _public_key(der)
    check_fingerprint(dialogue, der)
    username, password = yield from dialogue.credentials("username", "password")
    key = os.urandom(16)
    dialogue.send(
        _RSA_LOGIN + _encrypted(key, username, password) + b"\x00\x01" + public.encrypt(key, PKCS1v15())
    )
    yield from dialogue.buffer.exactly(4)
    return True


def _public_key(der: bytes) -> RSAPublicKey:
    try:
        key = load_der_public_key(der)
    except Exception:  # noqa: BLE001 - the library's errors for hostile keys are of many kinds
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size != _RSA_BITS:
        raise RfbError("The desktop's RSA key cannot be used.")
    return key


def _encrypted(key: bytes, *fields: bytes) -> bytes:
    plain = b"".join(_padded(field) for field in fields)
    # ECB is the protocol's own; the padding's random bytes are what little hides repetition
    return Cipher(AES(key), modes.ECB()).encryptor().update(plain)  # noqa: S305


def _padded(field: bytes) -> bytes:
    terminated = field[: FIELD - 1] + b"\0"
    return terminated + os.urandom(FIELD - len(terminated))
