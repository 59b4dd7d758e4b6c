"""Connecting as the person who runs this: their keys and agent, their known hosts, through machines on the way."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import asyncssh

from client.places import known_hosts, ssh_folder
from client.terminal import Nobody, Terminal
from proxyd.instances.host_keys import HostKeyFiles, Trust, find_trust
from proxyd.instances.parameters import Arguments
from proxyd.instances.ssh_auth import Client, Naming, load_key
from proxyd.instances.ssh_connection import Own, connected
from proxyd.instances.ssh_parameters import PARAMETERS
from proxyd.transport import Direct
from proxyd.transport.jump import Leaving
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from client.hosts import Host, HostBook
    from proxyd.instances.ssh_auth import Asker, Identity
    from proxyd.transport import Transport

__all__ = ["Connecting", "Keys", "RouteError", "find_keys"]

USUAL_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
MAX_KEY = 1 << 20
"""Bytes of a key file."""
ALIVE_SECONDS = 30
"""Seconds of silence after which a connection is probed; gateways close those that idle."""


class RouteError(StatusError):
    """A connection failed. The sentence names the machine, the error's hop says what of it."""

    def __init__(self, host: str, error: StatusError) -> None:
        named = error.message if host in error.message else f"{host}: {error.message}"
        super().__init__(error.status, named, error.hop)


class Keys(NamedTuple):
    """A person's private keys.

    Attributes:
        open: ready for use; with certificates where there are any.
        locked: files that want a passphrase, which is asked for when a server refuses everything else.
    """

    open: tuple[asyncssh.SSHKeyPair, ...] = ()
    locked: tuple[Path, ...] = ()


def find_keys(files: Sequence[str]) -> Keys:
    """The keys in these files, or in those that OpenSSH's client tries. Reads files: call it off the loop.

    Raises:
        StatusError: a file that is named cannot be read as a key.
    """
    paths = [Path(name).expanduser() for name in files] or [ssh_folder() / name for name in USUAL_KEYS]
    ready: list[asyncssh.SSHKeyPair] = []
    locked = []
    for path in paths:
        try:
            if path.stat().st_size > MAX_KEY:
                raise ValueError
            ready += asyncssh.load_keypairs([str(path)])
        except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError, ValueError) as error:
            if "passphrase" not in str(error).lower():
                raise _no_key(path, "is no private key") from None
            locked.append(path)
        except OSError as error:
            if files:
                raise _no_key(path, f"cannot be read: {os.strerror(error.errno or 0)}") from None
    return Keys(tuple(ready), tuple(locked))


def _no_key(path: Path, reason: str) -> StatusError:
    return StatusError(Status.CLIENT_UNAUTHORIZED, f"The key file {path} {reason}.", Hop.SIGN_IN)


class Person(Client):
    """Signs in with what the person has: open keys and the agent first (asyncssh's), then locked keys, then questions."""

    def __init__(
        self, locked: Sequence[Path], asker: Asker, trust: Trust, identity: Identity | None, password: str
    ) -> None:
        """See `Client`; `locked` are files of keys with a passphrase."""
        super().__init__(asker, trust, identity, password)
        self._locked = list(locked)

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:  # type: ignore[override]
        """See `asyncssh.SSHClient`: called when every open key was refused."""
        if not self._locked:
            return None
        path = self._locked.pop(0)
        self._asker.show(f"{path} is locked.\n")
        try:
            text = await asyncio.to_thread(path.read_text)
            return (await load_key(text, "", "", self._asker)).pair
        except StatusError as error:
            self.failure = error
            return None


@dataclass
class _Login:
    """One machine on a way, for all who pass."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    connection: asyncssh.SSHClientConnection | None = None
    attempts: int = 0
    failure: StatusError | None = None


@dataclass
class Connecting:
    """Opens connections to hosts of a book. A context manager: what it signed in to on the way is kept until its end.

    Attributes:
        book: where they are.
        asker: for what is missing to sign in.
        accept_new: take the key of a machine that is met for the first time without asking.
        timeout: seconds for a machine to answer.
        known: the person's known hosts.
        once: a machine on the way that failed is not tried again for others behind it; else only those who waited share that.
    """

    book: HostBook
    asker: Asker = field(default_factory=Terminal)
    accept_new: bool = False
    timeout: int = 10
    known: Path = field(default_factory=known_hosts)
    once: bool = False
    _logins: dict[tuple[Host, ...], _Login] = field(default_factory=dict, init=False)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @contextlib.asynccontextmanager
    async def open(
        self, typed: str, asker: Asker | None = None, *, private: str = ""
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Connect to `user@alias`, through the machines on the way; closed in the end, those on the way are not.

        Args:
            typed: as a person typed it.
            asker: for the machine itself, where nobody shall be asked as on the way to it.
            private: text of a private key that is all there is to sign in with at the machine itself.

        Raises:
            RouteError: a machine refused; the sentence names it.
            HostError: the name or the way cannot be understood.
        """
        *before, host = self.book.way(typed)
        transport = await self._through(tuple(before))
        async with contextlib.AsyncExitStack() as stack:
            yield await self._enter(host, transport, asker or self.asker, stack, private)

    async def transport(self, typed: str) -> Transport:
        """The way to a machine, without it: streams leave from the last machine before it.

        Raises:
            RouteError, HostError: see `open`.
        """
        return await self._through(tuple(self.book.way(typed)[:-1]))

    async def at(self, typed: str) -> Transport:
        """A machine from which streams leave: signed in there, once.

        Raises:
            RouteError, HostError: see `open`.
        """
        return await self._through(tuple(self.book.way(typed)))

    async def _through(self, way: tuple[Host, ...]) -> Transport:
        """Sign in once at every machine on a way, whoever needs it, and again where that was lost.

        A refusal is everybody's who waits for it: a token locks itself after some wrong codes.
        """
        if not way:
            return Direct(self.timeout)
        login = self._logins.setdefault(way, _Login())
        attempts = login.attempts
        async with login.turn:
            if login.failure is not None and (self.once or login.attempts > attempts):
                raise login.failure
            if login.connection is None or login.connection.is_closed():
                login.connection = await self._attempt(login, way)
            return Leaving(login.connection, way[-1].alias, self.timeout)

    async def _attempt(self, login: _Login, way: tuple[Host, ...]) -> asyncssh.SSHClientConnection:
        login.attempts += 1
        try:
            transport = await self._through(way[:-1])
            connection = await self._enter(way[-1], transport, self.asker, self._stack)
        except StatusError as error:
            login.failure = error
            raise
        login.failure = None
        return connection

    async def _enter(
        self,
        host: Host,
        transport: Transport,
        asker: Asker,
        stack: contextlib.AsyncExitStack,
        private: str = "",
    ) -> asyncssh.SSHClientConnection:
        """Sign in at one machine; one that is met for the first time is asked about, then entered anew."""
        try:
            trust = await asyncio.to_thread(self._trust, host)
            try:
                return await self._sign_in(host, transport, asker, trust, stack, private)
            except StatusError:
                if trust.shown is None or not trust.first_time:
                    raise
            await self._meet(host, trust.shown, asker)
            known = Trust(keys=[trust.shown], machine=host.alias)
            return await self._sign_in(host, transport, asker, known, stack, private)
        except StatusError as error:
            raise RouteError(host.alias, error) from None

    async def _sign_in(
        self,
        host: Host,
        transport: Transport,
        asker: Asker,
        trust: Trust,
        stack: contextlib.AsyncExitStack,
        private: str,
    ) -> asyncssh.SSHClientConnection:
        options: dict[str, Any] = {
            "compression_algs": ["zlib@openssh.com", "none"] if host.compression else ["none"]
        }
        person: Callable[..., Client] = Client
        if not private:
            keys = await asyncio.to_thread(find_keys, host.key)
            person = functools.partial(Person, keys.locked)
            options["client_keys"] = list(keys.open) or None
            options["agent_path"] = os.environ.get("SSH_AUTH_SOCK") or None
        arguments = Arguments(
            PARAMETERS,
            {
                "hostname": host.address,
                "port": str(host.port),
                "username": host.user,
                "timeout": str(self.timeout),
                "server-alive-interval": str(ALIVE_SECONDS),
                "private-key": private,
            },
        )
        asker = Nobody() if private else Naming(asker, host.alias)
        opened = connected(arguments, transport, asker, HostKeyFiles(), own=Own(trust, options, person))
        return (await stack.enter_async_context(opened)).connection

    def _trust(self, host: Host) -> Trust:
        trust = find_trust(*host.known_as, "", HostKeyFiles(known=self.known, strict=True))
        trust.machine = host.alias
        return trust

    async def _meet(self, host: Host, key: asyncssh.SSHKey, asker: Asker) -> None:
        """Ask about a machine that nobody knows, and remember it under its alias."""
        if not self.accept_new:
            asker.show(f"{host.alias} is met for the first time. Its host key is {key.get_fingerprint()}.\n")
            answer = await asker.ask("Is that the right machine (yes/no)? ", secret=False)
            if answer.strip().lower() != "yes":
                raise StatusError(
                    Status.SERVER_ERROR,
                    f"The host key {key.get_fingerprint()} was not accepted.",
                    Hop.HOST_KEY,
                )
        await asyncio.to_thread(_remember, self.known, host, key)


def _remember(path: Path, host: Host, key: asyncssh.SSHKey) -> None:
    """Add a line in the format of known_hosts, as OpenSSH's client does."""
    name, port = host.known_as
    shown = name if port == 22 else f"[{name}]:{port}"
    line = f"{shown} {key.export_public_key().decode().strip()}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not find_trust(name, port, "", HostKeyFiles(known=path)).first_time:
                return  # another connection was quicker
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(line.encode())
    except OSError as error:
        reason = f"{path} cannot be written: {os.strerror(error.errno or 0)}."
        raise StatusError(Status.SERVER_ERROR, reason, Hop.HOST_KEY) from None
