"""The real daemon: `python -m proxyd` with its worker processes.

async with Proxyd(workers=2) as daemon:
    browser = await Browser.connect(daemon.address)
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.servers import processes

if TYPE_CHECKING:
    from typing import Self

ROOT = Path(__file__).parents[2]


class Proxyd:
    """Attributes: address (host, port), pid, log (what it wrote so far)."""

    def __init__(self, workers: int = 1, **environment: str) -> None:
        self.address = ("127.0.0.1", processes.free_port())
        self._workers = workers
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._log = tempfile.NamedTemporaryFile(prefix="proxyd-", suffix=".log")

    async def __aenter__(self) -> Self:
        host, port = self.address
        self._process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "proxyd", "--bind", f"{host}:{port}", "--workers", str(self._workers)],
            cwd=ROOT,
            env={
                **os.environ,
                "FANLIGHT_HOST_KEY_PINS": "",
                "FANLIGHT_DRAIN_TIMEOUT": "0",
                **self._environment,
            },
            stdout=self._log,
            stderr=self._log,
        )
        async with asyncio.timeout(processes.START_SECONDS):
            while not await self._answers():
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._log.close()

    async def stop(self) -> None:
        """End it as an operator would, and wait."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(*self.address)
        except OSError:
            return False
        writer.close()
        return True

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        assert self._process is not None
        return self._process.returncode

    @property
    def log(self) -> str:
        return Path(self._log.name).read_text()

    def workers(self) -> list[psutil.Process]:
        """The worker processes that live."""
        return [child for child in psutil.Process(self.pid).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "proxyd.worker" in process.cmdline()
    except psutil.NoSuchProcess:  # it died meanwhile; a zombie counts as such
        return False
