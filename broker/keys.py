"""A user's private key out of the key directory: name, containment, owner, mode and content are checked first.

Every step is opened relative to the folder before it and follows no symbolic link, so what was checked is what is read.
"""

from __future__ import annotations

import contextlib
import grp
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["NEW", "KeyDirectory", "KeyRefusedError", "PrivateKey"]

NEW = ".new"
"""Ends the name of a key that will take another one's place; nobody signs in with it."""

MAX_KEY = 65536
"""Bytes of a key file."""
MIN_RSA_BITS = 1024
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class KeyRefusedError(Exception):
    """There is a key, or a name, that must not be used. The text is for the log: it names the rule, never content."""


@dataclass(frozen=True)
class PrivateKey:
    """A key for the handshake and nothing else; its content is never shown.

    Attributes:
        name: the file's name.
        text: PEM or OpenSSH text, lines ended by LF.
        certificate: the line of `NAME-cert.pub`, or empty.
        weak: RSA below 2048 bits, worth a warning.
        public: its public half as `TYPE BASE64`.
    """

    name: str
    text: str = field(repr=False)
    certificate: str = field(default="", repr=False)
    weak: bool = False
    public: str = ""


class KeyDirectory:
    """The key directory of a deployment: `<root>/<user>/<name>`."""

    def __init__(self, root: Path, names: Sequence[str], group: str = "") -> None:
        """Describe the directory; nothing is opened.

        Args:
            root: the directory.
            names: file names, in the order in which they are tried.
            group: a group that may read key files besides their owner.
        """
        self._root = root
        self._names = names
        self._group = group

    def read(self, user: str, *, new: bool = False) -> PrivateKey | None:
        """The user's key; None where none is on file.

        Args:
            user: whose; any text.
            new: the one that stands beside while keys are exchanged.

        Raises:
            KeyRefusedError: the name, the folder or the file breaks a rule.
        """
        _check_component(user)
        with contextlib.ExitStack() as stack:
            root = _open(str(self._root), _FOLDER & ~os.O_NOFOLLOW, None)
            if root is None:
                raise KeyRefusedError("the key directory is not there")
            stack.callback(os.close, root)
            self._check_mode(root, "the key directory", writable_only=True)
            folder = _open(user, _FOLDER, root)
            if folder is None:
                return None
            stack.callback(os.close, folder)
            self._check_mode(folder, "the user's key folder", writable_only=True)
            for name in self._names:
                file = name + NEW if new else name
                text = self._read_file(file, folder, private=True)
                if text is not None:
                    certificate = self._read_file(f"{file}-cert.pub", folder, private=False) or ""
                    weak, public = _check_key(text)
                    return PrivateKey(file, text, certificate.strip(), weak, public)
        return None

    def _read_file(self, name: str, folder: int, *, private: bool) -> str | None:
        file = _open(name, _FILE, folder)
        if file is None:
            return None
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise KeyRefusedError(f"{name} is not a regular file")
            self._check_mode(file, name, writable_only=not private)
            if not 1 <= status.st_size <= MAX_KEY:
                raise KeyRefusedError(f"{name} is empty or larger than {MAX_KEY} bytes")
            data = b"".join(_chunks(file))
        finally:
            os.close(file)
        return _normalised(data, name)

    def _check_mode(self, descriptor: int, name: str, *, writable_only: bool) -> None:
        status = os.fstat(descriptor)
        if status.st_uid not in {os.geteuid(), 0}:
            raise KeyRefusedError(f"{name} belongs to another user")
        if status.st_mode & 0o022:
            raise KeyRefusedError(f"{name} can be written by others")
        if writable_only:
            return
        readable = 0o640 if self._group and status.st_gid == _group_id(self._group) else 0o600
        if stat.S_IMODE(status.st_mode) & ~readable:
            raise KeyRefusedError(f"{name} can be read by others")


def _check_component(user: str) -> None:
    """A user name is one component of a path: nothing that leads elsewhere, nothing that a log would trip over."""
    if not user or len(user.encode("utf-8", "surrogatepass")) > 255:
        raise KeyRefusedError("the user name is empty or too long")
    if user in {".", ".."} or "/" in user or "\\" in user or not user.isprintable():
        raise KeyRefusedError("the user name is not the name of a folder")
    if user != user.strip():
        raise KeyRefusedError("the user name begins or ends with a blank")


def _open(name: str, flags: int, folder: int | None) -> int | None:
    """A descriptor; None where nothing of that name exists."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        if folder is not None and _is_link(name, folder):
            raise KeyRefusedError("a symbolic link stands in the path to the key") from None
        reason = getattr(error, "strerror", None) or "the name is not usable"
        raise KeyRefusedError(f"the path to the key cannot be opened: {reason}") from None


def _is_link(name: str, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except (OSError, ValueError):
        return False


def _chunks(file: int) -> Iterator[bytes]:
    remaining = MAX_KEY
    while remaining > 0 and (chunk := os.read(file, remaining)):
        remaining -= len(chunk)
        yield chunk


def _normalised(data: bytes, name: str) -> str:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise KeyRefusedError(f"{name} is not ASCII") from None
    return text.replace("\r\n", "\n").strip() + "\n"


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise KeyRefusedError(f"key-group {name} is not a group") from None


def _check_key(text: str) -> tuple[bool, str]:
    """Whether the key is weak, and its public half.

    Raises:
        KeyRefusedError: it cannot be parsed, has a passphrase, or is of a kind that is not accepted.
    """
    data = text.encode()
    load = (
        serialization.load_ssh_private_key
        if "BEGIN OPENSSH PRIVATE KEY" in text
        else serialization.load_pem_private_key
    )
    try:
        key = load(data, None)
    except TypeError:
        raise KeyRefusedError("the key has a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefusedError("the key cannot be parsed") from None
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= MIN_RSA_BITS:
            weak = key.key_size < 2048
        case ed25519.Ed25519PrivateKey():
            weak = False
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, CURVES):
            weak = False
        case _:
            raise KeyRefusedError("keys of this kind are not accepted: use Ed25519, ECDSA or RSA")
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return weak, public.decode()
