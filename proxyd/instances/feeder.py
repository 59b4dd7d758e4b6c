"""Between a fast program and its terminal: output is collected, and interpreted in slices that leave time for others."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Feeder"]

LIMIT = 1024 * 1024
"""Bytes that wait at most; beyond, reading stops."""
RESUME_BELOW = LIMIT // 4
SLICE = 0.003
"""Seconds of interpreting before others get their turn."""
REST = 0.006
"""Seconds between slices while output keeps coming: it gathers, and much at once is quicker than often a little."""
DRAIN = 0.5
"""Seconds of interpreting after the end."""
MIN_BATCH, MAX_BATCH = 4 * 1024, 64 * 1024
"""Bytes interpreted without looking at the clock, by the speed of those before."""
FLOOD_BATCH = 384 * 1024
"""The same of a flood that a terminal skips: it can do so only if it sees much at once."""
SKIP_SPEED = 60e6
"""Bytes a second at least while a terminal skips."""
SCREEN_SECONDS = 0.005
"""What it may take to interpret a screen before what is skipped, and one after it."""
PROBE_EVERY = 0.5
"""Seconds after which a flood that was interpreted is tried again."""


class Feeder:
    """Give it output with `push`; it calls `consume` with pieces of it, soon."""

    def __init__(
        self, consume: Callable[[bytes], bool], pause: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        """Begin empty.

        Args:
            consume: interprets some output; true if it kept a part, to be called again for it with nothing new.
            pause: stops reading from the program.
            resume: reads again.
        """
        self._consume = consume
        self._pause = pause
        self._resume = resume
        self._waiting = bytearray()
        self._kept = False
        self._paused = False
        self._timer: asyncio.Handle | None = None
        self._rest_until = 0.0
        self._batch = MIN_BATCH
        self._skips = False
        self._probe_at = 0.0
        self._closed = False

    def push(self, data: bytes) -> None:
        """Take output. It is interpreted in this turn of the loop after a silence, else with what follows it."""
        self._waiting += data
        if len(self._waiting) > LIMIT and not self._paused:
            self._paused = True
            self._pause()
        self._schedule()

    def hurry(self) -> None:
        """Somebody waits for the answer to a key: interpret what comes next at once."""
        self._rest_until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._schedule()

    def drain(self) -> None:
        """Interpret what waits, now: nothing more will come. What would take too long is lost."""
        end = time.monotonic() + DRAIN
        while (self._waiting or self._kept) and time.monotonic() < end:
            self._feed()

    def close(self) -> None:
        """Forget what waits."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._timer is not None or self._closed or not (self._waiting or self._kept):
            return
        loop = asyncio.get_running_loop()
        wait = self._rest_until - time.monotonic()
        self._timer = loop.call_soon(self._slice) if wait <= 0 else loop.call_later(wait, self._slice)

    def _slice(self) -> None:
        self._timer = None
        end = time.monotonic() + SLICE
        while (self._waiting or self._kept) and time.monotonic() < end:
            self._feed()
        self._rest_until = time.monotonic() + REST
        if self._paused and len(self._waiting) < RESUME_BELOW:
            self._paused = False
            self._resume()
        self._schedule()

    def _feed(self) -> None:
        """Interpret a batch."""
        data = b"" if self._kept else bytes(self._waiting[: self._size()])
        del self._waiting[: len(data)]
        began = time.thread_time()
        self._kept = self._consume(data)
        self._learn(len(data), max(time.thread_time() - began, 1e-6))

    def _size(self) -> int:
        """How much to interpret next: a flood in large pieces, if they are skipped; else as much as a slice suggests."""
        if len(self._waiting) >= MAX_BATCH:
            if self._skips:
                return FLOOD_BATCH
            if time.monotonic() >= self._probe_at:
                return MAX_BATCH
        return self._batch

    def _learn(self, size: int, took: float) -> None:
        """Remember how quick the terminal was. The clock is the thread's: a busy machine makes no flood slower."""
        if size >= MAX_BATCH:
            self._skips = took < SCREEN_SECONDS + size / SKIP_SPEED and not self._kept
            self._probe_at = time.monotonic() + PROBE_EVERY
        if size >= self._batch:
            fitting = int(size * SLICE / 2 / took)
            self._batch = max(MIN_BATCH, min(fitting, 2 * self._batch, MAX_BATCH))
