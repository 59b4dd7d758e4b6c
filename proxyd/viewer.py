"""One person looking at a session: its connection, its pace, its streams."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from proxyd.display.pacing import Pacer
from proxyd.files import Transfers
from proxyd.streams import InboundStreams, OutboundStreams
from proxyd.wire.instruction import encode

if TYPE_CHECKING:
    import asyncio

    from proxyd.wire.handshake import ClientInfo
    from proxyd.wire.status import StatusError

__all__ = ["Viewer"]

MAX_BACKLOG = 32 * 1024 * 1024
"""Bytes that may wait for the network: one huge frame fits; a viewer beyond it is dropped."""


class Viewer:
    """A connection that completed its handshake.

    Attributes:
        pacer: its flow control.
        images: image types it can show.
        live: whether it has everything drawn so far (the pump's).
        owner: whether it opened the session.
        read_only: it may look, not touch.
    """

    def __init__(
        self, info: ClientInfo, transport: asyncio.WriteTransport, *, owner: bool, read_only: bool
    ) -> None:
        self.identifier = f"@{uuid.uuid4()}"
        self.info = info
        self.images = frozenset(info.image)
        self.owner = owner
        self.read_only = read_only
        self.pacer = Pacer()
        self.live = False
        self.inbound = InboundStreams()
        self.outbound = OutboundStreams()
        self.transfers = Transfers(self)
        self.sent_since_tick = True
        self._transport = transport
        self._closed = False

    def send(self, data: bytes) -> None:
        """Queue instructions for the network; a viewer that lets too much pile up is cut off."""
        if self._closed or not data:
            return
        self.sent_since_tick = True
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_BACKLOG:
            self._closed = True
            self._transport.abort()

    def close(self, error: StatusError | None, reference: str) -> None:
        """Say goodbye: `error` where there is one, then `disconnect`, then close the connection."""
        if self._closed:
            return
        if error is not None:
            self.send(encode("error", plain(error.wire_text(reference)), error.status.code))
        self.send(encode("disconnect"))
        self._closed = True
        self._transport.close()


def plain(text: str) -> str:
    """Text for clients that count UTF-16 units: supplementary characters are replaced (sheet section 13, no. 1)."""
    return "".join(character if character <= "\uffff" else "\ufffd" for character in text)
