"""Streams of one viewer, by index (sheet section 3.5): what it sends us, and indexes for what we send it."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Protocol

from proxyd.display.emit import stream
from proxyd.wire.instruction import encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["InboundStreams", "OutboundStreams", "Sink", "TextSink", "decode_blob"]

MAX_STREAMS = 512
"""Indexes a side may have open at once (0..511)."""


def decode_blob(text: str) -> bytes:
    """The bytes of a `blob`.

    Raises:
        StatusError: not base64.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise StatusError(Status.CLIENT_BAD_REQUEST, "A blob is not base64.") from None


class Sink(Protocol):
    """Where an inbound stream ends up."""

    acknowledges: bool
    """Whether blobs and the end are answered with `ack`."""

    def blob(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            StatusError: answered with its status; the stream is closed.
        """

    def end(self) -> None:
        """The stream is complete."""

    def drop(self) -> None:
        """The sender broke off: what came shall leave nothing behind."""


class TextSink:
    """Collects text up to a limit and hands it over at the end; what exceeds the limit is dropped, and `cut` told."""

    acknowledges = False

    def __init__(self, limit: int, deliver: Deliver, cut: Callable[[], None] | None = None) -> None:
        self._limit = limit
        self._deliver = deliver
        self._cut = cut
        self._too_long = False
        self._data = bytearray()

    def blob(self, data: bytes) -> None:
        """See `Sink.blob`."""
        room = self._limit - len(self._data)
        self._data += data[:room]
        self._too_long = self._too_long or len(data) > room

    def end(self) -> None:
        """See `Sink.end`."""
        self._deliver(self._data.decode("utf-8", "replace"))
        if self._too_long and self._cut is not None:
            self._cut()

    def drop(self) -> None:
        """See `Sink.drop`."""


class Deliver(Protocol):
    """Takes a finished text."""

    def __call__(self, text: str, /) -> object:
        """Take it."""


class InboundStreams:
    """Streams that a viewer has open towards us."""

    def __init__(self) -> None:
        self._sinks: dict[int, Sink] = {}

    def open(self, index: str, sink: Sink) -> None:
        """Open `index`; one that is open already ends first.

        Raises:
            StatusError: the index is outside 0..511.
        """
        number = _index(index)
        previous = self._sinks.pop(number, None)
        if previous is not None:
            previous.end()
        self._sinks[number] = sink

    def blob(self, index: str, text: str) -> bytes:
        """Pass a blob on; returns the `ack` to send, if any."""
        sink = self._sinks.get(_index(index))
        if sink is None:
            return ack(index, "Invalid stream index", Status.CLIENT_BAD_REQUEST)
        try:
            sink.blob(decode_blob(text))
        except StatusError as error:
            del self._sinks[_index(index)]
            return ack(index, error.message, error.status)
        return ack(index, "OK", Status.SUCCESS) if sink.acknowledges else b""

    def end(self, index: str, status: str = "0") -> bytes:
        """Finish a stream; returns the `ack` to send, if any.

        Args:
            index: the stream's.
            status: anything but 0 says that the sender broke off. Daemons that do not know it see an ordinary end.
        """
        sink = self._sinks.pop(_index(index), None)
        if sink is None:
            return ack(index, "Invalid stream index", Status.CLIENT_BAD_REQUEST)
        try:
            if status == "0":
                sink.end()
            else:
                sink.drop()
        except StatusError as error:
            return ack(index, error.message, error.status)
        return ack(index, "OK", Status.SUCCESS) if sink.acknowledges else b""


class OutboundStreams:
    """Indexes of streams towards one viewer. Even numbers: per viewer; odd ones are the session's broadcasts."""

    def __init__(self) -> None:
        self._used: set[int] = set()

    def push(self, head: tuple[str, ...], data: bytes, tail: tuple[str, ...] = ()) -> bytes:
        """A whole stream that needs no acknowledgement: head opcode, index, tail arguments, blobs, end."""
        index = self.allocate()
        try:
            return encode(head[0], *head[1:], index, *tail) + stream(index, data)
        finally:
            self.release(index)

    def allocate(self) -> int:
        """A free even index.

        Raises:
            StatusError: all are in use (CLIENT_TOO_MANY).
        """
        for index in range(0, 2 * MAX_STREAMS, 2):
            if index not in self._used:
                self._used.add(index)
                return index
        raise StatusError(Status.CLIENT_TOO_MANY, "Too many streams are open.")

    def release(self, index: int) -> None:
        """Give an index back."""
        self._used.discard(index)


def ack(index: str, message: str, status: Status) -> bytes:
    """An `ack` instruction."""
    return encode("ack", index, message, status.code)


def _index(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < MAX_STREAMS:
        return int(text)
    raise StatusError(Status.CLIENT_BAD_REQUEST, "Invalid stream index")
