"""File bytes over HTTP instead of through the page: blobs and acknowledgements taken out of a tunnel (sheet 6.3).

While a download or an upload is under way its tunnel is taken apart; otherwise it is only relayed.
"""

from __future__ import annotations

import asyncio
import binascii
from typing import TYPE_CHECKING, TypeVar

from proxyd.wire.instruction import BLOB_BYTES, Instruction, InstructionParser, encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection

    Send = Callable[[bytes], Awaitable[None]]

__all__ = ["Streams"]

MAX_WAITING = 64
"""Blobs that a daemon may send ahead of acknowledgements."""
ACK_TIMEOUT = 60.0
"""Seconds that the other side has to go on."""
WINDOW = 8
"""Blobs that are sent ahead of acknowledgements, so that a long way does not slow an upload to one for each turn."""

Result = TypeVar("Result")


class Streams:
    """The streams of one tunnel that HTTP requests carry."""

    def __init__(self, send: Send) -> None:
        """Begin with none.

        Args:
            send: sends instructions to the daemon.
        """
        self._send = send
        self._downloads: dict[str, asyncio.Queue[bytes | StatusError | None]] = {}
        self._uploads: dict[str, asyncio.Queue[Status]] = {}

    @property
    def active(self) -> bool:
        """Whether something has to be taken out."""
        return bool(self._downloads or self._uploads)

    def close(self) -> None:
        """The tunnel is over: whoever waits learns it."""
        gone = StatusError(Status.RESOURCE_CLOSED, "The tunnel was closed.")
        for downloading in self._downloads.values():
            downloading.put_nowait(gone)
        for uploading in self._uploads.values():
            uploading.put_nowait(Status.RESOURCE_CLOSED)

    async def download(self, index: int) -> AsyncGenerator[bytes]:
        """Ask for a stream that the daemon has opened, and yield its bytes.

        Raises:
            StatusError: it is fetched already, the daemon stalls, or the tunnel ends.
        """
        name = _name(index, self._downloads)
        waiting = self._downloads[name] = asyncio.Queue()
        finished = False
        try:
            while True:
                await self._send(encode("ack", name, "OK", Status.SUCCESS.code))
                piece = await _within(waiting.get())
                if isinstance(piece, StatusError):
                    raise piece
                if piece is None:
                    finished = True
                    return
                yield piece
        finally:
            del self._downloads[name]
            if not finished:  # lets the daemon close the file
                await self._send(encode("ack", name, "Closed", Status.RESOURCE_CLOSED.code))

    async def upload(self, index: int, pieces: AsyncIterator[bytes]) -> None:
        """Send bytes on a stream that the browser has opened; the browser ends it.

        Raises:
            StatusError: it is written already, the daemon refuses a piece or stalls, or the tunnel ends.
        """
        name = _name(index, self._uploads)
        answers = self._uploads[name] = asyncio.Queue()
        unanswered = 0
        try:
            async for piece in _cut(pieces):
                blob = binascii.b2a_base64(piece, newline=False).decode()
                await self._send(encode("blob", name, blob))
                unanswered += 1
                if unanswered == WINDOW:
                    await _accepted(answers)
                    unanswered -= 1
            for _ in range(unanswered):
                await _accepted(answers)
        finally:
            del self._uploads[name]

    # -- taken out of the daemon's instructions ------------------------------------------------------------------------

    def filter(self, data: bytes) -> bytes:
        """What is left for the browser of whole instructions from the daemon."""
        instructions = InstructionParser().feed(data)
        kept = [row for row in instructions if not self._take(row)]
        return data if len(kept) == len(instructions) else b"".join(row.encode() for row in kept)

    def _take(self, instruction: Instruction) -> bool:
        """Whether an instruction is ours alone; the end of a download is the browser's as well."""
        match instruction:
            case Instruction("blob", (name, data, *_)) if name in self._downloads:
                self._deliver(name, data)
                return True
            case Instruction("end", (name, *_)) if name in self._downloads:
                self._downloads[name].put_nowait(None)
                return False
            case Instruction("ack", (name, _, code, *_)) if name in self._uploads:
                number = int(code) if code.isascii() and code.isdigit() and len(code) < 6 else -1
                success = 0 <= number < Status.UNSUPPORTED.code
                if self._uploads[name].qsize() < WINDOW:  # more than were asked for mean nothing
                    self._uploads[name].put_nowait(Status.SUCCESS if success else Status.from_code(number))
                return True
        return False

    def _deliver(self, name: str, data: str) -> None:
        waiting = self._downloads[name]
        if waiting.qsize() > MAX_WAITING:
            return  # the failure stands in the queue
        if waiting.qsize() == MAX_WAITING:
            waiting.put_nowait(StatusError(Status.UPSTREAM_ERROR, "The daemon sent more than was asked for."))
            return
        try:
            waiting.put_nowait(binascii.a2b_base64(data))
        except (binascii.Error, ValueError):
            waiting.put_nowait(StatusError(Status.UPSTREAM_ERROR, "The daemon sent a broken piece."))


def _name(index: int, taken: Collection[str]) -> str:
    name = str(index)
    if name in taken:
        raise StatusError(Status.RESOURCE_CONFLICT, "This stream is in use by another request.")
    return name


async def _accepted(answers: asyncio.Queue[Status]) -> None:
    status = await _within(answers.get())
    if status is not Status.SUCCESS:
        raise StatusError(status, "The instance did not take the file.")


async def _within(waiting: Awaitable[Result]) -> Result:
    try:
        async with asyncio.timeout(ACK_TIMEOUT):
            return await waiting
    except TimeoutError:
        raise StatusError(Status.UPSTREAM_TIMEOUT, "The instance did not go on with the file.") from None


async def _cut(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces of the size of a blob; the last one may be shorter."""
    rest = b""
    async for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % BLOB_BYTES
        for start in range(0, whole, BLOB_BYTES):
            yield rest[start : start + BLOB_BYTES]
        rest = rest[whole:]
    if rest:
        yield rest
