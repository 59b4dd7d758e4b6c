"""Files between a browser and an instance: filesystem objects and their streams (sheet section 6).

An instance exposes a `Filesystem`; the owner's browser lists, downloads and uploads through it. Data is bounded by the
acknowledgements of whoever is slower: nothing is read ahead further than one read, nothing queued beyond one write.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pybase64
import structlog

from proxyd.display.emit import blobs
from proxyd.streams import ack
from proxyd.wire.instruction import BLOB_BYTES, encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from proxyd.viewer import Viewer

__all__ = [
    "BinaryReader",
    "BinaryWriter",
    "Download",
    "Entry",
    "Filesystem",
    "Pipe",
    "Transfers",
    "normal_path",
]

DIRECTORY = "application/vnd.glyptodon.guacamole.stream-index+json"
FILE = "application/octet-stream"
READ_SIZE = 32 * BLOB_BYTES
"""Bytes asked of the instance at a time; a library splits it into parallel requests."""
WINDOW = 16
"""Blobs that may wait for their `ack` during a download, so that a long path does not slow it to one per turn."""
MAX_QUEUED = 64
"""Blobs of an upload that may wait to be written; a sender that ignores `ack` beyond it is refused."""
MAX_ENTRIES = 50_000
"""Entries of one directory that are listed."""
MAX_PATH = 2047
MAX_DEPTH = 1024
MAX_TRANSFERS = 64
"""Transfers of one viewer at a time."""

log = structlog.get_logger()


class Entry(NamedTuple):
    """One name in a directory.

    Attributes:
        size: bytes; None where nobody says.
        modified: Unix seconds; None where nobody says.
    """

    name: str
    directory: bool
    size: int | None = None
    modified: int | None = None

    @property
    def mimetype(self) -> str:
        """What a listing says of it: parameters of a file's type, which clients that do not know them pass over."""
        if self.directory:
            return DIRECTORY
        facts = {"size": self.size, "modified": self.modified}
        return FILE + "".join(f";{fact}={number}" for fact, number in facts.items() if number is not None)


class BinaryReader(Protocol):
    """An open file on the instance."""

    async def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""

    async def close(self) -> None:
        """Done."""


class BinaryWriter(Protocol):
    """A file being written on the instance; it appears under its name only once `commit` returned."""

    async def write(self, data: bytes) -> None:
        """Append."""

    async def commit(self) -> None:
        """Everything was written: put it in place."""

    async def abort(self) -> None:
        """Leave nothing behind."""


class Filesystem(Protocol):
    """Files of an instance, as its person may see them. Paths are absolute and normal (see `normal_path`).

    Every method raises StatusError with the status that the browser is told.
    """

    name: str
    """What the browser calls it."""
    downloads: bool
    uploads: bool

    def list(self, path: str) -> AsyncIterator[Entry]:
        """The entries of a directory, without `.` and `..`."""

    async def is_directory(self, path: str) -> bool:
        """Whether the path names a directory, links followed."""

    async def read(self, path: str) -> BinaryReader:
        """Open a file."""

    async def write(self, path: str) -> BinaryWriter:
        """Begin a file; folders on the way to it that are missing are made."""

    def drop_path(self, filename: str) -> str:
        """Where a file without a path goes."""


def normal_path(path: str) -> str:
    r"""An absolute path without `.`, `..` and doubled separators; `/` and `\` both separate, `..` stops at the root.

    Raises:
        StatusError: it is not absolute, too long or too deep.
    """
    if not path or path[0] not in "/\\" or len(path) > MAX_PATH or "\0" in path:
        raise StatusError(Status.CLIENT_BAD_REQUEST, "This is not a path.")
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    if len(parts) > MAX_DEPTH:
        raise StatusError(Status.CLIENT_BAD_REQUEST, "This path is too deep.")
    return "/" + "/".join(parts)


class Transfers:
    """The transfers of one viewer, and the objects it may use."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._objects: list[Filesystem] = []
        self._outgoing: dict[int, Download | Pipe] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def filesystem(self) -> Filesystem | None:
        """The object that takes files without a path."""
        return self._objects[0] if self._objects else None

    def expose(self, filesystem: Filesystem) -> None:
        """Offer an object to the viewer."""
        self._viewer.send(encode("filesystem", len(self._objects), filesystem.name))
        self._objects.append(filesystem)

    def get(self, index: str, path: str) -> None:
        """`get`: answer with a directory listing or a file. What cannot be had is not answered, as guacd does."""
        filesystem = self._object(index)
        if filesystem is not None:
            self._start(self._answer(filesystem, index, path), "get")

    def put(self, index: str, stream: str, path: str) -> None:
        """`put`: take an upload to a path."""
        filesystem = self._object(index)
        if filesystem is None:
            self._refuse(stream, "No such object.", Status.RESOURCE_NOT_FOUND)
        else:
            self._upload(filesystem, stream, lambda: normal_path(path))

    def file(self, stream: str, name: str) -> None:
        """`file`: take an upload that names no directory."""
        filesystem = self.filesystem
        if filesystem is None:
            self._refuse(stream, "File transfer unsupported", Status.UNSUPPORTED)
        elif not name or name in {".", ".."} or any(mark in name for mark in "/\\\0"):
            self._refuse(stream, "SFTP: Illegal filename", Status.CLIENT_BAD_REQUEST)
        else:
            self._upload(filesystem, stream, lambda: normal_path(filesystem.drop_path(name)))

    def ack(self, index: str, code: str) -> None:
        """`ack`: the viewer took a blob, or wants no more."""
        if index.isascii() and index.isdigit() and len(index) < 6:
            outgoing = self._outgoing.get(int(index))
            if outgoing is not None:
                outgoing.acknowledged(code == "0")

    def send_file(self, reader: BinaryReader, name: str) -> bool:
        """Offer a file to the viewer, which may save it; False where too many transfers run."""
        return self._start(self._download(("file",), (FILE, name), reader), "file")

    def open_pipe(self, name: str) -> Pipe:
        """Begin a named stream of text to the viewer."""
        index = self._viewer.outbound.allocate()

        def release() -> None:
            del self._outgoing[index]
            self._viewer.outbound.release(index)

        pipe = self._outgoing[index] = Pipe(index, self._viewer.send, release)
        self._viewer.send(encode("pipe", index, "text/plain", name))
        return pipe

    def close(self) -> set[asyncio.Task[None]]:
        """The viewer is gone: stop everything; half-written files are removed. Returns what is still at it."""
        for task in self._tasks:
            task.cancel()
        return set(self._tasks)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _object(self, index: str) -> Filesystem | None:
        known = index.isascii() and index.isdigit() and len(index) < 4 and int(index) < len(self._objects)
        return self._objects[int(index)] if known else None

    def _refuse(self, stream: str, message: str, status: Status) -> None:
        self._viewer.send(ack(stream, message, status))

    def _start(self, work: Coroutine[None, None, None], name: str) -> bool:
        if len(self._tasks) >= MAX_TRANSFERS:
            work.close()
            return False
        task = asyncio.create_task(self._quietly(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _quietly(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except StatusError as error:
            log.info("a transfer failed", status=error.status.name, reason=error.message)

    async def _answer(self, filesystem: Filesystem, index: str, path: str) -> None:
        target = normal_path(path)
        reader: BinaryReader
        if await filesystem.is_directory(target):
            mimetype, reader = DIRECTORY, _Listing(filesystem.list(target), path)
        elif filesystem.downloads:
            mimetype, reader = FILE, await filesystem.read(target)
        else:
            raise StatusError(Status.CLIENT_FORBIDDEN, "Downloads are switched off.")
        await self._download(("body", index), (mimetype, path), reader)

    async def _download(self, head: tuple[str, ...], tail: tuple[str, ...], reader: BinaryReader) -> None:
        outbound = self._viewer.outbound
        index = outbound.allocate()
        download = self._outgoing[index] = Download(index, self._viewer.send)
        try:
            self._viewer.send(encode(*head, index, *tail))
            await download.run(reader)
        finally:
            del self._outgoing[index]
            outbound.release(index)
            await reader.close()

    def _upload(self, filesystem: Filesystem, stream: str, target: Callable[[], str]) -> None:
        if not filesystem.uploads:
            self._refuse(stream, "SFTP: Upload disabled", Status.CLIENT_FORBIDDEN)
            return
        upload = _Upload(stream, self._viewer.send)
        self._viewer.inbound.open(stream, upload)
        self._start(upload.run(filesystem, target), "put")


class Download:
    """One stream towards the viewer, blob by blob as it acknowledges."""

    def __init__(self, index: int, send: Callable[[bytes], None]) -> None:
        self._index = index
        self._send = send
        self._credit = 0  # blobs that may be sent now; the first ack opens the window
        self._opened = False
        self._refused = False
        self._changed = asyncio.Event()

    def acknowledged(self, wanted: bool) -> None:
        """The viewer answered the head or a blob."""
        if not wanted:
            self._refused = True
        elif not self._opened:
            self._opened = True
            self._credit = WINDOW
        else:
            self._credit = min(self._credit + 1, WINDOW)
        self._changed.set()

    async def run(self, reader: BinaryReader) -> None:
        """Send everything; returns early when the viewer wants no more."""
        try:
            while not self._refused and (data := await reader.read(READ_SIZE)):
                for start in range(0, len(data), BLOB_BYTES):
                    if not await self._may_send():
                        return
                    text = pybase64.b64encode_as_string(data[start : start + BLOB_BYTES])
                    self._send(encode("blob", self._index, text))
            if await self._may_send():
                self._send(encode("end", self._index))
        except StatusError:
            self._send(encode("end", self._index))
            raise

    async def _may_send(self) -> bool:
        while self._credit == 0 and not self._refused:
            self._changed.clear()
            await self._changed.wait()
        self._credit -= 1
        return not self._refused


class Pipe:
    """A named stream that a program writes to the viewer; it is pushed, not paced (sheet section 3.5)."""

    def __init__(self, index: int, send: Callable[[bytes], None], release: Callable[[], None]) -> None:
        self._index = index
        self._send = send
        self._release = release
        self._open = True
        self._refused = False

    def acknowledged(self, wanted: bool) -> None:
        """The viewer takes it, or not: then nothing more is sent."""
        self._refused = self._refused or not wanted

    def write(self, data: bytes) -> None:
        """Append."""
        if self._open and not self._refused:
            self._send(blobs(self._index, data))

    def close(self) -> None:
        """No more will come."""
        if self._open:
            self._open = False
            self._release()
            if not self._refused:
                self._send(encode("end", self._index))


class _Upload:
    """One stream from the viewer into a file; blobs are acknowledged once there is room for more."""

    acknowledges = False

    def __init__(self, stream: str, send: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._send = send
        self._queue: list[bytes] = []
        self._ended = False
        self._failed: StatusError | None = None
        self._changed = asyncio.Event()

    def blob(self, data: bytes) -> None:
        """See `Sink.blob`."""
        if self._failed is not None:
            raise self._failed
        if len(self._queue) >= MAX_QUEUED:
            self._failed = StatusError(Status.CLIENT_OVERRUN, "The upload did not wait for acknowledgements.")
            self._changed.set()
            raise self._failed
        self._queue.append(data)
        self._changed.set()

    def end(self) -> None:
        """See `Sink.end`."""
        self._ended = True
        self._changed.set()

    def drop(self) -> None:
        """See `Sink.drop`."""
        self._failed = self._failed or StatusError(Status.RESOURCE_CLOSED, "The upload was stopped.")
        self._changed.set()

    async def run(self, filesystem: Filesystem, target: Callable[[], str]) -> None:
        """Write what comes; the file appears only when all of it was written."""
        try:
            writer = await filesystem.write(target())
        except StatusError as error:
            self._fail(error)
            raise
        self._answer("SFTP: File opened", Status.SUCCESS)
        try:
            await self._copy(writer)
            await writer.commit()
        except StatusError as error:
            await writer.abort()
            self._fail(error)
            raise
        except asyncio.CancelledError:
            await asyncio.shield(writer.abort())
            raise
        self._answer("SFTP: OK", Status.SUCCESS)

    async def _copy(self, writer: BinaryWriter) -> None:
        while True:
            while not self._queue and not self._ended and self._failed is None:
                self._changed.clear()
                await self._changed.wait()
            if self._failed is not None:
                raise self._failed
            blobs, self._queue = self._queue, []
            if not blobs:
                return
            for _ in blobs:  # room again: the viewer may send while we write
                self._answer("SFTP: OK", Status.SUCCESS)
            await writer.write(b"".join(blobs))

    def _fail(self, error: StatusError) -> None:
        self._failed = error
        self._answer(error.message, error.status)

    def _answer(self, message: str, status: Status) -> None:
        self._send(ack(self._stream, message, status))


class _Listing:
    """A directory as the JSON object that browsers expect, made while it is read."""

    def __init__(self, entries: AsyncIterator[Entry], path: str) -> None:
        self._entries = entries
        self._prefix = path if path.endswith("/") else path + "/"
        self._count = 0
        self._done = False

    async def read(self, size: int) -> bytes:
        """See `BinaryReader.read`."""
        if self._done:
            return b""
        text = ["{" if self._count == 0 else ""]
        length = 0
        async for entry in self._entries:
            name = self._prefix + entry.name
            if len(name) > MAX_PATH:
                continue
            piece = f"{',' if self._count else ''}{json.dumps(name)}:{json.dumps(entry.mimetype)}"
            text.append(piece)
            self._count += 1
            length += len(piece)
            if self._count >= MAX_ENTRIES:
                break
            if length >= size:
                return "".join(text).encode()
        self._done = True
        return ("".join(text) + "}").encode()

    async def close(self) -> None:
        """See `BinaryReader.close`."""
        self._done = True
