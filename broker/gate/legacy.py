"""Tokens as older gates made them (sheet E.2): taken over where an operator imports them, made for nobody new."""

from __future__ import annotations

from base64 import b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

__all__ = ["legacy_token"]

KEY_CHARACTERS = 32
"""The key is this much of the password's text."""


def legacy_token(password: str, vm_id: str, start_time: int) -> str:
    """The token that an instance got from an older gate.

    Args:
        password: the owner's token password, hexadecimal text.
        vm_id: the instance's id.
        start_time: Unix seconds at which it was started.

    Raises:
        ValueError: the password is too short to be one.
    """
    key = password.encode()[:KEY_CHARACTERS]
    if len(key) < KEY_CHARACTERS:
        raise ValueError(f"a token password has at least {KEY_CHARACTERS} characters")
    padder = PKCS7(algorithms.AES.block_size).padder()
    text = padder.update(f"{vm_id}:{start_time}".encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return b64encode(encryptor.update(text) + encryptor.finalize()).decode()
