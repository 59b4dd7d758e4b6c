"""Long work for people in slices, so that whoever else is on this worker does not wait for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Slices"]

SLICE = 0.003
"""Seconds of work before others get their turn."""
REST = 0.003
"""Seconds that others get."""


class Slices:
    """Works through iterators whose steps are short, each of another name."""

    def __init__(self) -> None:
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, work: Iterator[object], then: Callable[[], None]) -> None:
        """Do the first slice now, the rest soon, then call `then`; work of the same name is given up."""
        self.stop(name)
        end = time.monotonic() + SLICE
        for _ in work:
            if time.monotonic() >= end:
                loop = asyncio.get_running_loop()
                self._timers[name] = loop.call_later(REST, self.start, name, work, then)
                return
        then()

    def runs(self, name: str) -> bool:
        """Whether there is more to do under a name."""
        return name in self._timers

    def stop(self, name: str) -> None:
        """Give work up."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Give everything up."""
        for name in list(self._timers):
            self.stop(name)
