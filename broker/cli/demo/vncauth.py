"""VNC authentication (RFC 6143 section 7.2.2): DES with the password as key, and the password file of VNC servers."""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

__all__ = ["CHALLENGE_BYTES", "PASSWORD_BYTES", "password_file", "response"]

CHALLENGE_BYTES = 16
PASSWORD_BYTES = 8
"""Bytes of the password that count."""
_FILE_KEY = bytes([23, 82, 107, 6, 35, 78, 88, 7])
"""The fixed key that hides passwords in files; every VNC server knows it."""
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def response(password: str, challenge: bytes) -> bytes:
    """The answer to a challenge."""
    return _des(_padded(password), challenge)


def password_file(password: str) -> bytes:
    """The contents of a file for `Xvnc -PasswordFile`."""
    return _des(_FILE_KEY, _padded(password))


def _padded(password: str) -> bytes:
    return password.encode()[:PASSWORD_BYTES].ljust(PASSWORD_BYTES, b"\0")


def _des(key: bytes, blocks: bytes) -> bytes:
    """DES-ECB with the bits of each key byte reversed; three equal keys make triple DES single."""
    encryptor = Cipher(TripleDES(key.translate(_REVERSED) * 3), modes.ECB()).encryptor()  # noqa: S305 - RFC 6143
    return encryptor.update(blocks) + encryptor.finalize()
