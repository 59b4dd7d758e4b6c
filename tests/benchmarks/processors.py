"""Which processes a piece of work keeps busy: processor time by part, of this process and all that it started."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from typing import Self

__all__ = ["CLIENT", "INSTANCE", "MODULES", "Processors"]

MODULES = {
    "proxyd.worker": "worker",
    "proxyd.transit": "transit process",
    "broker": "broker",
    "connector": "connector",
}
"""The parts of Fanlight by the modules that they run."""
INSTANCE, CLIENT = "instance's sshd", "client"
INSTANCE_PROGRAMS = ("sshd", "sftp-server")


class Processors:
    """Adds up what is used within `with`, as often as it is entered.

    Attributes:
        seconds: of processor time by part; `CLIENT` is this process.
        elapsed: seconds of wall time.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.elapsed = 0.0
        self._before: dict[str, float] = {}
        self._begun = 0.0

    def __enter__(self) -> Self:
        self._before = _used()
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.elapsed += time.perf_counter() - self._begun
        for part, seconds in _used().items():
            self.seconds[part] += seconds - self._before.get(part, 0.0)

    @property
    def busy(self) -> float:
        """How many processors were in use, on average."""
        return sum(self.seconds.values()) / self.elapsed


def _used() -> dict[str, float]:
    """Seconds of processor time so far, by part."""
    used: defaultdict[str, float] = defaultdict(float)
    ours = psutil.Process()
    for process in (ours, *ours.children(recursive=True)):
        try:
            part = _part(process)
            used[part] += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    return used


def _part(process: psutil.Process) -> str:
    if process.pid == os.getpid():
        return CLIENT
    if process.name().startswith(INSTANCE_PROGRAMS):
        return INSTANCE
    return next((MODULES[word] for word in process.cmdline() if word in MODULES), "others")
