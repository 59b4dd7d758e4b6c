"""A shell on an instance: a thin layer between asyncssh, a console and a session's desk."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, ClassVar

import asyncssh

from proxyd.instances import console, ssh_parameters
from proxyd.instances.base import Notice
from proxyd.instances.console import Console, ConsoleOptions
from proxyd.instances.feeder import Feeder
from proxyd.instances.people import People
from proxyd.instances.shell_files import ShellFiles
from proxyd.instances.ssh_connection import connected
from proxyd.instances.typescript import Typescript
from proxyd.instances.wake import wake_up
from proxyd.streams import TextSink
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxyd.display.ops import Rect
    from proxyd.instances.base import Desk
    from proxyd.instances.parameters import Arguments, Parameter
    from proxyd.instances.ssh_connection import Connected
    from proxyd.streams import Sink

__all__ = ["SshInstance"]

WINDOW = 1024 * 1024
"""Bytes the instance may send before we have read them."""
COMMAND_PIPE = "fanlight-command"
"""A stream in which the page asks for something; see docs/reference/shell.md."""
MAX_COMMAND = 1024
"""Bytes of one command."""
MAX_PACKET = 64 * 1024
MAX_UNREAD = 64 << 20
"""Bytes of input that the program has not read; more is dropped."""
MET = "\x1b[2mMet for the first time: this instance has the host key {}.\x1b[m\r\n"
"""What people see above the program's output then."""
WORK = 100_000
"""Cells that output may move or erase before others get their turn: some milliseconds."""
START_SECONDS = 20.0
"""How long an instance may take to start a shell."""


class SshInstance:
    """See `proxyd.instances.base.Instance`."""

    PARAMETERS: ClassVar[Sequence[Parameter]] = ssh_parameters.PARAMETERS
    EDITABLE: ClassVar[frozenset[str]] = console.EDITABLE

    def __init__(self, arguments: Arguments, desk: Desk) -> None:
        self._arguments = arguments
        self._desk = desk
        self._files = ShellFiles(arguments, desk)
        self._console = Console(desk, ConsoleOptions.from_arguments(arguments), self._files.handle)
        self._people = People(self._console)
        self._stdin: Stdin | None = None

    async def run(self) -> None:
        """See `Instance.run`."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                typescript = await self._typescript(stack)
                await self._console.prepare()
                await self._desk.transport.ready(self._console)
                await wake_up(self._arguments, self._desk.transport)
                connected = await stack.enter_async_context(self._connect())
                await self._serve(connected, typescript)
        finally:
            self._console.close()

    def _connect(self) -> contextlib.AbstractAsyncContextManager[Connected]:
        return connected(
            self._arguments,
            self._desk.transport,
            self._console,
            self._desk.host_key_files,
            self._desk.connection_id,
            known_as=self._desk.transport.known_as(self._arguments.text("hostname")),
        )

    async def _typescript(self, stack: contextlib.AsyncExitStack) -> Typescript | None:
        """Begin a typescript, if one is asked for; it ends with the session."""
        typescript = await asyncio.to_thread(Typescript.wanted, self._arguments, self._desk.connection_id)
        if typescript is not None:
            writing = asyncio.create_task(self._record(typescript), name="typescript")
            stack.push_async_callback(_finish, writing)
        return typescript

    async def _record(self, typescript: Typescript) -> None:
        await typescript.run()
        self._desk.notice(Notice.RECORDING_STOPPED)

    async def _serve(self, connected: Connected, typescript: Typescript | None) -> None:
        """Run the shell until it ends.

        Raises:
            StatusError: there is no shell, or the connection was lost.
        """
        console = self._console
        connection, client, met = connected

        def consume(data: bytes) -> bool:
            if typescript is not None and data:
                typescript.write(data, time.monotonic())
            return console.feed(data, WORK)

        shell = Shell(consume, typescript.resize if typescript is not None else None)
        try:
            await self._start(connection, shell)
            if typescript is not None:
                typescript.begin(*console.size[:2], self._arguments.text("terminal-type"))
            console.clear()
            if met:
                console.feed(MET.format(met).encode())
            console.open()
            console.attach(shell)
            self._desk.argument(COMMAND_PIPE, " ".join(self._people.commands))
            self._stdin = Stdin(shell)
            self._files.open(connection)
            await shell.ended.wait()
            shell.feeder.drain()
        finally:
            self._stdin = None
            shell.feeder.close()
            await self._files.close()
        if shell.error is not None or client.error is not None:
            lost = StatusError(
                Status.UPSTREAM_ERROR, "The connection to the instance was lost.", Hop.INSTANCE
            )
            raise await self._desk.transport.loss() or lost

    async def _start(self, connection: asyncssh.SSHClientConnection, shell: Shell) -> None:
        arguments = self._arguments
        wanted = {
            "TZ": arguments.text("timezone") or self._desk.timezone,
            "LANG": arguments.text("locale"),
        }
        try:
            async with asyncio.timeout(START_SECONDS):
                await connection.create_session(
                    lambda: shell,
                    arguments.text("command") or None,
                    env={name: value for name, value in wanted.items() if value},
                    term_type=arguments.text("terminal-type"),
                    term_size=self._console.size,
                    term_modes={asyncssh.PTY_VERASE: arguments.number("backspace")},
                    encoding=None,
                    window=WINDOW,
                    max_pktsize=MAX_PACKET,
                )
        except (asyncssh.Error, OSError, TimeoutError):
            raise StatusError(
                Status.UPSTREAM_ERROR, "The instance let this person in, but gave no shell.", Hop.SESSION
            ) from None

    # -- Instance: what the session calls ---------------------------------------------------------------------------

    def request_frame(self, region: Rect | None) -> None:
        """See `Instance.request_frame`."""
        self._console.request_frame(region)

    def key(self, keysym: int, pressed: bool) -> None:
        """See `Instance.key`."""
        self._people.key(keysym, pressed)

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """See `Instance.pointer`."""
        self._people.pointer(x, y, buttons)

    def resize(self, width: int, height: int) -> None:
        """See `Instance.resize`."""
        self._console.resize()

    def paste(self, text: str) -> None:
        """See `Instance.paste`."""
        self._people.take_clipboard(text)

    def change(self, name: str, value: str) -> None:
        """See `Instance.change`."""
        self._console.change(name, value)

    def open_input(self, name: str) -> Sink:
        """See `Instance.open_input`: `STDIN` is the program's input (sheet section 6.2), the other one the menu's."""
        if name == COMMAND_PIPE:
            return TextSink(MAX_COMMAND, self._people.command)
        if name != "STDIN":
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such input stream.")
        if self._stdin is None or self._stdin.taken:
            raise StatusError(Status.RESOURCE_CONFLICT, "The input is not free.")
        self._stdin.taken = True
        return self._stdin


class Stdin:
    """A stream that a viewer types by program; see `proxyd.streams.Sink`."""

    acknowledges = True

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self.taken = False

    def blob(self, data: bytes) -> None:
        """See `Sink.blob`."""
        self._shell.write(data)

    def end(self) -> None:
        """See `Sink.end`."""
        self.taken = False

    def drop(self) -> None:
        """See `Sink.drop`; what was typed stays typed."""
        self.end()


class Shell(asyncssh.SSHClientSession[bytes]):
    """The program's end of a channel with a PTY; a `Program` for the console.

    Attributes:
        feeder: what was received and is not interpreted yet.
        ended: the channel is closed.
        error: why, where that was not in order.
    """

    def __init__(
        self, consume: Callable[[bytes], bool], resized: Callable[[int, int], None] | None = None
    ) -> None:
        """Begin without a channel.

        Args:
            consume: interprets output; see `Feeder`.
            resized: told of another size, columns and rows.
        """
        self._resized = resized
        self.feeder = Feeder(consume, self._pause, self._resume)
        self.ended = asyncio.Event()
        self.error: Exception | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._reads = True

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """See `asyncssh.SSHClientSession`."""
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncssh.SSHClientSession`."""
        self.error = exc
        self._channel = None
        self.ended.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """See `asyncssh.SSHClientSession`."""
        self.feeder.push(data)

    def pause_writing(self) -> None:
        """See `asyncssh.SSHClientSession`."""
        self._reads = False

    def resume_writing(self) -> None:
        """See `asyncssh.SSHClientSession`."""
        self._reads = True

    def _pause(self) -> None:
        if self._channel is not None:
            self._channel.pause_reading()

    def _resume(self) -> None:
        if self._channel is not None:
            self._channel.resume_reading()

    # -- Program ---------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See `Program.write`."""
        if self._channel is not None and self._channel.get_write_buffer_size() < MAX_UNREAD:
            self.feeder.hurry()
            self._channel.write(data)

    def reply(self, data: bytes) -> None:
        """See `Program.reply`."""
        if self._channel is not None and self._reads:
            self._channel.write(data)

    def resize(self, columns: int, rows: int, width: int, height: int) -> None:
        """See `Program.resize`."""
        if self._channel is not None:
            self._channel.change_terminal_size(columns, rows, width, height)
            if self._resized is not None:
                self._resized(columns, rows)


async def _finish(task: asyncio.Task[None]) -> None:
    """End a task that runs until it is cancelled."""
    task.cancel()
    await asyncio.wait([task])
