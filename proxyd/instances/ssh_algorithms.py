"""Which algorithms an SSH connection may use, as asyncssh takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from asyncssh.public_key import get_certificate_algs, get_public_key_algs

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Algorithms", "algorithms"]


class Algorithms(TypedDict):
    """Arguments of `asyncssh.connect`: names by preference, or `-` and patterns that are taken from its defaults."""

    kex_algs: str
    encryption_algs: str
    mac_algs: str
    signature_algs: str
    server_host_key_algs: list[str]


_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes*-ctr"
"""AES-GCM first: the quickest here, by half."""
_HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_LEGACY_HOST_KEYS = ("ssh-rsa", "ssh-dss")


def algorithms(*, known: Collection[str], authorities: bool, legacy: bool) -> Algorithms:
    """What to offer.

    Args:
        known: types of host keys that are known for the instance: they are asked for first, lest another of its keys
            looks like a change.
        authorities: certificates for host keys can be checked.
        legacy: also what is considered broken: SHA-1 signatures and key exchanges, CBC, MD5.
    """
    host_keys = [*_HOST_KEYS, *(_LEGACY_HOST_KEYS if legacy else ())]
    host_keys.sort(key=lambda name: not _same_type(name, known))
    if authorities:
        host_keys = [f"{name}-cert-v01@openssh.com" for name in host_keys] + host_keys
    possible = {name.decode() for name in get_public_key_algs() + get_certificate_algs()}
    return Algorithms(
        kex_algs="+diffie-hellman-group*-sha1" if legacy else "-*-sha1,gss-*,rsa2048-*",
        encryption_algs=f"{_CIPHERS},aes*-cbc,3des-cbc" if legacy else _CIPHERS,
        mac_algs="+hmac-md5" if legacy else "-hmac-md5*",
        signature_algs="+ssh-dss" if legacy else "-ssh-rsa,ssh-rsa-*,ssh-dss",
        server_host_key_algs=[name for name in host_keys if name in possible],
    )


def _same_type(name: str, known: Collection[str]) -> bool:
    return name in known or (name.startswith("rsa-") and "ssh-rsa" in known)
