"""The demo instance's SSH server: one user, one key, this machine's login shell in a PTY, and SFTP."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pwd
import signal
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from broker.cli.demo.processes import end_group

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["ShellServer"]

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
_FROM_CLIENT = ("LANG", "LC_", "TERM", "COLORTERM")
_READ_SIZE = 65536
_DRAIN = 1.0
"""Seconds that the last output of an ended shell may take."""


class ShellServer:
    """Listens on a port of 127.0.0.1 and lets in the holder of one key."""

    def __init__(self, user: str, key: asyncssh.SSHKey) -> None:
        self._user = user
        self._key = key
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._sessions: set[asyncio.Task[None]] = set()
        self._listener: asyncssh.SSHAcceptor | None = None

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        self._listener = await asyncssh.create_server(
            lambda: _Door(self._user, self._key, self._connections),
            "127.0.0.1",
            port,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            process_factory=self._serve,
            sftp_factory=_home_files(self._user),
            encoding=None,
            line_editor=False,
        )
        return self._listener.get_port()

    async def stop(self) -> None:
        """Hang up on everybody and wait until their processes are gone."""
        if self._listener is None:
            return
        self._listener.close()
        connections = list(self._connections)
        for connection in connections:
            connection.close()
        await asyncio.gather(*(connection.wait_closed() for connection in connections))
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._listener.wait_closed()  # from Python 3.12 on this waits for connections as well

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await _session(process)
        finally:
            await process.wait_closed()
            self._sessions.discard(task)


async def _session(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run what the client asked for until it ends, or the client leaves."""
    start = _in_terminal if process.term_type else _in_pipes
    async with start(process) as (child, outputs), asyncio.TaskGroup() as tasks:
        process.set_redirect_pid(child.pid)
        pumps = [tasks.create_task(_pump(*output), name="demo shell output") for output in outputs]
        left = tasks.create_task(process.channel.wait_closed(), name="demo shell client")
        try:
            ended = tasks.create_task(child.wait(), name="demo shell")
            await asyncio.wait({ended, left}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await asyncio.wait(pumps, timeout=_DRAIN)  # a background job may hold the terminal open
        finally:
            await end_group(child, signal.SIGHUP, grace=1.0)
        _report(process, await ended)
        for waiting in (*pumps, left):
            waiting.cancel()


def _report(process: asyncssh.SSHServerProcess[bytes], code: int) -> None:
    if code < 0:
        process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
    else:
        process.exit(code)


class _Door(asyncssh.SSHServer):
    """Who may come in: one user name with one key."""

    def __init__(
        self, user: str, key: asyncssh.SSHKey, connections: set[asyncssh.SSHServerConnection]
    ) -> None:
        self._user = user
        self._key = key.public_data
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._connection is not None
        self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._user and key.public_data == self._key


_Output = tuple[asyncio.StreamReader, asyncssh.SSHWriter[bytes]]
_Running = tuple[asyncio.subprocess.Process, list[_Output]]


@contextlib.asynccontextmanager
async def _in_terminal(process: asyncssh.SSHServerProcess[bytes]) -> AsyncIterator[_Running]:
    master, slave = os.openpty()
    try:
        # stdin first: it hands the client's size to the terminal before the shell looks at it
        await process.redirect(stdin=os.dup(master))
        child = await _spawn(process, slave, _begin_in_terminal)
    finally:
        os.close(slave)
    output = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(master, "rb", 0)
    )
    try:
        yield child, [(output, process.stdout)]
    finally:
        transport.close()


@contextlib.asynccontextmanager
async def _in_pipes(process: asyncssh.SSHServerProcess[bytes]) -> AsyncIterator[_Running]:
    child = await _spawn(process, asyncio.subprocess.PIPE, _begin)
    assert child.stdout is not None
    assert child.stderr is not None
    await process.redirect(stdin=child.stdin)
    yield child, [(child.stdout, process.stdout), (child.stderr, process.stderr)]


async def _pump(source: asyncio.StreamReader, target: asyncssh.SSHWriter[bytes]) -> None:
    """Pass output on until it ends: an OSError is a terminal whose last program left, or a client that left."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(_READ_SIZE):
            target.write(data)
            await target.drain()


def _begin() -> None:
    """In the child: hear Ctrl-C, which programs do not that a shell began in the background, nor what they begin."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _begin_in_terminal() -> None:
    """In the child, after setsid: make its standard input the controlling terminal, too."""
    _begin()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def _spawn(
    process: asyncssh.SSHServerProcess[bytes], stream: int, prepare: Callable[[], None]
) -> asyncio.subprocess.Process:
    shell = _login_shell()
    # a leading dash makes a login shell, as login(1) does
    arguments = [f"-{Path(shell).name}"] if process.command is None else [shell, "-c", process.command]
    return await asyncio.create_subprocess_exec(
        *arguments,
        executable=shell,
        stdin=stream,
        stdout=stream,
        stderr=stream,
        cwd=Path.home(),
        env=_environment(process),
        start_new_session=True,
        preexec_fn=prepare,
    )


def _login_shell() -> str:
    shell = pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    usable = os.access(shell, os.X_OK) and Path(shell).name not in {"false", "nologin"}
    return shell if usable else "/bin/sh"


def _environment(process: asyncssh.SSHServerProcess[bytes]) -> dict[str, str]:
    """What a login shell starts with: nothing of the demo's own environment but the path and the language."""
    account = pwd.getpwuid(os.getuid())
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment.setdefault("LANG", "C.UTF-8")
    environment |= {
        name: value for name, value in process.env.items() if name.startswith(_FROM_CLIENT) and value
    }
    environment |= {
        "HOME": str(Path.home()),
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": _login_shell(),
    }
    if process.term_type:
        environment["TERM"] = process.term_type
    return environment


def _home_files(user: str) -> Callable[[asyncssh.SSHServerChannel[bytes]], asyncssh.SFTPServer]:
    home = os.fsencode(Path.home())
    named = os.fsencode(f"/home/{user}")

    class HomeFiles(asyncssh.SFTPServer):
        """The files of this account; relative paths begin in its home folder.

        A signed request may name `/home/USER` only, so that path means the home folder wherever it is.
        """

        def map_path(self, path: bytes) -> bytes:
            if path == named or path.startswith(named + b"/"):
                path = home + path[len(named) :]
            return path if path.startswith(b"/") else home + b"/" + path

    def serve(channel: asyncssh.SSHServerChannel[bytes]) -> Any:
        return HomeFiles(channel)

    return serve
