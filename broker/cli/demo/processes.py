"""The programs a demo starts: each in a process group of its own, each gone when the demo is."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Program", "end_group"]

GRACE = 6.0
"""Seconds between the polite signal and SIGKILL."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """In the child, on Linux: be told to end when the parent is killed and can no longer say so."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def end_group(process: asyncio.subprocess.Process, first: signal.Signals, grace: float = GRACE) -> None:
    """Signal the leader, and after `grace` seconds kill whatever is left of its group."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(first)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


class Program:
    """One running program whose output goes to a log file."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
        folder: Path | None = None,
    ) -> Program:
        """Start `command`; Ctrl-C in the terminal does not reach it, `stop` does.

        Args:
            name: what a person calls it.
            command: program and arguments.
            log: where its output goes; an older log is replaced.
            environment: its environment; None is our own.
            keep: file descriptors it inherits.
            folder: where it starts; None is our own working directory.

        Raises:
            CommandError: it cannot be executed.
        """
        with log.open("wb") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    cwd=folder,
                    pass_fds=keep,
                    process_group=0,
                    preexec_fn=_end_with_parent,
                )
            except OSError as error:
                raise CommandError(f"{name} could not be started: {error.strerror}") from None
        return cls(name, log, process)

    async def ended(self) -> CommandError:
        """Wait until it ends by itself, which it should not, and say so."""
        code = await self._process.wait()
        last = self._last_line()
        why = f": {last}" if last else ""
        return CommandError(f"{self.name} ended with code {code}{why} (log: {self.log})")

    async def listening(self, port: int, deadline: float = 30.0) -> None:
        """Wait until the program accepts connections on a port of 127.0.0.1.

        Raises:
            CommandError: it ended, or `deadline` seconds went by.
        """
        try:
            async with asyncio.timeout(deadline):
                while self._process.returncode is None:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        await writer.wait_closed()
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise CommandError(
                f"{self.name} does not listen on port {port} after {deadline:g} s (log: {self.log})"
            ) from None
        raise await self.ended()

    async def stop(self) -> None:
        """End it and what it started."""
        await end_group(self._process, signal.SIGTERM)

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""
