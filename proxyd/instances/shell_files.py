"""Files and pipes of a shell: SFTP on its own connection, and what programs ask for by escape sequences (section 6.2)."""

from __future__ import annotations

import asyncio
import posixpath
from typing import TYPE_CHECKING

import structlog

from proxyd.instances.sftp import SftpFilesystem
from proxyd.terminal.events import DownloadAsked, PipeClosed, PipeData, PipeOpened, UploadDirectorySet
from proxyd.wire.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import asyncssh

    from proxyd.files import Pipe
    from proxyd.instances.base import Desk
    from proxyd.instances.parameters import Arguments
    from proxyd.terminal.events import Event

__all__ = ["ShellFiles"]

log = structlog.get_logger()

OURS = "fanlight-"
"""What the names of our own streams begin with: no program may speak for us."""
MAX_OFFERS = 16
"""Files that a program may offer at a time."""


class ShellFiles:
    """What one shell exchanges with its owner's browser besides its screen."""

    def __init__(self, arguments: Arguments, desk: Desk) -> None:
        self._arguments = arguments
        self._desk = desk
        self._filesystem: SftpFilesystem | None = None
        self._pipe: Pipe | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, connection: asyncssh.SSHClientConnection) -> None:
        """Offer the instance's files, where wanted; the shell does not wait for it."""
        if self._arguments.flag("enable-sftp"):
            self._start(self._expose(connection), "open files")

    def handle(self, event: Event) -> None:
        """Act on what a program asks for."""
        match event:
            case DownloadAsked(path):
                if len(self._tasks) < MAX_OFFERS:
                    self._start(self._offer(path), "offer a file")
            case UploadDirectorySet(path):
                if self._filesystem is not None:
                    self._filesystem.drop = self._filesystem.shown(posixpath.normpath(path))
            case PipeOpened(name):
                self._close_pipe()
                self._pipe = None if name.startswith(OURS) else self._desk.open_pipe(name)
            case PipeData(data):
                if self._pipe is not None:
                    self._pipe.write(data)
            case PipeClosed():
                self._close_pipe()

    async def close(self) -> None:
        """Stop everything."""
        self._close_pipe()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _expose(self, connection: asyncssh.SSHClientConnection) -> None:
        arguments = self._arguments
        self._filesystem = await SftpFilesystem.open(
            connection,
            arguments.text("sftp-root-directory"),
            "",
            downloads=not arguments.flag("sftp-disable-download"),
            uploads=not arguments.flag("sftp-disable-upload"),
        )
        self._desk.expose(self._filesystem)

    async def _offer(self, path: str) -> None:
        if self._filesystem is None or not self._filesystem.downloads:
            log.info("a program offers a file, but downloads are off", connection=self._desk.connection_id)
            return
        reader = await self._filesystem.read_real(path)
        if not self._desk.offer(reader, posixpath.basename(path)):
            await reader.close()

    def _close_pipe(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(self._quietly(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except StatusError as error:
            log.warning("files", connection=self._desk.connection_id, reason=error.message)
