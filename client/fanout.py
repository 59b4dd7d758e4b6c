"""One command on many machines at once: who is reachable, what it wrote there, how it ended."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from client.banner import greeting
from client.hosts import HostError
from client.terminal import Nobody
from proxyd.instances.ssh_command import How, Stream, run_command
from proxyd.wire.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.connecting import Connecting
    from client.hosts import Host
    from proxyd.instances.ssh_command import Ended

__all__ = ["DEFAULT_LIMIT", "Fanout", "Job", "State", "hint"]

DEFAULT_LIMIT = 16
"""Machines at a time."""
_SUDO_REDIRECTS = re.compile(r"\bsudo\b[^|;&'\"]*>")


class State(StrEnum):
    """What became of one machine."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEEDS_INPUT = "needs input"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"

    @property
    def settled(self) -> bool:
        """Nothing more will happen."""
        return self not in {State.QUEUED, State.STARTING, State.RUNNING}


_STATES = {
    How.EXITED: State.FAILED,
    How.SIGNALLED: State.FAILED,
    How.TIMED_OUT: State.TIMED_OUT,
    How.NEEDS_INPUT: State.NEEDS_INPUT,
}


@dataclass
class Job:
    """One machine's part.

    Attributes:
        name: as it was typed.
        host: what the book says of it; None where it cannot be understood.
        started: Unix seconds.
        seconds: how long the command ran.
        stdout, stderr: what it wrote, together no more than `MAX_OUTPUT`.
        ended: how the command ended, where it began.
        error: why not; a sentence.
    """

    name: str
    host: Host | None = None
    state: State = State.QUEUED
    started: float | None = None
    seconds: float = 0.0
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    ended: Ended | None = None
    error: str = ""

    def take(self, stream: Stream, data: bytes) -> None:
        """The command wrote something."""
        (self.stdout if stream is Stream.OUT else self.stderr).extend(data)


class Fanout:
    """A command on its way to many machines.

    Attributes:
        jobs: in the given order.
        started, ended: Unix seconds.
    """

    def __init__(
        self,
        connecting: Connecting,
        command: str,
        names: Sequence[str],
        *,
        limit: int = DEFAULT_LIMIT,
        seconds: float = 0,
        probe: bool = True,
        told: Callable[[Job], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            connecting: how they are reached.
            command: what shall run.
            names: the machines.
            limit: how many at a time.
            seconds: how long the command may take on each; 0 is for ever.
            probe: first look whether an SSH server answers, through the real way.
            told: called whenever a job's state changed.
        """
        self.command = command
        self.jobs = [Job(name) for name in names]
        self.started = self.ended = 0.0
        self._connecting = connecting
        self._places = asyncio.Semaphore(limit)
        self._seconds = seconds
        self._probes = probe
        self._told = told
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def succeeded(self) -> bool:
        """Whether the command did what it should everywhere."""
        return all(job.state is State.SUCCEEDED for job in self.jobs)

    async def run(self) -> None:
        """Run it everywhere; whatever goes wrong stands in the jobs."""
        self.started = time.time()
        self._tasks = [asyncio.create_task(self._job(job), name=f"fanout {job.name}") for job in self.jobs]
        try:
            await asyncio.wait(self._tasks)
        finally:
            self.cancel()
            await asyncio.wait(self._tasks)
            self.ended = time.time()

    def cancel(self) -> None:
        """Tell every command that runs to stop, and begin no more."""
        for task in self._tasks:
            task.cancel()

    async def _job(self, job: Job) -> None:
        try:
            async with self._places:
                await self._attempt(job)
        except asyncio.CancelledError:
            if not job.state.settled:
                self._become(job, State.CANCELLED)
        except HostError as error:
            self._fail(job, State.REFUSED, str(error))
        except StatusError as error:
            self._fail(job, State.REFUSED, error.message)

    async def _attempt(self, job: Job) -> None:
        job.host = self._connecting.book.find(job.name)
        self._become(job, State.STARTING)
        if self._probes:
            reason = await self._probe(job)
            if reason:
                self._fail(job, State.UNAVAILABLE, reason)
                return
        async with self._connecting.open(job.name, Nobody()) as connection:
            job.started = time.time()
            before = time.monotonic()
            self._become(job, State.RUNNING)
            try:
                job.ended = await run_command(connection, self.command, job.take, seconds=self._seconds)
            finally:
                job.seconds = time.monotonic() - before
        self._become(job, State.SUCCEEDED if job.ended.good else _STATES[job.ended.how])

    async def _probe(self, job: Job) -> str:
        """Why no SSH server answers there; empty where one does."""
        assert job.host is not None
        transport = await self._connecting.transport(job.name)
        try:
            async with asyncio.timeout(self._connecting.timeout):
                greeted = await greeting(transport, job.host.address, job.host.port)
        except StatusError as error:
            return error.message
        except TimeoutError:
            return f"No SSH server answered within {self._connecting.timeout} seconds."
        return "" if greeted.startswith("SSH-") else "What answers is no SSH server."

    def _fail(self, job: Job, state: State, reason: str) -> None:
        job.error = reason
        self._become(job, state)

    def _become(self, job: Job, state: State) -> None:
        job.state = state
        self._told(job)


def hint(command: str) -> str:
    """What people should know of a command before it runs; mostly nothing."""
    if _SUDO_REDIRECTS.search(command):
        return "what stands behind > is written as yourself, not by sudo: pipe into `sudo tee FILE` instead"
    return ""
