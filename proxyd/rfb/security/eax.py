"""AES-EAX (Bellare, Rogaway, Wagner 2004) in the messages of RSA-AES: U16 length, cipher text, tag."""

from __future__ import annotations

import hmac
from struct import Struct

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from proxyd.rfb.errors import RfbError

__all__ = ["TAG", "EaxChannel"]

TAG = 16
MAX_MESSAGE = 8192
"""Bytes that we put into one message."""
_LENGTH = Struct(">H")


class _Eax:
    """One direction: a key and a nonce that counts up, little-endian, from zero."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)
        self._count = 0
        self._macs = [self._mac(number) for number in range(3)]

    def _mac(self, number: int) -> CMAC:
        mac = CMAC(self._algorithm)
        mac.update(bytes(15) + bytes([number]))
        return mac

    def _tagged(self, number: int, data: bytes) -> bytes:
        mac = self._macs[number].copy()
        mac.update(data)
        return mac.finalize()

    def _next(self) -> bytes:
        nonce = self._count.to_bytes(16, "little")
        self._count += 1
        return self._tagged(0, nonce)

    def _crypt(self, start: bytes, data: bytes) -> bytes:
        return Cipher(self._algorithm, modes.CTR(start)).encryptor().update(data)

    def _tag(self, start: bytes, associated: bytes, cipher_text: bytes) -> bytes:
        parts = (start, self._tagged(1, associated), self._tagged(2, cipher_text))
        value = 0
        for part in parts:
            value ^= int.from_bytes(part)
        return value.to_bytes(TAG)

    def seal(self, data: bytes, associated: bytes) -> bytes:
        start = self._next()
        cipher_text = self._crypt(start, data)
        return cipher_text + self._tag(start, associated, cipher_text)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        start = self._next()
        cipher_text, tag = sealed[:-TAG], sealed[-TAG:]
        if not hmac.compare_digest(tag, self._tag(start, associated, cipher_text)):
            raise RfbError("The desktop's encrypted bytes are broken.")
        return self._crypt(start, cipher_text)


class EaxChannel:
    """Both directions of an RSA-AES connection; a `proxyd.rfb.link.Channel`."""

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        """Make a channel from two keys of 16 or 32 bytes."""
        self._sending = _Eax(sending)
        self._receiving = _Eax(receiving)
        self._partial = bytearray()

    def send(self, data: bytes) -> bytes:
        """Messages that hold `data`."""
        pieces = []
        for start in range(0, len(data), MAX_MESSAGE):
            piece = data[start : start + MAX_MESSAGE]
            length = _LENGTH.pack(len(piece))
            pieces += [length, self._sending.seal(piece, length)]
        return b"".join(pieces)

    def receive(self, data: bytes) -> bytes:
        """Plain text of the messages that `data` completes.

        Raises:
            RfbError: a tag is wrong.
        """
        self._partial += data
        plain = bytearray()
        start = 0
        while start + _LENGTH.size <= len(self._partial):
            length = bytes(self._partial[start : start + _LENGTH.size])
            end = start + _LENGTH.size + _LENGTH.unpack(length)[0] + TAG
            if end > len(self._partial):
                break
            plain += self.open(length, bytes(self._partial[start + _LENGTH.size : end]))
            start = end
        del self._partial[:start]
        return bytes(plain)

    def open(self, length: bytes, sealed: bytes) -> bytes:
        """Plain text of one message; `length` as it stood on the wire.

        Raises:
            RfbError: the tag is wrong.
        """
        return self._receiving.open(sealed, length)
