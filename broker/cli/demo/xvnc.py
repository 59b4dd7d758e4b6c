"""A real desktop where the machine has one to show: Xvnc of TigerVNC with a terminal window in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from broker.cli.demo.processes import Program
from broker.cli.demo.vncauth import password_file

if TYPE_CHECKING:
    from broker.cli.outcome import CommandError

__all__ = ["XvncDesktop"]

NEEDED = ("Xvnc", "xterm")
BACKGROUND = "#22303c"
_FAMILY_WILD = 0xFFFF
_START_SECONDS = 10.0
_SHORTEST_LIFE = 1.0
"""Seconds; a window that was closed sooner is not opened again."""


class XvncDesktop:
    """One X server on a free display with RFB on 127.0.0.1."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder
        self._password = password
        self._server: Program | None = None
        self._environment: dict[str, str] = {}
        self._windows: asyncio.Task[None] | None = None

    @staticmethod
    def available() -> bool:
        """Whether this machine has all that the desktop is made of."""
        return all(shutil.which(program) for program in NEEDED)

    async def start(self, port: int) -> None:
        """Start the server and its window.

        Args:
            port: a free port of 127.0.0.1 for RFB.

        Raises:
            CommandError: the X server did not come up.
        """
        passwords, cookies = self._folder / "vnc-password", self._folder / "xauthority"
        _write_private(passwords, password_file(self._password))
        _write_private(cookies, _authority())
        number = await self._start_server(
            "-rfbport", str(port), "-localhost=1", "-SecurityTypes", "VncAuth", "-PasswordFile", str(passwords),
            "-auth", str(cookies), "-nolisten", "tcp", "-noreset", "-geometry", "1280x800", "-depth", "24",
            "-AlwaysShared", "-desktop", "Fanlight demo",
        )  # fmt: skip
        self._environment = {**os.environ, "DISPLAY": f":{number}", "XAUTHORITY": str(cookies)}
        assert self._server is not None
        await self._server.listening(port)
        self._windows = asyncio.create_task(self._keep_windows(), name="windows of the demo desktop")

    async def ended(self) -> CommandError:
        """Wait until the X server ends by itself."""
        assert self._server is not None
        return await self._server.ended()

    async def stop(self) -> None:
        """Close the windows and the X server."""
        if self._windows is not None:
            self._windows.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._windows
        if self._server is not None:
            await self._server.stop()

    async def _start_server(self, *options: str) -> int:
        readable, writable = os.pipe()
        try:
            self._server = await Program.start(
                "Xvnc",
                ("Xvnc", "-displayfd", str(writable), *options),
                self._folder / "xvnc.log",
                keep=[writable],
            )
        finally:
            os.close(writable)
        with os.fdopen(readable) as announced:
            try:
                async with asyncio.timeout(_START_SECONDS):
                    line = await asyncio.to_thread(announced.readline)
            except TimeoutError:
                line = ""
                await self._server.stop()  # ends the thread's read
        if not line:
            raise await self._server.ended()
        return int(line)

    async def _keep_windows(self) -> None:
        """A calm background and a terminal window, opened again when it is closed."""
        if shutil.which("xsetroot"):
            await self._window("xsetroot", "-solid", BACKGROUND)
        loop = asyncio.get_running_loop()
        while True:
            opened = loop.time()
            await self._window(
                "xterm", "-geometry", "96x30+64+64", "-fa", "DejaVu Sans Mono", "-fs", "11",
                "-title", "Fanlight demo",
            )  # fmt: skip
            if loop.time() - opened < _SHORTEST_LIFE:
                return

    async def _window(self, *command: str) -> None:
        log = self._folder / f"{command[0]}.log"
        program = await Program.start(command[0], command, log, self._environment, folder=Path.home())
        try:
            await program.ended()
        finally:
            await program.stop()


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _authority() -> bytes:
    """An .Xauthority file with one cookie for every display of every host (Xau(3))."""
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", secrets.token_bytes(16))
    return struct.pack(">H", _FAMILY_WILD) + b"".join(
        struct.pack(">H", len(field)) + field for field in fields
    )
