"""Key pairs in the key directory: `<user>/id_<type>_guac`, modes 0700 and 0600, made once.

While a key is exchanged for another, the new one stands beside it as `id_<type>_guac.new`, which nobody signs in with.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

import asyncssh

from broker.cli.outcome import CommandError
from broker.keys import NEW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ALGORITHMS", "NEW", "create", "file_name", "load", "place", "promote", "remove"]

ALGORITHMS = {
    "ed25519": ("ssh-ed25519", {}),
    "ecdsa": ("ecdsa-sha2-nistp256", {}),
    "rsa": ("ssh-rsa", {"key_size": 3072}),
}
"""`--type` to asyncssh's name and options."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_KEY_FILE = 65536


def load(folder: Path, names: tuple[str, ...]) -> tuple[str, asyncssh.SSHKey] | None:
    """The first key file of a user's folder and its key; None where there is none.

    Raises:
        CommandError: the file is not a private key.
    """
    for name in names:
        path = folder / name
        try:
            with path.open("rb") as file:
                text = file.read(MAX_KEY_FILE)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        try:
            return name, asyncssh.import_private_key(text)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise CommandError(f"{path} is not a usable private key: {error}") from None
    return None


def create(key_directory: Path, user: str, kind: str, *, pem: bool, suffix: str = "") -> None:
    """Make a key pair unless the file is there already, even if another process makes it at the same moment.

    Run as root, the new files get the owner of the key directory: the account that the broker runs as.

    Args:
        key_directory: must exist.
        user: a checked name.
        kind: one of `ALGORITHMS`.
        pem: PKCS#1 or SEC1 PEM instead of OpenSSH's own container.
        suffix: `NEW`, or nothing.

    Raises:
        CommandError: a folder or file cannot be made.
    """
    algorithm, options = ALGORITHMS[kind]
    key = asyncssh.generate_private_key(algorithm, comment=user, **options)
    private = key.export_private_key("pkcs1-pem" if pem else "openssh")
    place(key_directory, user, f"id_{kind}_guac{suffix}", private, key.export_public_key())


def place(key_directory: Path, user: str, name: str, private: bytes, public: bytes) -> bool:
    """Put a pair where no file of that name is; False where one is.

    Raises:
        CommandError: a folder or file cannot be made.
    """
    with _writing(key_directory, user) as folder:
        try:
            _write_new(folder, name, private, 0o600)
        except FileExistsError:
            return False
        _write_new(folder, f"{name}.pub", public, 0o644, replace=True)
        return True


def file_name(key: asyncssh.SSHKey) -> str:
    """The name by which the broker looks for a key of this type; empty for a type that it does not take."""
    algorithm = key.get_algorithm()
    kinds = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}
    kind = "ecdsa" if algorithm.startswith("ecdsa-sha2-nistp") else kinds.get(algorithm)
    return f"id_{kind}_guac" if kind else ""


def promote(key_directory: Path, user: str, names: tuple[str, ...], new: str) -> None:
    """Let the new key take the place of every other one.

    Args:
        key_directory: must exist.
        user: a checked name.
        names: of key files.
        new: name of the one that stands beside, `NEW` included.

    Raises:
        CommandError: a file cannot be moved.
    """
    target = new.removesuffix(NEW)
    with _writing(key_directory, user) as folder:
        os.rename(f"{new}.pub", f"{target}.pub", src_dir_fd=folder, dst_dir_fd=folder)
        os.rename(new, target, src_dir_fd=folder, dst_dir_fd=folder)
        _unlink(folder, [name for name in names if name != target])
        _unlink(folder, [f"{target}-cert.pub"])


def remove(key_directory: Path, user: str, names: tuple[str, ...]) -> None:
    """Delete every key of a user, those that stand beside included.

    Raises:
        CommandError: a file cannot be deleted.
    """
    with _writing(key_directory, user) as folder:
        _unlink(folder, [name + suffix for name in names for suffix in ("", NEW)])


def _unlink(folder: int, names: list[str]) -> None:
    """Delete private halves first, then what belongs to them."""
    for name in [name + ending for ending in ("", ".pub", "-cert.pub") for name in names]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


@contextlib.contextmanager
def _writing(key_directory: Path, user: str) -> Iterator[int]:
    try:
        with _open_folder(key_directory, user) as folder:
            yield folder
    except OSError as error:
        raise CommandError(f"{key_directory / user} cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def _open_folder(key_directory: Path, user: str) -> Iterator[int]:
    """The user's folder as a descriptor, made where missing; never through a symbolic link."""
    top = os.open(key_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            os.mkdir(user, 0o700, dir_fd=top)
            made = True
        except FileExistsError:
            made = False
        folder = os.open(user, _FOLDER, dir_fd=top)
        try:
            if made:
                _adopt(folder, top)
            yield folder
        finally:
            os.close(folder)
    finally:
        os.close(top)


def _write_new(folder: int, name: str, content: bytes, mode: int, *, replace: bool = False) -> None:
    """Write a file whole or not at all; without `replace` one that exists stays (FileExistsError)."""
    draft = f".{name}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            _adopt(file.fileno(), folder)
            file.write(content)
        if replace:
            os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.link(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)


def _adopt(descriptor: int, parent: int) -> None:
    """Give what root made to the owner of the folder it is in."""
    if os.geteuid() == 0:
        owner = os.fstat(parent)
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
