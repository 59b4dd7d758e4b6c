"""Opening an SSH connection: reach the instance, know it again, sign in. Every failure is one sentence that names the hop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncssh
import structlog

from proxyd.instances.host_keys import find_trust, pin
from proxyd.instances.ssh_agent import serving
from proxyd.instances.ssh_algorithms import algorithms
from proxyd.instances.ssh_auth import Client, load_key
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from proxyd.instances.host_keys import HostKeyFiles, Trust
    from proxyd.instances.parameters import Arguments
    from proxyd.instances.ssh_auth import Asker, Identity
    from proxyd.transport import Transport

__all__ = ["Connected", "Own", "connected"]

log = structlog.get_logger()

SIGN_IN_SECONDS = 30.0
"""How long an instance may take from one answer of the person to the next question, or to the end."""
CLOSE_SECONDS = 2.0
"""How long it may take to say goodbye."""
KEEPALIVE_COUNT = 3
"""Unanswered probes of `server-alive-interval` after which the connection counts as lost."""


class Connected(NamedTuple):
    """An open connection, signed in.

    Attributes:
        met: the fingerprint that was pinned just now, if the machine was met for the first time.
    """

    connection: asyncssh.SSHClientConnection
    client: Client
    met: str


class Own(NamedTuple):
    """What a process that runs as the person who signs in has of that person's; a daemon uses nothing of its host's.

    Attributes:
        trust: what the person knows of the machine.
        options: of `asyncssh.connect`, instead of a daemon's: keys, agent, compression.
        client: the callbacks.
    """

    trust: Trust
    options: Mapping[str, Any]
    client: Callable[[Asker, Trust, Identity | None, str], Client]


@contextlib.asynccontextmanager
async def connected(
    arguments: Arguments,
    transport: Transport,
    asker: Asker,
    files: HostKeyFiles,
    context: str = "",
    *,
    known_as: str = "",
    own: Own | None = None,
) -> AsyncIterator[Connected]:
    """Connect, and close in the end.

    Args:
        arguments: the connection's.
        transport: how the instance is reached.
        asker: for what is missing to sign in.
        files: of host keys.
        context: what log lines shall name.
        known_as: the name under which its host key is known, where neither `host-key-alias` says it nor it is the address.
        own: the means of whoever runs this process, where it is the person who signs in.

    Raises:
        StatusError: it did not work; the hop says where.
    """
    host, port = arguments.text("hostname"), arguments.number("port")
    name = arguments.text("host-key-alias") or known_as or host
    trust = (
        await asyncio.to_thread(find_trust, name, port, arguments.text("host-key"), files)
        if own is None
        else own.trust
    )
    user = arguments.text("username") or await asker.ask("Login as: ", secret=False)
    identity = await _identity(arguments, asker)
    async with contextlib.AsyncExitStack() as stack:
        agent = None
        if identity is not None and arguments.flag("enable-agent"):
            agent = await stack.enter_async_context(serving(identity.pair))
        patient = _PatientAsker(asker)
        kind = Client if own is None else own.client
        client = kind(patient, trust, identity, arguments.text("password"))
        try:
            async with asyncio.timeout(None) as patient.deadline:
                patient.wait()
                connection = await asyncssh.connect(
                    host,
                    port,
                    tunnel=_Dial(transport, arguments.number("timeout")),
                    client_factory=lambda: client,
                    username=user,
                    **{**_options(arguments, trust, agent), **(own.options if own is not None else {})},
                )
        except TimeoutError:
            silent = f"The SSH server of {trust.machine} does not answer."
            raise _failed(silent, Status.UPSTREAM_TIMEOUT) from None
        except (asyncssh.Error, OSError, ValueError) as error:
            raise _explained(error, client, trust) from None
        stack.push_async_callback(_close, connection)
        yield Connected(connection, client, await _remember(name, port, trust, files, context))


def _options(arguments: Arguments, trust: Trust, agent: str | None) -> dict[str, Any]:
    """What asyncssh shall do, and above all what it shall leave: this host's own keys, agents and configuration."""
    return {
        "config": None,
        "client_keys": None,
        "agent_path": None,
        "agent_forwarding": agent or False,
        "gss_host": None,
        "x509_trusted_certs": None,
        "known_hosts": (trust.keys, trust.authorities, trust.revoked),
        "preferred_auth": "publickey,password,keyboard-interactive"
        if arguments.text("password")
        else "publickey,keyboard-interactive,password",
        "login_timeout": 0,
        "keepalive_interval": arguments.number("server-alive-interval"),
        "keepalive_count_max": KEEPALIVE_COUNT,
        **algorithms(
            known=trust.types,
            authorities=bool(trust.authorities),
            legacy=arguments.flag("legacy-algorithms"),
        ),
    }


async def _identity(arguments: Arguments, asker: Asker) -> Identity | None:
    key = arguments.text("private-key")
    if not key.strip():
        return None
    return await load_key(key, arguments.text("passphrase"), arguments.text("public-key"), asker)


async def _remember(host: str, port: int, trust: Trust, files: HostKeyFiles, context: str) -> str:
    """Pin a key that was taken because nothing was known; returns its fingerprint."""
    if trust.shown is None:
        return ""
    fingerprint = trust.shown.get_fingerprint()
    log.info(
        "met an instance for the first time", connection=context, host=host, port=port, host_key=fingerprint
    )
    if files.pins is None:
        return ""
    await asyncio.to_thread(pin, host, port, trust.shown, files.pins)
    return fingerprint


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.wait_closed()
            return
    connection.abort()


def _explained(error: Exception, client: Client, trust: Trust) -> StatusError:
    """What went wrong while connecting, in a person's words."""
    if client.failure is not None:
        return client.failure
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return trust.failure()
        case asyncssh.PermissionDenied() | asyncssh.IllegalUserName():
            return _refused(f"{trust.subject} did not let this person in.")
        case asyncssh.KeyExchangeFailed():
            return _failed(
                f"The SSH server of {trust.machine} knows none of the algorithms that count as safe."
            )
        case asyncssh.DisconnectError() if client.tried:
            return _refused(f"{trust.subject} broke off while signing in.")
        case asyncssh.ConnectionLost() | OSError() if client.greeted:
            return _failed(
                f"The SSH server of {trust.machine} broke off: it may know only unsafe algorithms."
            )
    return _failed(
        f"What answers at {trust.machine} is no SSH server that can be understood, or it broke off."
    )


def _failed(reason: str, status: Status = Status.UPSTREAM_ERROR) -> StatusError:
    return StatusError(status, reason, Hop.INSTANCE)


def _refused(reason: str) -> StatusError:
    return StatusError(Status.CLIENT_UNAUTHORIZED, reason, Hop.SIGN_IN)


class _Dial:
    """A transport that gives up after the connection's own time."""

    def __init__(self, transport: Transport, seconds: int) -> None:
        self._transport = transport
        self._seconds = seconds

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Transport.create_connection`."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._transport.create_connection(protocol_factory, host, port)
        except TimeoutError:
            reason = f"{host} did not answer on port {port} within {self._seconds} seconds."
            raise _failed(reason, Status.UPSTREAM_TIMEOUT) from None


class _PatientAsker:
    """Asks, and stops the instance's clock while the person thinks."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self.deadline: asyncio.Timeout | None = None

    def wait(self) -> None:
        """The instance has its turn."""
        if self.deadline is not None and not self.deadline.expired():
            self.deadline.reschedule(asyncio.get_running_loop().time() + SIGN_IN_SECONDS)

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`."""
        if self.deadline is not None:
            self.deadline.reschedule(None)
        try:
            return await self._asker.ask(prompt, secret=secret)
        finally:
            self.wait()

    def show(self, text: str) -> None:
        """See `Asker.show`."""
        self._asker.show(text)
