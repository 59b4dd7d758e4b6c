"""Bytes between a worker's socket and a stream through a carrier, with back-pressure both ways."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import asyncssh

from proxyd.carrying import Reading

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from proxyd.carrying import Turns

__all__ = ["Far", "join"]

HIGH_WATER = 1 << 20
"""Bytes that wait for a worker before reading from the instance stops."""


class Far(asyncssh.SSHTCPSession[bytes]):
    """The stream's end at the carrier. It keeps still until `join` gives it a worker."""

    def __init__(self, ended: Callable[[], None], turns: Turns) -> None:
        """Begin without a stream.

        Args:
            ended: called once, when it is over or never began.
            turns: of the connection's streams.
        """
        self.reading = Reading(turns)
        self._ended: Callable[[], None] | None = ended
        self._channel: asyncssh.SSHTCPChannel[bytes] | None = None
        self._near: asyncio.Transport | None = None
        self._over = False

    # -- asyncssh's side ---------------------------------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        """See `asyncssh.SSHTCPSession`."""
        self._channel = chan
        chan.pause_reading()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """See `asyncssh.SSHTCPSession`."""
        if self._near is not None:
            self._near.write(data)

    def eof_received(self) -> bool:
        """See `asyncssh.SSHTCPSession`: the other direction may stay open."""
        if self._near is not None and not self._near.is_closing():
            self._near.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncssh.SSHTCPSession`."""
        self._channel = None
        self._over = True
        if self._near is not None:
            self._near.close()
        self._end()

    def pause_writing(self) -> None:
        """See `asyncssh.SSHTCPSession`: the instance is slower than the worker."""
        self.reading.stop(self)

    def resume_writing(self) -> None:
        """See `asyncssh.SSHTCPSession`."""
        self.reading.go_on(self)

    # -- the worker's side -------------------------------------------------------------------------------------------

    def joined(self, near: asyncio.Transport) -> None:
        """A worker is there: let bytes pass."""
        self._near = near
        self.reading.begin(near)
        if self._channel is not None:
            self._channel.resume_reading()
        if self._over:
            near.close()

    def write(self, size: int) -> None:
        """Bytes from the worker: so many were read."""
        if self._channel is not None:
            self._channel.write(cast("bytes", self.reading.read(size)))  # copied there
            self.reading.sent()

    def write_eof(self) -> None:
        """The worker says no more."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write_eof()

    def pause(self) -> None:
        """The worker is slower than the instance."""
        if self._channel is not None:
            self._channel.pause_reading()

    def resume(self) -> None:
        """It keeps up again."""
        if self._channel is not None:
            self._channel.resume_reading()

    def close(self) -> None:
        """The worker is gone."""
        self.reading.end()
        if self._channel is not None:
            self._channel.close()
        else:
            self._end()

    def _end(self) -> None:
        if self._ended is not None:
            ended, self._ended = self._ended, None
            ended()


class _Near(asyncio.BufferedProtocol):
    """The worker's socket."""

    def __init__(self, far: Far) -> None:
        self._far = far

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._far.joined(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._far.reading.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self._far.write(nbytes)

    def eof_received(self) -> bool:
        self._far.write_eof()
        return True

    def pause_writing(self) -> None:
        self._far.pause()

    def resume_writing(self) -> None:
        self._far.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self._far.close()


async def join(worker: socket.socket, far: Far) -> Any:
    """Let bytes pass between a worker's socket, which is taken over, and a stream that was opened."""
    loop = asyncio.get_running_loop()
    return await loop.connect_accepted_socket(lambda: _Near(far), worker)
