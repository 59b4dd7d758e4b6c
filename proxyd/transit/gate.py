"""The instance gate inside private networks: a connector that offers it listens there, and what comes is led to the gate.

The connector's own settings say where, and that it may be; where the gate is, ours say. Neither can be told by the other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncssh
import structlog
from asyncssh.forward import SSHForwarder

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["MAX_STREAMS", "GateDoor"]

MAX_STREAMS = 200
"""Streams to the gate that one connector may have open."""
MAX_PLACE = 300
LISTEN_TIMEOUT = CONNECT_TIMEOUT = 10.0

log = structlog.get_logger()


class GateDoor:
    """Leads instances to the gate."""

    def __init__(self, address: str) -> None:
        """Say where it is.

        Args:
            address: `HOST:PORT` of the gate, as this machine reaches it; empty leads nobody anywhere.
        """
        self._gate = _place(address)

    async def offer(self, connection: asyncssh.SSHClientConnection, where: Any, network: str) -> None:
        """Have a connector listen for the gate, where it says that it does.

        Args:
            connection: to the connector.
            where: `HOST:PORT` inside, as it was told; anything else is no offer.
            network: whose connector it is, for the log.
        """
        place = _place(where) if isinstance(where, str) and len(where) <= MAX_PLACE else None
        if place is None:
            return
        bound = log.bind(network=network, where=where)
        if self._gate is None:
            bound.warning("a connector offers the gate, but gate-address does not say where it is")
            return
        try:
            async with asyncio.timeout(LISTEN_TIMEOUT):
                await connection.create_server(_Entrance(*self._gate, bound).enter, *place)
        except (asyncssh.Error, asyncssh.ChannelListenError, OSError, TimeoutError) as error:
            bound.warning("the gate is not offered in a private network", error=type(error).__name__)
        else:
            bound.info("the gate is offered in a private network")


class _Entrance:
    """Streams of one connector."""

    def __init__(self, host: str, port: int, bound: Any) -> None:
        self._host = host
        self._port = port
        self._log = bound
        self._open = 0

    def enter(self, host: str, port: int) -> Awaitable[SSHForwarder]:
        """A stream of an instance inside.

        Raises:
            asyncssh.ChannelOpenError: there are too many, or the gate does not listen.
        """
        del host, port  # the connector's word, which a token is not pinned to
        return self._enter()

    async def _enter(self) -> SSHForwarder:
        if self._open >= MAX_STREAMS:
            self._log.warning("the gate has too many streams of a connector", streams=self._open)
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "too many streams to the gate")
        self._open += 1
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, peer = await asyncio.get_running_loop().create_connection(
                    lambda: _Counted(self._left), self._host, self._port
                )
        except (OSError, TimeoutError) as error:
            self._left()
            self._log.warning("the gate cannot be reached", error=type(error).__name__)
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_CONNECT_FAILED, "the gate cannot be reached"
            ) from None
        except BaseException:
            self._left()
            raise
        return SSHForwarder(peer)

    def _left(self) -> None:
        self._open -= 1


class _Counted(SSHForwarder):
    """The end of a stream at the gate; says when it is over."""

    def __init__(self, left: Any) -> None:
        super().__init__()
        self._left = left

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is over."""
        self._left()
        super().connection_lost(exc)


def _place(text: str) -> tuple[str, int] | None:
    """Host and port of `HOST:PORT`; nothing where it is not of this form."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        return None
    return host.strip("[]").lower(), int(port)
