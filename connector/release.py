"""A signed release: which version there is, and the hashes of all wheels that it is made of. No I/O.

`release.json` is an object of two texts: `release`, itself JSON, and `signature`, the base64 of an Ed25519 signature over it.
Whoever may sign is named by the connector's own settings, never by a broker.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FILE", "MAX_TEXT", "WHEEL", "Release", "ReleaseError", "number", "public_key", "read", "sign"]

FILE = "release.json"
MAX_TEXT = 100_000
MAX_WHEELS = 200
ALGORITHM = "ssh-ed25519"
PURPOSE = b"fanlight release\n"
"""Stands before what is signed, so that no signature for something else fits."""
WHEEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,199}\.whl", re.ASCII)
_VERSION = re.compile(r"\d{1,6}(?:\.\d{1,6}){0,4}", re.ASCII)


class ReleaseError(Exception):
    """The release cannot be used. The text says why."""


class Release(NamedTuple):
    """What is offered.

    Attributes:
        version: of fanlight, such as 1.2.0.
        wheels: file names of all wheels, its dependencies' too, with their SHA-256 in hexadecimal digits.
    """

    version: str
    wheels: Mapping[str, str]


def number(version: str) -> tuple[int, ...]:
    """A version as numbers that can be compared; 1.2 and 1.2.0 are the same.

    Raises:
        ReleaseError: it has other parts than numbers.
    """
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version[:40]!r} is not a version such as 1.2.0")
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (5 - len(parts)))


def public_key(line: str) -> asyncssh.SSHKey:
    """A key that may sign, in a line of OpenSSH.

    Raises:
        ValueError: it is none of Ed25519.
    """
    try:
        key = asyncssh.import_public_key(line)
    except asyncssh.KeyImportError:
        key = None
    if key is None or key.get_algorithm() != ALGORITHM:
        raise ValueError(f"{line[:40]!r} is not a public key of the form ssh-ed25519 AAAA…")
    return key


def sign(version: str, wheels: Mapping[str, bytes], key: asyncssh.SSHKey) -> str:
    """The text of `release.json`.

    Args:
        version: of fanlight.
        wheels: contents by file name.
        key: private, of Ed25519.

    Raises:
        ReleaseError: what is given will not do.
    """
    if key.get_algorithm() != ALGORITHM:
        raise ReleaseError("releases are signed by Ed25519 keys: ssh-keygen -t ed25519")
    release = Release(
        version, {name: hashlib.sha256(data).hexdigest() for name, data in sorted(wheels.items())}
    )
    _check(release)
    text = json.dumps(release._asdict(), separators=(",", ":"))
    signature = base64.b64encode(key.sign(PURPOSE + text.encode(), ALGORITHM.encode())).decode()
    return json.dumps({"release": text, "signature": signature}, indent=2) + "\n"


def read(text: str, keys: Iterable[asyncssh.SSHKey]) -> Release:
    """The release that one of these keys signed.

    Raises:
        ReleaseError: none did, or it is not of the form.
    """
    try:
        fields = json.loads(text[:MAX_TEXT])
        signed = str(fields["release"])
        signature = base64.b64decode(str(fields["signature"]), validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReleaseError("what is offered is no signed release") from None
    if not any(key.verify(PURPOSE + signed.encode(errors="surrogatepass"), signature) for key in keys):
        raise ReleaseError("the release is not signed by one of the update-keys")
    try:
        inner = json.loads(signed)
        release = Release(inner["version"], dict(inner["wheels"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReleaseError("the release has not the fields of a release") from None
    _check(release)
    return release


def _check(release: Release) -> None:
    """Raise `ReleaseError` where it is not of the form."""
    if not isinstance(release.version, str):
        raise ReleaseError("the release has no version")
    number(release.version)
    if not 1 <= len(release.wheels) <= MAX_WHEELS:
        raise ReleaseError(f"a release has 1 to {MAX_WHEELS} wheels")
    for name, digest in release.wheels.items():
        if not WHEEL.fullmatch(name) or not re.fullmatch("[0-9a-f]{64}", str(digest)):
            raise ReleaseError(f"{name[:80]!r} is not a wheel with its SHA-256")
    if not any(name.startswith(f"fanlight-{release.version}-") for name in release.wheels):
        raise ReleaseError(f"the wheel of fanlight {release.version} is not among the wheels")
