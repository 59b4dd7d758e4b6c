"""Records that the store cannot read or make up: sealed with a secret of whoever they are for, which is kept nowhere."""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["seal", "unseal"]

NONCE_BYTES = 12


def _cipher(kind: str, secret: str) -> AESGCM:
    return AESGCM(hashlib.sha256(f"fanlight {kind}\0{secret}".encode("utf-8", "surrogatepass")).digest())


def seal(kind: str, secret: str, name: str, plain: bytes) -> bytes:
    """Encrypt a record.

    Args:
        kind: of record; what was sealed as one kind opens as no other.
        secret: whoever has it can read the record: a token, a link's key.
        name: under which the record is kept; moved to another name it does not open.
        plain: what it says.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(kind, secret).encrypt(nonce, plain, name.encode())


def unseal(kind: str, secret: str, name: str, sealed: bytes) -> bytes | None:
    """What was sealed; None for a record that is forged or of another place."""
    try:
        return _cipher(kind, secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):
        return None
