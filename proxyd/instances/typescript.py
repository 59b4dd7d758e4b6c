"""Typescripts as script(1) writes and scriptreplay(1) reads them: the output, and when how much of it came."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from proxyd.recording import create_file

if TYPE_CHECKING:
    from typing import BinaryIO

    from proxyd.instances.parameters import Arguments

__all__ = ["Typescript"]

log = structlog.get_logger()

BEGIN = b"[BEGIN TYPESCRIPT]\n"
END = b"\n[END TYPESCRIPT]\n"
MAX_DELAY = 86_400.0
"""Seconds; a longer silence counts as this."""
FLUSH_EVERY = 1.0
"""Seconds between writes."""
MAX_PENDING = 16 << 20
"""Bytes that may wait for the disk."""


class Typescript:
    """The two files of one session. Writing never blocks it; a disk that is too slow ends the typescript."""

    def __init__(self, output: BinaryIO, timing: BinaryIO, now: float) -> None:
        """Begin.

        Args:
            output: for what the program writes.
            timing: for delays and sizes.
            now: seconds, monotonic.
        """
        self._files = output, timing
        self._output: list[bytes] = [BEGIN]
        self._timing: list[bytes] = []
        self._last = now
        self._size = 0
        self._stopped = False

    @classmethod
    def wanted(cls, arguments: Arguments) -> Typescript | None:
        """The typescript that connection parameters ask for, if any.

        Raises:
            StatusError: it cannot be created: a session that must be recorded does not begin unrecorded.
        """
        folder = arguments.text("typescript-path")
        if not folder:
            return None
        name = arguments.text("typescript-name")
        rules = {
            "create_folder": arguments.flag("create-typescript-path"),
            "write_existing": arguments.flag("typescript-write-existing"),
        }
        output = create_file(folder, name, **rules)
        try:
            timing = create_file(folder, f"{name}.timing", **rules)
        except BaseException:
            output.close()
            raise
        return cls(output, timing, time.monotonic())

    def write(self, data: bytes, now: float) -> None:
        """Append output; returns at once.

        Args:
            data: what the program wrote.
            now: seconds, monotonic.
        """
        if self._stopped or not data:
            return
        delay, self._last = min(max(now - self._last, 0.0), MAX_DELAY), now
        self._output.append(data)
        self._timing.append(b"%.6f %d\n" % (delay, len(data)))
        self._size += len(data)
        if self._size > MAX_PENDING:
            self._stop("the disk is too slow")

    async def run(self) -> None:
        """Write what was appended until cancelled; then the rest."""
        try:
            while not self._stopped:
                await asyncio.sleep(FLUSH_EVERY)
                await self._flush()
        finally:
            self._output.append(END)
            await asyncio.shield(self._flush())
            for file in self._files:
                file.close()

    async def _flush(self) -> None:
        """Write both files, the output first: timing must never promise more than there is."""
        parts = [b"".join(self._output), b"".join(self._timing)]
        self._output, self._timing, self._size = [], [], 0
        if not self._stopped:
            try:
                await asyncio.to_thread(self._write_all, parts)
            except OSError as error:
                self._stop(error.strerror or "the disk refused")

    def _write_all(self, parts: list[bytes]) -> None:
        for file, data in zip(self._files, parts, strict=True):
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]

    def _stop(self, reason: str) -> None:
        self._stopped = True
        self._output, self._timing = [], []
        log.warning("a typescript ended before its session", reason=reason)
