"""Session recordings in guacd's own format: a copy of the instruction stream (sheet section 12).

Writing never blocks the session: bytes are collected on the loop and written by the shared pool. A disk that is full or
too slow ends the recording with one log line, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import BinaryIO

    from proxyd.instances.parameters import Arguments

__all__ = ["Recording", "create_file", "named"]

MAX_SUFFIX = 255
FLUSH_EVERY = 0.5
"""Seconds between writes."""
MAX_PENDING = 16 * 1024 * 1024
"""Bytes that may wait for the disk."""
FILE_MODE = 0o640
FOLDER_MODE = 0o750

log = structlog.get_logger()


def named(name: str, connection_id: str) -> str:
    """The name of a file with `${HISTORY_UUID}` filled in: under the session's own UUID its person finds it again."""
    return name.replace("${HISTORY_UUID}", connection_id.removeprefix("$"))


def create_file(folder: str, name: str, *, create_folder: bool, write_existing: bool) -> BinaryIO:
    """Open a file for a recording or typescript by guacd's rules.

    The file is made exclusively, with suffix .1 to .255 where the name is taken, and locked; an existing one is
    written from its start, not cut, with `write_existing`. `create_folder` makes the last component only.

    Raises:
        StatusError: the name is no plain file name, or nothing can be created there (SERVER_ERROR).
    """
    if not name or name in {".", ".."} or any(mark in name for mark in "/\\\0"):
        raise StatusError(Status.CLIENT_BAD_REQUEST, "The name of a recording is not a file name.")
    path = Path(folder)
    try:
        if create_folder:
            with contextlib.suppress(FileExistsError):
                path.mkdir(FOLDER_MODE)
        return _open(path, name, write_existing)
    except OSError as error:
        log.warning("a recording cannot be created", folder=folder, name=name, reason=error.strerror)
        raise StatusError(Status.SERVER_ERROR, "The recording of this session cannot be created.") from None


def _open(folder: Path, name: str, write_existing: bool) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    for suffix in ["", *(f".{number}" for number in range(1, MAX_SUFFIX + 1))]:
        try:
            descriptor = os.open(
                folder / (name + suffix), flags | (0 if write_existing else os.O_EXCL), FILE_MODE
            )
        except FileExistsError:
            continue
        file = os.fdopen(descriptor, "wb", buffering=0)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            if write_existing:
                continue
            raise
        return file
    raise OSError(errno.EEXIST, "every suffix is taken")


class Recording:
    """One file that instructions are appended to."""

    def __init__(self, file: BinaryIO, pool: Executor) -> None:
        self._file = file
        self._pool = pool
        self._pending: list[bytes] = []
        self._size = 0
        self._stopped = False

    @classmethod
    def wanted(cls, arguments: Arguments, pool: Executor, connection_id: str = "") -> Recording | None:
        """The recording that connection parameters ask for, if any.

        Args:
            arguments: of the connection.
            pool: writes.
            connection_id: the session's, for names that hold it.

        Raises:
            StatusError: it cannot be created: a session that must be recorded does not begin unrecorded.
        """
        folder = arguments.text("recording-path")
        if not folder:
            return None
        file = create_file(
            folder,
            named(arguments.text("recording-name"), connection_id),
            create_folder=arguments.flag("create-recording-path"),
            write_existing=arguments.flag("recording-write-existing"),
        )
        return cls(file, pool)

    def write(self, data: bytes) -> None:
        """Append; returns at once."""
        if self._stopped:
            return
        self._pending.append(data)
        self._size += len(data)
        if self._size > MAX_PENDING:
            self._stop("the disk is too slow")

    async def run(self) -> None:
        """Write what was appended until cancelled, then the rest. Returns by itself only when the disk failed."""
        try:
            while not self._stopped:
                await asyncio.sleep(FLUSH_EVERY)
                await self._flush()
        finally:
            await asyncio.shield(self._flush())
            self._file.close()

    async def _flush(self) -> None:
        pending, self._pending, self._size = self._pending, [], 0
        if not pending or self._stopped:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._pool, _write_all, self._file, b"".join(pending)
            )
        except OSError as error:
            self._stop(error.strerror or "the disk refused")

    def _stop(self, reason: str) -> None:
        self._stopped = True
        self._pending.clear()
        log.error("a recording has stopped", reason=reason)


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
