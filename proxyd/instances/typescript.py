"""Typescripts: what a program wrote and when, as scriptreplay(1) or asciinema plays it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from proxyd.instances.asciicast import Asciicast
from proxyd.recording import create_file, named
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from proxyd.instances.parameters import Arguments

__all__ = ["Format", "Script", "Typescript"]

log = structlog.get_logger()

BEGIN = b"[BEGIN TYPESCRIPT]\n"
END = b"\n[END TYPESCRIPT]\n"
MAX_DELAY = 86_400.0
"""Seconds; a longer silence counts as this."""
FLUSH_EVERY = 1.0
"""Seconds between writes."""
MAX_PENDING = 16 << 20
"""Bytes that may wait for the disk."""


class Format(Protocol):
    """How a session is written down: every method returns what to append to each file. Times are seconds, monotonic."""

    def begin(self, columns: int, rows: int, terminal: str, now: float, date: float) -> tuple[bytes, ...]:
        """A program starts in a terminal of this size and TERM; `date` is seconds since 1970."""

    def output(self, data: bytes, now: float) -> tuple[bytes, ...]:
        """The program wrote something."""

    def resize(self, columns: int, rows: int, now: float) -> tuple[bytes, ...]:
        """The terminal has another size."""

    def end(self, now: float) -> tuple[bytes, ...]:
        """The session is over."""


class Script:
    """Two files as script(1) writes and scriptreplay(1) reads them: the output, and when how much of it came."""

    def begin(self, columns: int, rows: int, terminal: str, now: float, date: float) -> tuple[bytes, bytes]:
        """See `Format.begin`."""
        self._last = now
        return BEGIN, b""

    def output(self, data: bytes, now: float) -> tuple[bytes, bytes]:
        """See `Format.output`."""
        delay, self._last = min(max(now - self._last, 0.0), MAX_DELAY), now
        return data, b"%.6f %d\n" % (delay, len(data))

    def resize(self, columns: int, rows: int, now: float) -> tuple[bytes, bytes]:
        """See `Format.resize`: there is no place for it."""
        return b"", b""

    def end(self, now: float) -> tuple[bytes, bytes]:
        """See `Format.end`."""
        return END, b""


class _Kind(NamedTuple):
    """A format, what is appended to the name of each of its files, and whether a longer file would spoil it."""

    form: type[Format]
    suffixes: tuple[str, ...]
    cut: bool


_FORMATS = {
    "script": _Kind(Script, ("", ".timing"), cut=False),
    "asciicast": _Kind(Asciicast, ("",), cut=True),
}
"""By the value of `typescript-format`."""


class Typescript:
    """The files of one session. Writing never blocks it; a disk that is full or too slow ends the typescript."""

    def __init__(self, form: Format, files: Sequence[BinaryIO]) -> None:
        """Begin with nothing written; `begin` comes first."""
        self._format = form
        self._files = files
        self._pending: list[tuple[bytes, ...]] = []
        self._size = 0
        self._begun = False
        self._stopped = False

    @classmethod
    def wanted(cls, arguments: Arguments, connection_id: str = "") -> Typescript | None:
        """The typescript that connection parameters ask for, if any.

        Args:
            arguments: of the connection.
            connection_id: the session's, for names that hold it.

        Raises:
            StatusError: it cannot be created: a session that must be recorded does not begin unrecorded.
        """
        folder = arguments.text("typescript-path")
        if not folder:
            return None
        kind = _FORMATS.get(arguments.text("typescript-format"))
        if kind is None:
            raise StatusError(Status.CLIENT_BAD_REQUEST, "There is no typescript-format of this name.")
        files: list[BinaryIO] = []
        try:
            for suffix in kind.suffixes:
                file = create_file(
                    folder,
                    named(arguments.text("typescript-name"), connection_id) + suffix,
                    create_folder=arguments.flag("create-typescript-path"),
                    write_existing=arguments.flag("typescript-write-existing"),
                )
                files.append(file)
                if kind.cut:
                    file.truncate()
        except BaseException:
            _close(files)
            raise
        return cls(kind.form(), files)

    def begin(self, columns: int, rows: int, terminal: str) -> None:
        """A program starts in a terminal of this size and TERM."""
        self._begun = True
        self._append(self._format.begin(columns, rows, terminal, time.monotonic(), time.time()))

    def write(self, data: bytes, now: float) -> None:
        """Append output; returns at once.

        Args:
            data: what the program wrote.
            now: seconds, monotonic.
        """
        if data:
            self._append(self._format.output(data, now))

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._append(self._format.resize(columns, rows, time.monotonic()))

    async def run(self) -> None:
        """Write what was appended until cancelled; then the rest. Returns by itself only when the disk failed."""
        try:
            while not self._stopped:
                await asyncio.sleep(FLUSH_EVERY)
                await self._flush()
        finally:
            if self._begun:
                self._append(self._format.end(time.monotonic()))
            await asyncio.shield(self._flush())
            _close(self._files)

    def _append(self, parts: tuple[bytes, ...]) -> None:
        if self._stopped:
            return
        self._pending.append(parts)
        self._size += sum(map(len, parts))
        if self._size > MAX_PENDING:
            self._stop("the disk is too slow")

    async def _flush(self) -> None:
        """Write all files, the output first: timing must never promise more than there is."""
        pending, self._pending, self._size = self._pending, [], 0
        if pending and not self._stopped:
            try:
                await asyncio.to_thread(self._write_all, pending)
            except OSError as error:
                self._stop(error.strerror or "the disk refused")

    def _write_all(self, pending: list[tuple[bytes, ...]]) -> None:
        for file, parts in zip(self._files, zip(*pending, strict=True), strict=True):
            view = memoryview(b"".join(parts))
            while view:
                view = view[file.write(view) :]

    def _stop(self, reason: str) -> None:
        self._stopped = True
        self._pending = []
        log.warning("a typescript ended before its session", reason=reason)


def _close(files: Sequence[BinaryIO]) -> None:
    for file in files:
        file.close()
