"""Signing in to an instance: the key, the password, and questions that are asked inside the terminal."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

import asyncssh

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.instances.host_keys import Trust

__all__ = ["Asker", "Client", "Identity", "Naming", "load_key"]

MAX_ATTEMPTS = 3
"""How often a person may try."""
MAX_PROMPTS = 16
"""Questions at once; a person has to answer them one by one."""

_OPENSSH = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END")
_MAGIC, _NO_CIPHER = b"openssh-key-v1\0", b"\0\0\0\4none"
_PASSWORD_PROMPT = re.compile(r"password", re.IGNORECASE)


class Asker(Protocol):
    """Somebody at a terminal."""

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """Ask a question.

        Raises:
            StatusError: the person gave up.
        """

    def show(self, text: str) -> None:
        """Show what a server has to say; nothing in it is trusted."""


class Naming:
    """An `Asker` that says first which machine speaks: on a way of several, each asks in words of its own."""

    def __init__(self, asker: Asker, machine: str) -> None:
        """Stand before `asker`; `machine` is what people call the one that speaks."""
        self._asker = asker
        self._head = f"{machine}:\n"

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`."""
        self._introduce()
        return await self._asker.ask(prompt, secret=secret)

    def show(self, text: str) -> None:
        """See `Asker.show`."""
        self._introduce()
        self._asker.show(text)

    def _introduce(self) -> None:
        if self._head:
            head, self._head = self._head, ""
            self._asker.show(head)


class Identity(NamedTuple):
    """A private key, and as what it signs in: itself or with a certificate."""

    key: asyncssh.SSHKey
    pair: asyncssh.SSHKeyPair


async def load_key(text: str, passphrase: str, certificate: str, asker: Asker) -> Identity:
    """The key of a connection; an encrypted one is opened with its passphrase or the one that is typed.

    Args:
        text: `private-key`, PEM or OpenSSH.
        passphrase: of that; may be empty.
        certificate: `public-key`; what is not a certificate is ignored.
        asker: for the passphrase.

    Raises:
        StatusError: the key cannot be read, or its passphrase is wrong.
    """
    text = _tidied(text)
    if not _is_encrypted(text):
        key = await _import(text, None)
    else:
        key = await _import(text, passphrase) if passphrase else None
        attempts = 0 if passphrase else MAX_ATTEMPTS
        while key is None and attempts:
            attempts -= 1
            key = await _import(text, await asker.ask("Key passphrase: ", secret=True))
        if key is None:
            raise _refused("The passphrase does not open the private key.")
    if key is None:
        raise _refused("The private key of this connection cannot be read.")
    try:
        return Identity(key, asyncssh.load_keypairs([_with_certificate(key, certificate)])[0])
    except (asyncssh.KeyImportError, ValueError):
        raise _refused("The certificate of this connection does not belong to its key.") from None


def _with_certificate(
    key: asyncssh.SSHKey, text: str
) -> asyncssh.SSHKey | tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]:
    if "-cert-v0" not in text:
        return key
    return key, asyncssh.import_certificate(text)


async def _import(text: str, passphrase: str | None) -> asyncssh.SSHKey | None:
    """The key, or None. A passphrase costs time by design: not on the loop."""
    try:
        return await asyncio.to_thread(asyncssh.import_private_key, text, passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        return None


def _tidied(text: str) -> str:
    """A key with the ends of its lines restored: some forms and files lose them."""
    if "\n" not in text:
        text = text.replace("\\n", "\n")
    return text.strip() + "\n"


def _is_encrypted(text: str) -> bool:
    match = _OPENSSH.search(text)
    if match is None:
        return "ENCRYPTED" in text
    try:
        head = base64.b64decode("".join(match[1].split())[:32])
    except binascii.Error:
        return False
    return head.startswith(_MAGIC) and not head.startswith(_MAGIC + _NO_CIPHER)


class Client(asyncssh.SSHClient):
    """The callbacks of one connection.

    Attributes:
        failure: why signing in failed, where we know better than the server's refusal.
        lost: set when the connection is gone; `error` says why, where it was not closed in order.
    """

    max_attempts: ClassVar[int] = MAX_ATTEMPTS

    def __init__(self, asker: Asker, trust: Trust, identity: Identity | None, password: str) -> None:
        """Prepare to sign in.

        Args:
            asker: for what is missing.
            trust: decides on the host key.
            identity: the only way in, where there is one; more is answered if the server wants more than the key.
            password: the connection's; empty means that it is asked for.
        """
        self._asker = asker
        self._trust = trust
        self._identity = identity
        self._offered = False
        self._password = password
        self._password_used = False
        self._attempts = 0
        self._connection: asyncssh.SSHClientConnection | None = None
        self.failure: StatusError | None = None
        self.lost = asyncio.Event()
        self.error: Exception | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """See `asyncssh.SSHClient`."""
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncssh.SSHClient`."""
        self.error = exc
        self.lost.set()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """See `asyncssh.SSHClient`: a key that is none of the known ones."""
        return self._trust.accepts(key)

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """See `asyncssh.SSHClient`."""
        self._asker.show(msg)

    def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        """See `asyncssh.SSHClient`: asked a second time, the key was refused."""
        if self._identity is None:
            return None
        if self._offered:
            fingerprint = self._identity.key.get_fingerprint()
            self.failure = _refused(f"{self._trust.subject} did not accept the key {fingerprint}.")
            return None
        self._offered = True
        return self._identity.pair

    async def password_auth_requested(self) -> str | None:
        """See `asyncssh.SSHClient`."""
        answers = await self._answer([("Password: ", False)])
        return answers[0] if answers else None

    def kbdint_auth_requested(self) -> str | None:
        """See `asyncssh.SSHClient`: any way of asking will do."""
        return None if self._hopeless else ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """See `asyncssh.SSHClient`."""
        for text in (name, instructions):
            if text.strip():
                self._asker.show(text.rstrip("\n") + "\n")
        return await self._answer(prompts) if prompts else []

    @property
    def greeted(self) -> bool:
        """What answered said that it is an SSH server."""
        return self._connection is not None and bool(self._connection.get_extra_info("server_version"))

    @property
    def tried(self) -> bool:
        """Something was offered to the instance."""
        return self._offered or self._attempts > 0

    @property
    def _hopeless(self) -> bool:
        """Asking the person is pointless: the key or too many answers were refused."""
        return self.failure is not None or self._attempts >= self.max_attempts

    async def _answer(self, prompts: Sequence[tuple[str, bool]]) -> list[str] | None:
        """Answer with the connection's password where one is asked for, once; ask the person for the rest."""
        if self._hopeless:
            return None
        self._attempts += 1
        if len(prompts) > MAX_PROMPTS:
            self.failure = StatusError(
                Status.UPSTREAM_ERROR,
                f"{self._trust.subject} asks {len(prompts)} questions at once.",
                Hop.SIGN_IN,
            )
            return None
        answers = []
        for text, echo in prompts:
            if self._password and not echo and _PASSWORD_PROMPT.search(text):
                if self._password_used:
                    self.failure = _refused(f"{self._trust.subject} did not accept the password.")
                    return None
                self._password_used = True
                answers.append(self._password)
                continue
            try:
                answers.append(await self._asker.ask(text, secret=not echo))
            except StatusError as error:
                self.failure = error
                return None
        return answers


def _refused(reason: str) -> StatusError:
    return StatusError(Status.CLIENT_UNAUTHORIZED, reason, Hop.SIGN_IN)
