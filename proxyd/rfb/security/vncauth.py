"""Security type 2, VNC authentication: a challenge encrypted by DES with the password (RFC 6143 section 7.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Dialogue

__all__ = ["authenticate", "response"]

CHALLENGE = 16
MAX_PASSWORD = 8
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def authenticate(dialogue: Dialogue) -> Reading[bool]:
    """Answer the challenge."""
    challenge = yield from dialogue.buffer.exactly(CHALLENGE)
    (password,) = yield from dialogue.credentials("password")
    dialogue.send(response(password, challenge))
    return True


def response(password: bytes, challenge: bytes) -> bytes:
    """The challenge's two halves under DES; only the first 8 bytes of the password count."""
    key = password[:MAX_PASSWORD].ljust(MAX_PASSWORD, b"\0").translate(_REVERSED)
    # three times the same key: triple DES is then the single DES that libraries no longer offer
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 - the protocol's own
    return encryptor.update(challenge) + encryptor.finalize()
