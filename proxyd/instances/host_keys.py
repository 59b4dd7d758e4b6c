"""Is this the machine it was? What is known of an instance's host key, and what follows when it shows one.

In this order: the connection's `host-key`; the operator's known-hosts file; a pin from the first time. A key that is
known by none of them is pinned, and its fingerprint is logged; with the setting `strict-host-keys` it is
refused.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncssh
import structlog

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["HostKeyFiles", "Trust", "find_trust", "pin"]

log = structlog.get_logger()

MAX_FILE = 16 << 20
"""Bytes of a file of keys that are read."""
_DEFAULT_PORT = 22
_HOST = re.compile(r"[\w.:%-]+")
"""What may stand in a file of pins; a name can mean no pattern and no further line."""
_AUTHORITY = "@cert-authority"


@dataclass(frozen=True)
class HostKeyFiles:
    """The operator's files, in the format of OpenSSH's known_hosts; None where there is none.

    Attributes:
        known: written by the operator; may hold certificate authorities and revoked keys.
        pins: written by proxyd, a line for every machine that was met: the same address with another port is another
            machine, whatever the port.
        strict: refuse a machine that none of them knows, and pin none.
    """

    known: Path | None = None
    pins: Path | None = None
    strict: bool = False


@dataclass
class Trust:
    """What is known of one machine; then, what it showed.

    Attributes:
        keys: its keys; empty where any is taken the first time.
        authorities: who may sign its key.
        revoked: keys that are refused in any case.
        shown: the key that it showed, if that was not one of `keys`.
        strict: a machine of which nothing is known is refused.
        machine: what it is called in a sentence.
    """

    keys: list[asyncssh.SSHKey] = field(default_factory=list)
    authorities: list[asyncssh.SSHKey] = field(default_factory=list)
    revoked: list[asyncssh.SSHKey] = field(default_factory=list)
    shown: asyncssh.SSHKey | None = None
    strict: bool = False
    machine: str = "the instance"

    @property
    def first_time(self) -> bool:
        """Nothing is known: any key is taken, unless the policy is strict."""
        return not self.keys and not self.authorities

    @property
    def subject(self) -> str:
        """The machine at the beginning of a sentence."""
        return self.machine[:1].upper() + self.machine[1:]

    @property
    def types(self) -> set[str]:
        """The types of the known keys."""
        return {key.get_algorithm() for key in self.keys}

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Whether a key that is none of the known ones is taken; it is remembered as shown."""
        self.shown = key
        return self.first_time and not self.strict

    def failure(self) -> StatusError:
        """The error after a key was refused."""
        if self.shown is None:
            reason = f"The host key of {self.machine} is revoked, or its certificate is not trusted."
        elif self.first_time:
            reason = (
                f"The host key of {self.machine}, {self.shown.get_fingerprint()}, is known to nobody, "
                "and strict-host-keys is set."
            )
        else:
            known = " or ".join(key.get_fingerprint() for key in self.keys) or "signed by a known authority"
            shown = self.shown.get_fingerprint()
            reason = f"{self.subject} shows the host key {shown}, but {known} is expected."
        failure = StatusError(Status.SERVER_ERROR, reason, Hop.HOST_KEY)
        if self.shown is not None and not self.first_time:
            failure.evidence = self.shown.export_public_key().decode().strip()
        return failure


def find_trust(host: str, port: int, line: str, files: HostKeyFiles) -> Trust:
    """What is known of a machine. Reads files: call it off the loop.

    Args:
        host: as the connection names it.
        port: where its SSH server listens.
        line: the connection's `host-key`, in the format of known_hosts; whatever host it names. Or empty.
        files: the operator's.

    Raises:
        StatusError: `line` or a file cannot be understood.
    """
    trust = _from_lines(line) if line.strip() else _from_files(host, port, files)
    trust.strict = files.strict
    return trust


def _from_files(host: str, port: int, files: HostKeyFiles) -> Trust:
    if files.known is not None:
        trust = _from_file(files.known, host, None if port == _DEFAULT_PORT else port)
        if not trust.first_time or trust.revoked:
            return trust
    return Trust() if files.pins is None else _from_file(files.pins, host, port)


def pin(host: str, port: int, key: asyncssh.SSHKey, path: Path) -> None:
    """Remember the key of a machine that was met for the first time. Writes a file: call it off the loop."""
    if not _HOST.fullmatch(host):
        log.warning("a host key cannot be pinned: its host has no plain name")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _from_file(path, host, port).first_time:  # no other session was quicker
                file.write(f"[{host}]:{port} ".encode() + key.export_public_key().strip() + b"\n")
    except OSError as error:
        log.warning("a host key cannot be pinned", file=str(path), reason=error.strerror)


def _from_lines(text: str) -> Trust:
    trust = Trust()
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        target = trust.authorities if words[0] == _AUTHORITY else trust.keys
        target.append(_key_among(words))
    if trust.first_time:
        raise _unreadable("The host-key of this connection")
    return trust


def _key_among(words: list[str]) -> asyncssh.SSHKey:
    """The key in a line: a type and base64, after anything else."""
    for index in range(min(3, len(words) - 1)):
        try:
            return asyncssh.import_public_key(" ".join(words[index : index + 2]))
        except asyncssh.KeyImportError:
            continue
    raise _unreadable("The host-key of this connection")


def _from_file(path: Path, host: str, port: int | None) -> Trust:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE).decode("utf-8", "replace")
        known = asyncssh.import_known_hosts(text)
        keys, authorities, revoked, *_ = known.match(host, "", port)
    except FileNotFoundError:
        return Trust()
    except (OSError, ValueError) as error:
        log.warning("a file of host keys cannot be read", file=str(path), reason=type(error).__name__)
        raise _unreadable("Fanlight's file of host keys") from None
    return Trust(_once(keys), _once(authorities), _once(revoked))


def _once(keys: Sequence[asyncssh.SSHKey]) -> list[asyncssh.SSHKey]:
    """A name and its address may match the same line."""
    return list(dict.fromkeys(keys))


def _unreadable(what: str) -> StatusError:
    return StatusError(Status.SERVER_ERROR, f"{what} cannot be read.", Hop.HOST_KEY)
