"""The connector's end of the SSH connection: it dialled, yet here it is the server that a broker signs in to.

A broker may open streams to what the list permits and say the words of `control`; there is no shell, and nothing is
listened for but the gate, where the connector's own settings offer it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import asyncssh
import structlog
from asyncssh.forward import SSHForwarder

from connector.inside import DeniedError, NotReachedError
from proxyd.carrying import Reading, Turns, without_fillers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connector.dialing import Link
    from connector.inside import Inside
    from connector.keyfile import ConnectorKey

__all__ = ["KEEPALIVE", "KEEPALIVE_COUNT", "LOGIN_TIMEOUT", "USER", "Counts", "Serving"]

USER = "fanlight"
LOGIN_TIMEOUT = 10.0
CIPHERS = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
"""The broker's end chooses; all of them authenticate what they encrypt."""
KEEPALIVE, KEEPALIVE_COUNT = 10.0, 3
"""Seconds of silence after which the other end is asked for a sign of life, and how many it may owe."""
MAX_WORD = 1024
MAX_WORDS = 32
"""Words that are answered at a time; a broker says one or two."""
MAX_LOGGED_DENIALS = 100
"""Refused streams of one connection that are logged one by one; a broken-into broker shall not fill the disk."""


class Counts:
    """What goes on: streams and words that are open, and how many streams were opened and refused since the start."""

    def __init__(self) -> None:
        self.open = self.opened = self.denied = self.words = 0


class Serving(asyncssh.SSHServer):
    """One connection to a broker's daemon."""

    def __init__(
        self,
        key: ConnectorKey,
        inside: Inside,
        control: Callable[[str], Awaitable[dict[str, Any]]],
        counts: Counts,
        most: int,
        endpoint: str,
        gate: str = "",
    ) -> None:
        """Describe it.

        Args:
            key: whom to believe.
            inside: what may be opened.
            control: answers a control word.
            counts: of all connections.
            most: streams at a time.
            endpoint: where it goes, for the log.
            gate: `HOST:PORT` where it may be listened for the gate; empty is nowhere.
        """
        self._brokers = {asyncssh.import_public_key(line) for line in key.brokers}
        self._inside = inside
        self._control = control
        self._counts = counts
        self._most = most
        host, _, port = gate.rpartition(":")
        self._gate = (host.strip("[]").lower(), int(port)) if gate else None
        self._connection: asyncssh.SSHServerConnection | None = None
        self._turns = Turns()
        self.ended = "the broker closed the connection"
        """Why the connection ended, once it has."""
        self._log = structlog.get_logger("connector").bind(network=key.network, endpoint=endpoint)

    async def run(self, link: Link, key: ConnectorKey) -> asyncssh.SSHServerConnection:
        """Shake hands over what was dialled; returns once a broker has signed in.

        Raises:
            OSError, asyncssh.Error: it failed.
        """
        self._turns = link.turns
        return await asyncssh.connect_reverse(
            key.network,
            tunnel=link,
            config=None,
            server_factory=lambda: self,
            server_host_keys=[key.ssh_key()],
            login_timeout=LOGIN_TIMEOUT,
            keepalive_interval=KEEPALIVE,
            keepalive_count_max=KEEPALIVE_COUNT,
            password_auth=False,
            kbdint_auth=False,
            gss_host=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            compression_algs=None,
            encryption_algs=CIPHERS,
            encoding=None,
        )

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """It begins."""
        self._connection = conn
        without_fillers(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if exc is not None:
            self.ended = exc.reason if isinstance(exc, asyncssh.DisconnectError) else str(exc)

    # -- who calls -----------------------------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        """Everybody has to sign in."""
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        """By a key, and by nothing else."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether it is one of the brokers that the key file names."""
        return username == USER and key in self._brokers

    # -- what they want ------------------------------------------------------------------------------------------------

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        """A stream to a host inside."""
        del orig_host, orig_port
        return self._open(dest_host, dest_port)

    async def _open(self, host: str, port: int) -> SSHForwarder:
        if self._counts.open >= self._most:
            raise self._refused(host, port, "too many streams are open at the connector")
        self._counts.open += 1
        try:
            _, peer = await self._inside.open(lambda: _Inner(self._counts, self._turns), host, port)
        except DeniedError as error:
            self._counts.open -= 1
            raise self._refused(host, port, str(error)) from None
        except NotReachedError as error:
            self._counts.open -= 1
            self._log.info("stream failed", host=host[:255], port=port, reason=str(error))
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None
        except BaseException:
            self._counts.open -= 1
            raise
        self._counts.opened += 1
        self._log.info("stream opened", host=host[:255], port=port)
        return SSHForwarder(peer)

    def server_requested(self, listen_host: str, listen_port: int) -> Any:
        """Listening inside: for the gate, where it is offered, and nowhere else."""
        if (listen_host, listen_port) != self._gate:
            self._refused(listen_host, listen_port, "the connector listens there for nobody")
            return False
        return self._listen(listen_host, listen_port)

    async def _listen(self, host: str, port: int) -> asyncssh.SSHListener | bool:
        assert self._connection is not None
        try:
            listener = await self._connection.forward_local_port(host, port, host, port)
        except OSError as error:
            self._log.error("gate not offered", host=host, port=port, reason=error.strerror or str(error))
            return False
        self._log.info("gate offered", host=host, port=port)
        return listener

    def _refused(self, host: str, port: int, reason: str) -> asyncssh.ChannelOpenError:
        self._counts.denied += 1
        if self._counts.denied <= MAX_LOGGED_DENIALS or self._counts.denied % MAX_LOGGED_DENIALS == 0:
            self._log.warning(
                "stream denied", host=host[:255], port=port, reason=reason, denied=self._counts.denied
            )
        return asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, reason)

    def session_requested(self) -> asyncssh.SSHServerProcess[bytes] | bool:
        """A channel for a word; there are few at a time."""
        if self._counts.words >= MAX_WORDS:
            return False
        return _Words(self._counts, self._word)

    async def _word(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """An exec channel with one of the fixed words; anything else is told so."""
        word = process.command or ""
        answer = await self._control(word) if len(word) <= MAX_WORD else {"error": "the words are too long"}
        process.stdout.write(json.dumps(answer).encode())
        process.exit(1 if "error" in answer else 0)


class _Inner(SSHForwarder, asyncio.BufferedProtocol):
    """The end of a stream inside: it waits for its turn, and counts itself out."""

    def __init__(self, counts: Counts, turns: Turns) -> None:
        super().__init__()
        self._counts = counts
        self._reading = Reading(turns)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The target is there."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self._reading.begin(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `asyncio.BufferedProtocol`."""
        del sizehint
        return self._reading.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """The target sent something."""
        self.data_received(cast("bytes", self._reading.read(nbytes)))  # copied there
        self._reading.sent()

    def pause_reading(self) -> None:
        """The stream's window is used up."""
        self._reading.stop(self)

    def resume_reading(self) -> None:
        """It is open again."""
        self._reading.go_on(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is over."""
        self._counts.open -= 1
        self._reading.end()
        super().connection_lost(exc)


class _Words(asyncssh.SSHServerProcess[bytes]):
    """The channel of a word; counts itself in and out."""

    def __init__(self, counts: Counts, factory: Callable[[Any], Awaitable[None]]) -> None:
        super().__init__(factory, None, 3, allow_scp=False)
        self._counts = counts
        counts.words += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._counts.words -= 1
        super().connection_lost(exc)
