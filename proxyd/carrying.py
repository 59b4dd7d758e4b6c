"""An SSH connection that many streams share, at both of its ends: the transit process, and a connector.

asyncssh puts into a connection whatever the windows of its streams permit, however much waits there. Over a slow link a
key that is pressed would wait behind megabytes of another stream. `Turns` prevents that.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MARK",
    "PIECE",
    "Held",
    "Reading",
    "Shared",
    "Transport",
    "Turns",
    "bound_unsent",
    "without_fillers",
]

MARK = 32_768
"""Bytes that wait for the link before a stream that sends is read no further; so many may wait in the kernel besides."""
PIECE = 98_304
"""Bytes that are read at once: of a stream, which makes one packet, and of the link. A packet costs much, its length little,
up to 128 KiB: glibc gives larger copies back to the system, and the next one is mapped page by page."""
MSG_IGNORE = 2
"""The packet that says nothing, RFC 4253 section 11.2."""


class _Room(threading.local):
    """Where all sockets of a loop read to: what is there is passed on before the next one reads."""

    def __init__(self) -> None:
        self.piece = memoryview(bytearray(PIECE))


_ROOM = _Room()


class Transport(Protocol):
    """Opens byte streams; see `proxyd.transport.Transport`."""

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """Open one; returns (transport, protocol)."""


class Turns:
    """Who may put bytes into a link.

    While more than MARK bytes wait for it, a stream that has just put some there is read no further until they went; those
    that did not are still read. So everybody gets a turn, and what waits is bounded by the number of streams, not by windows.
    """

    def __init__(self) -> None:
        self._full = False
        self._held: dict[Reading, None] = {}

    def fill(self) -> None:
        """More than MARK bytes wait."""
        self._full = True

    def drain(self) -> None:
        """They went."""
        self._full = False
        held, self._held = self._held, {}
        for reading in held:
            reading.go_on(self)

    def sent(self, reading: Reading) -> None:
        """A stream put something there."""
        if self._full:
            self._held[reading] = None
            reading.stop(self)

    def forget(self, reading: Reading) -> None:
        """A stream is over."""
        self._held.pop(reading, None)


class Reading:
    """Reading from the socket of one stream. Several can stop it; it goes on when the last of them lets it."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._transport: asyncio.Transport | None = None
        self._stopped: set[object] = set()

    def begin(self, transport: asyncio.Transport) -> None:
        """The socket is there."""
        self._transport = transport
        if self._stopped:
            transport.pause_reading()

    def stop(self, why: object) -> None:
        """Read no further, for a reason."""
        self._stopped.add(why)
        if self._transport is not None:
            self._transport.pause_reading()

    def go_on(self, why: object) -> None:
        """The reason is gone."""
        self._stopped.discard(why)
        if self._transport is not None and not self._stopped:
            self._transport.resume_reading()

    def buffer(self) -> memoryview:
        """Where to read to; see `asyncio.BufferedProtocol.get_buffer`."""
        return _ROOM.piece

    def read(self, size: int) -> memoryview:
        """What was read to there; gone with the next reading of anybody."""
        return _ROOM.piece[:size]

    def sent(self) -> None:
        """What was read is in the connection."""
        self._turns.sent(self)

    def end(self) -> None:
        """The socket is gone."""
        self._transport = None
        self._turns.forget(self)


class Shared:
    """A transport for one SSH connection whose streams take turns.

    Attributes:
        turns: theirs.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.turns = Turns()

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Transport.create_connection`."""
        transport, entry = await self._transport.create_connection(
            lambda: _Entry(protocol_factory(), self.turns), host, port
        )
        return transport, entry.ssh


class Held:
    """A transport whose one connection is there already."""

    def __init__(self, connected: socket.socket) -> None:
        """Take a connected, non-blocking socket."""
        self._connected = connected

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Transport.create_connection`."""
        del host, port
        return await asyncio.get_running_loop().create_connection(protocol_factory, sock=self._connected)


class _Entry(asyncio.BufferedProtocol):
    """Stands between a link and asyncssh, which does not care how its link fares.

    It reads moderate pieces, for asyncssh copies all that it has not parsed with every packet.
    """

    def __init__(self, ssh: Any, turns: Turns) -> None:
        self.ssh = ssh
        self._turns = turns

    def connection_made(self, transport: Any) -> None:
        transport.set_write_buffer_limits(high=MARK)
        bound_unsent(transport.get_extra_info("socket"))
        self.ssh.connection_made(transport)

    def session_started(self) -> None:
        """Where the link is itself a stream of an SSH connection; see `asyncssh.SSHTCPSession`."""
        self.ssh.session_started()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return _ROOM.piece

    def buffer_updated(self, nbytes: int) -> None:
        self.ssh.data_received(bytes(_ROOM.piece[:nbytes]))

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """See `session_started`."""
        self.ssh.data_received(data, datatype)

    def eof_received(self) -> bool | None:
        self.ssh.eof_received()
        return None

    def pause_writing(self) -> None:
        self._turns.fill()

    def resume_writing(self) -> None:
        self._turns.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        self._turns.drain()
        self.ssh.connection_lost(exc)


def bound_unsent(connected: socket.socket | None) -> None:
    """Let the kernel take no more than MARK bytes that the network has no room for yet; what it took cannot be overtaken."""
    if connected is not None and connected.family in {socket.AF_INET, socket.AF_INET6}:
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MARK)


def without_fillers(connection: Any) -> None:
    """Let an `asyncssh.SSHConnection` send no empty packet ahead of each packet.

    It does so for ciphers in CBC mode, which leak how a packet begins (RFC 4251 section 9.3.1). The caller sees to it that
    only ciphers are agreed on that authenticate what they encrypt.
    """
    send = connection.send_packet

    @functools.wraps(send)
    def needed(kind: int, *parts: bytes, **options: Any) -> None:
        if kind != MSG_IGNORE:
            send(kind, *parts, **options)

    connection.send_packet = needed
