"""Both directions of the connection's bytes, and the protection that a security type may put around them."""

from __future__ import annotations

from typing import Protocol

from proxyd.rfb.buffer import Buffer

__all__ = ["Channel", "Link"]


class Channel(Protocol):
    """Encryption of everything that follows."""

    def receive(self, data: bytes) -> bytes:
        """Plain text that `data` completes.

        Raises:
            RfbError: the cipher text is broken.
        """

    def send(self, data: bytes) -> bytes:
        """Cipher text of `data`."""


class Link:
    """What the parts of the core read from and write to.

    Attributes:
        buffer: plain bytes from the server.
    """

    def __init__(self) -> None:
        self.buffer = Buffer()
        self._outgoing = bytearray()
        self._channel: Channel | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes from the socket.

        Raises:
            RfbError: the protection is broken.
        """
        if data:
            self.buffer.feed(self._channel.receive(data) if self._channel else data)

    def send(self, data: bytes) -> None:
        """Queue bytes for the server."""
        self._outgoing += self._channel.send(data) if self._channel else data

    def taken(self) -> bytes:
        """Bytes for the socket; they are not kept."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def protect(self, channel: Channel) -> None:
        """Protect everything from here on, what is buffered already included.

        Raises:
            RfbError: the buffered bytes are broken.
        """
        self._channel = channel
        self.buffer.feed(channel.receive(self.buffer.drained()))
