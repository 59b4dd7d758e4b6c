"""Security types 5, 6, 129, 130: RSA keys of both sides agree on AES keys (sheet section H.2)."""

from __future__ import annotations

import hashlib
import hmac
import os
from struct import Struct
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
    generate_private_key,
)

from proxyd.rfb.errors import RfbError
from proxyd.rfb.security.base import check_fingerprint
from proxyd.rfb.security.eax import TAG, EaxChannel

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Dialogue

__all__ = ["RA2", "RA2NE", "RA2NE_256", "RA2_256", "new_key"]

MIN_BITS, MAX_BITS = 1024, 8192
KEY_BITS = 2048
USER_AND_PASSWORD, PASSWORD = b"\x01", b"\x02"
MAX_CREDENTIAL = 255

_BITS = Struct(">I")
_LENGTH = Struct(">H")


def new_key() -> RSAPrivateKey:
    """Our side's key; takes some 100 ms, so make it off the loop."""
    return generate_private_key(65537, KEY_BITS)


class _RsaAes:
    def __init__(self, digest: Callable[[bytes], bytes], key_size: int, *, whole_session: bool) -> None:
        self._digest = digest
        self._key_size = key_size
        self._whole_session = whole_session

    def __call__(self, dialogue: Dialogue) -> Reading[bool]:
        """Agree on keys, prove both, send credentials.

        Raises:
            RfbError: a key is unacceptable or a proof is wrong.
        """
        server_key = yield from _read_key(dialogue)
        check_fingerprint(dialogue, server_key)
        private = yield from dialogue.client_key()
        client_key = _key_bytes(private.public_key().public_numbers())
        dialogue.send(client_key)
        ours = os.urandom(self._key_size)
        dialogue.send(_encrypted(server_key, ours))
        theirs = yield from self._their_random(dialogue, private)
        channel = EaxChannel(
            self._digest(theirs + ours)[: self._key_size], self._digest(ours + theirs)[: self._key_size]
        )
        dialogue.send(channel.send(self._digest(client_key + server_key)))
        proof = yield from _read_message(dialogue, channel)
        if not hmac.compare_digest(proof, self._digest(server_key + client_key)):
            raise RfbError("The desktop could not prove its key.")
        subtype = yield from _read_message(dialogue, channel)
        dialogue.send(channel.send((yield from _credentials(dialogue, subtype))))
        if self._whole_session:
            dialogue.protect(channel)
        return True

    def _their_random(self, dialogue: Dialogue, private: RSAPrivateKey) -> Reading[bytes]:
        (length,) = yield from dialogue.buffer.unpack(_LENGTH)
        encrypted = yield from dialogue.buffer.exactly(length)
        try:
            random = private.decrypt(encrypted, PKCS1v15())
        except ValueError:
            random = b""
        if len(random) != self._key_size:
            raise RfbError("The desktop's part of the session key cannot be read.")
        return random


def _read_key(dialogue: Dialogue) -> Reading[bytes]:
    """A public key as it stands on the wire."""
    (bits,) = yield from dialogue.buffer.unpack(_BITS)
    if not MIN_BITS <= bits <= MAX_BITS:
        raise RfbError(f"The desktop has an RSA key of {bits} bits.")
    numbers = yield from dialogue.buffer.exactly(2 * ((bits + 7) // 8))
    return _BITS.pack(bits) + numbers


def _key_bytes(key: RSAPublicNumbers) -> bytes:
    bits = key.n.bit_length()
    size = (bits + 7) // 8
    return _BITS.pack(bits) + key.n.to_bytes(size) + key.e.to_bytes(size)


def _encrypted(key: bytes, data: bytes) -> bytes:
    size = (len(key) - _BITS.size) // 2
    modulus, exponent = (int.from_bytes(part) for part in (key[4 : 4 + size], key[4 + size :]))
    try:
        cipher_text = RSAPublicNumbers(exponent, modulus).public_key().encrypt(data, PKCS1v15())
    except ValueError:
        raise RfbError("The desktop's RSA key is none.") from None
    return _LENGTH.pack(len(cipher_text)) + cipher_text


def _read_message(dialogue: Dialogue, channel: EaxChannel) -> Reading[bytes]:
    length = yield from dialogue.buffer.exactly(_LENGTH.size)
    sealed = yield from dialogue.buffer.exactly(_LENGTH.unpack(length)[0] + TAG)
    return channel.open(length, sealed)


def _credentials(dialogue: Dialogue, subtype: bytes) -> Reading[bytes]:
    if subtype == USER_AND_PASSWORD:
        values = yield from dialogue.credentials("username", "password")
    elif subtype == PASSWORD:
        values = (b"", *(yield from dialogue.credentials("password")))
    else:
        raise RfbError("The desktop asks for credentials that Fanlight does not know.")
    short = [value[:MAX_CREDENTIAL] for value in values]
    return b"".join(bytes([len(value)]) + value for value in short)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()  # noqa: S324 - the protocol's own


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


RA2 = _RsaAes(_sha1, 16, whole_session=True)
RA2NE = _RsaAes(_sha1, 16, whole_session=False)
RA2_256 = _RsaAes(_sha256, 32, whole_session=True)
RA2NE_256 = _RsaAes(_sha256, 32, whole_session=False)
