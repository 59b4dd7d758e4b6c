"""Child processes of the supervisor: the workers, and the transit process. Each is replaced when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from typing import TYPE_CHECKING

import structlog

from proxyd.control import Control, Dispatch, Drain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.settings import Settings

__all__ = ["Child", "Transit", "Worker"]

RESTART_DELAY = 1.0
"""Seconds before a child that lived less than this is replaced, so that a broken start does not spin."""
STOP_TIMEOUT = 10.0
"""Seconds that a child has to end its sessions."""

log = structlog.get_logger()


class Child:
    """One child process, reached by a control socket."""

    MODULE: str
    """What it runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._control: Control | None = None
        self._started = 0.0

    @property
    def name(self) -> str:
        """What log lines call it."""
        return self.MODULE

    @property
    def alive(self) -> bool:
        """Whether it can be reached."""
        return self._control is not None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process is not None else 0

    def arguments(self) -> Sequence[str]:
        """Of its command line, after the control socket's number."""
        return ()

    def descriptors(self) -> Sequence[int]:
        """That it inherits beside the control socket."""
        return ()

    def finished(self, connection_id: str) -> None:
        """It reports that a session is over."""

    def died(self) -> None:
        """Nothing of it is left."""

    async def start(self) -> None:
        """Begin the process."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.MODULE,
                str(theirs.fileno()),
                *self.arguments(),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=[theirs.fileno(), *self.descriptors()],
                start_new_session=False,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(self._settings.model_dump_json().encode())
        self._process.stdin.close()
        self._started = time.monotonic()
        self._control = Control(ours)

    async def supervise(self) -> None:
        """Take its reports, and replace the process whenever it dies."""
        while True:
            assert self._control is not None
            assert self._process is not None
            while (finished := await self._control.finished()) is not None:
                self.finished(finished.connection_id)
            control, self._control = self._control, None
            control.close()
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()  # it closed its control socket: nothing can reach it any more
            code = await self._process.wait()
            log.error("a child process died", child=self.name, pid=self.pid, code=code)
            self.died()
            if time.monotonic() - self._started < RESTART_DELAY:
                await asyncio.sleep(RESTART_DELAY)
            await self.start()

    async def take(self, connection: socket.socket, dispatch: Dispatch) -> None:
        """Pass a connection on.

        Raises:
            OSError: the process just died.
        """
        if self._control is None:
            raise ConnectionResetError
        await self._control.dispatch(dispatch, connection)

    async def stop(self) -> None:
        """Ask the process to end what it serves and go; insist after a while."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._control is not None:
            self._control.close()


class Worker(Child):
    """Serves sessions; the supervisor knows which."""

    MODULE = "proxyd.worker"

    def __init__(self, settings: Settings, number: int, transit: str) -> None:
        """See `Child`.

        Args:
            settings: the daemon's.
            number: among the workers, from 0.
            transit: the path of the transit process's socket.
        """
        super().__init__(settings)
        self.number = number
        self.sessions: set[str] = set()
        self._transit = transit

    @property
    def name(self) -> str:
        """See `Child.name`."""
        return f"worker {self.number}"

    def arguments(self) -> Sequence[str]:
        """See `Child.arguments`."""
        return (self._transit,)

    def finished(self, connection_id: str) -> None:
        """See `Child.finished`."""
        self.sessions.discard(connection_id)

    def died(self) -> None:
        """See `Child.died`."""
        log.error("sessions were lost", worker=self.number, sessions=len(self.sessions))
        self.sessions.clear()

    async def begin(self, connection: socket.socket, dispatch: Dispatch) -> None:
        """Pass on a connection that opens a session.

        Raises:
            OSError: see `take`.
        """
        self.sessions.add(dispatch.connection_id)
        try:
            await self.take(connection, dispatch)
        except OSError:
            self.sessions.discard(dispatch.connection_id)
            raise

    async def drain(self, seconds: float) -> None:
        """Have it begin no more sessions, and tell people."""
        if self._control is not None:
            await self._control.send(Drain(seconds))


class Transit(Child):
    """Holds what stands before instances; see `proxyd.transit`."""

    MODULE = "proxyd.transit"

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        """See `Child`; `listener` is where workers call, and stays while processes come and go."""
        super().__init__(settings)
        self._listener = listener

    @property
    def name(self) -> str:
        """See `Child.name`."""
        return "the transit process"

    def arguments(self) -> Sequence[str]:
        """See `Child.arguments`."""
        return (str(self._listener.fileno()),)

    def descriptors(self) -> Sequence[int]:
        """See `Child.descriptors`."""
        return (self._listener.fileno(),)
