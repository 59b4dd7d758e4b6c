"""Through another machine: signing in at a jump host over any transport, and streams that leave from there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import asyncssh

from proxyd.carrying import PIECE
from proxyd.instances.host_keys import find_trust
from proxyd.instances.parameters import Arguments
from proxyd.instances.ssh_auth import Client, Naming
from proxyd.instances.ssh_connection import Own, connected
from proxyd.instances.ssh_parameters import PARAMETERS
from proxyd.transport import RefusedError
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from proxyd.instances.host_keys import HostKeyFiles
    from proxyd.instances.ssh_auth import Asker
    from proxyd.transport import Transport
    from proxyd.wire.route import JumpHost

__all__ = ["Leaving", "signed_in"]

ALIVE_SECONDS = 20
"""Seconds of silence after which a gateway is probed; some close logins that idle."""
MAX_ROUNDS = 9
"""Rounds of questions: three times a password, a code and a choice of how to get it."""
STREAM_WINDOW = 4 << 20
"""Bytes of one stream that may be under way."""
MAX_PACKET = PIECE


class _GatewayClient(Client):
    max_attempts = MAX_ROUNDS


@contextlib.asynccontextmanager
async def signed_in(
    host: JumpHost, transport: Transport, asker: Asker, files: HostKeyFiles, timeout: float
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Sign in at a jump host, and leave it in the end.

    Args:
        host: where.
        transport: how it is reached.
        asker: for one-time codes and whatever else it wants to know.
        files: of host keys; its own are looked up under its alias.
        timeout: seconds for it to answer.

    Raises:
        StatusError: it did not work; the sentence names the machine, the hop is GATEWAY, or HOST_KEY.
    """
    name = host.host_key_alias or host.address
    try:
        trust = await asyncio.to_thread(find_trust, name, host.port, host.host_key, files)
        trust.machine = f"the gateway {host.alias}"
        arguments = Arguments(
            PARAMETERS,
            {
                "hostname": host.address,
                "port": str(host.port),
                "host-key-alias": name,
                "username": host.user,
                "password": host.password,
                "private-key": host.private_key,
                "passphrase": host.passphrase,
                "timeout": str(round(timeout)),
                "server-alive-interval": str(ALIVE_SECONDS),
            },
        )
        own = Own(
            trust,
            {"compression_algs": ["zlib@openssh.com", "none"] if host.compression else ["none"]},
            _GatewayClient,
        )
        async with contextlib.AsyncExitStack() as stack:
            named = Naming(asker, f"Gateway {host.alias}")
            opened = connected(arguments, transport, named, files, host.alias, own=own)
            yield (await stack.enter_async_context(opened)).connection
    except StatusError as error:
        raise _named(error, host) from None


def _named(error: StatusError, host: JumpHost) -> StatusError:
    if isinstance(error, RefusedError):
        reason = f"Nothing listens on port {host.port} of the gateway {host.alias}."
        return StatusError(error.status, reason, Hop.GATEWAY)
    if error.hop is Hop.INSTANCE or error.hop is Hop.SIGN_IN:
        return StatusError(error.status, error.message, Hop.GATEWAY)
    return error


class Leaving:
    """A transport whose streams leave from another machine."""

    def __init__(self, connection: asyncssh.SSHClientConnection, machine: str, timeout: float) -> None:
        """See `Transport`.

        Args:
            connection: to that machine.
            machine: what it is called in a sentence: `the gateway corp`.
            timeout: seconds for a stream to open.
        """
        self._connection = connection
        self._machine = machine
        self._timeout = timeout
        self._opening: set[asyncio.Task[Any]] = set()

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Transport.create_connection`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._open(protocol_factory, host, port)
        except TimeoutError:
            reason = f"{host} did not answer {self._machine} on port {port} within {self._timeout:g} seconds."
            raise StatusError(Status.UPSTREAM_TIMEOUT, reason, Hop.INSTANCE) from None
        except asyncssh.ChannelOpenError as error:
            raise _refused(error, self._machine, host, port) from None
        except (asyncssh.Error, OSError):
            reason = f"The connection to {self._machine} was lost."
            raise StatusError(Status.UPSTREAM_UNAVAILABLE, reason, Hop.GATEWAY) from None

    async def _open(self, protocol_factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """Open a stream. One that nobody waits for any more is closed when it comes: its opening cannot be taken back."""
        opening = asyncio.create_task(
            self._connection.create_connection(
                protocol_factory, host, port, window=STREAM_WINDOW, max_pktsize=MAX_PACKET
            ),
            name=f"open {host}:{port}",
        )
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise


def _close_late(opening: asyncio.Task[Any]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


_UNKNOWN_NAMES = ("unknown host", "name or service", "name resolution", "not known", "nodename")
_SILENCES = ("timed out", "timeout")


def _refused(error: asyncssh.ChannelOpenError, machine: str, host: str, port: int) -> StatusError:
    """What a machine says when it cannot open a stream, in a person's words; its own are used as a hint only."""
    reason = error.reason.lower()
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return StatusError(
            Status.CLIENT_FORBIDDEN,
            f"{_capital(machine)} forbids streams to port {port} of {host} (administratively prohibited).",
            Hop.GATEWAY,
        )
    if any(word in reason for word in _UNKNOWN_NAMES):
        return StatusError(
            Status.UPSTREAM_NOT_FOUND, f"{_capital(machine)} does not know the name {host}.", Hop.INSTANCE
        )
    if "refused" in reason:
        return RefusedError(host, port)
    if any(word in reason for word in _SILENCES):
        return StatusError(
            Status.UPSTREAM_TIMEOUT, f"{host} did not answer {machine} on port {port}.", Hop.INSTANCE
        )
    return StatusError(
        Status.UPSTREAM_UNAVAILABLE, f"{_capital(machine)} cannot reach {host} on port {port}.", Hop.INSTANCE
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
