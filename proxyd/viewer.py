"""One person looking at a session: its connection, its pace, its streams."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING

from proxyd.display.pacing import Pacer
from proxyd.files import Transfers
from proxyd.streams import InboundStreams, OutboundStreams
from proxyd.wire.instruction import encode
from proxyd.wire.status import EVIDENCE

if TYPE_CHECKING:
    from proxyd.instances.base import Notice
    from proxyd.wire.handshake import ClientInfo
    from proxyd.wire.status import StatusError

__all__ = ["Viewer"]

MSG_SINCE = (1, 5, 0)
NOTICE = 0x4000
"""Code of `msg`, ours: a word from `Notice` follows, and numbers. Browsers that do not know it ignore it."""
LINGER = 3.0
"""Seconds that a peer has to close after a goodbye."""
MAX_BACKLOG = 32 * 1024 * 1024
"""Bytes that may wait for the network: one huge frame fits; a viewer beyond it is dropped."""


class Viewer:
    """A connection that completed its handshake.

    Attributes:
        pacer: its flow control.
        images: image types it can show.
        live: whether it has everything drawn so far (the pump's).
        owner: whether it opened the session, or joined it again as who opened it.
        read_only: it may look, not touch.
        size: of its window, pixels.
        pressed: keys that it holds down.
        pointer: where its pointer is and which buttons it holds: x, y, mask.
    """

    def __init__(
        self, info: ClientInfo, transport: asyncio.WriteTransport, *, owner: bool, read_only: bool
    ) -> None:
        self.identifier = f"@{uuid.uuid4()}"
        self.info = info
        self.images = frozenset(info.image)
        self.owner = owner
        self.read_only = read_only
        self.size = info.width, info.height
        self.pressed: set[int] = set()
        self.pointer = 0, 0, 0
        self.pacer = Pacer()
        self.live = False
        self.inbound = InboundStreams()
        self.outbound = OutboundStreams()
        self.transfers = Transfers(self)
        self.sent_since_tick = True
        self._transport = transport
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was told goodbye: what still comes from it counts for nothing."""
        return self._closed

    def send(self, data: bytes) -> None:
        """Queue instructions for the network; a viewer that lets too much pile up is cut off."""
        if self._closed or not data:
            return
        self.sent_since_tick = True
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_BACKLOG:
            self._closed = True
            self._transport.abort()

    def tell(self, what: Notice, *details: int) -> None:
        """Tell something in passing."""
        if self.info.version >= MSG_SINCE:
            self.send(encode("msg", NOTICE, what.value, *details))

    def close(self, error: StatusError | None, reference: str) -> None:
        """Say goodbye: `error` where there is one, then `disconnect`.

        The connection closes once the peer has: a socket that is closed while input waits takes back what it sent.
        """
        if self._closed:
            return
        if error is not None and error.evidence and self.info.version >= MSG_SINCE:
            self.send(encode("msg", EVIDENCE, error.evidence))
        if error is not None:
            self.send(encode("error", plain(error.wire_text(reference)), error.status.code))
        self.send(encode("disconnect"))
        self._closed = True
        with contextlib.suppress(OSError):  # the peer was quicker
            if self._transport.can_write_eof():
                self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER, self._transport.abort)


def plain(text: str) -> str:
    """Text for clients that count UTF-16 units: supplementary characters are replaced (sheet section 13, no. 1)."""
    return "".join(character if character <= "\uffff" else "\ufffd" for character in text)
