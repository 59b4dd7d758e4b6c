"""One command on an instance, without a terminal: what it wrote, and how it ended. Output, time and questions are bounded."""

from __future__ import annotations

import asyncio
import contextlib
import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import asyncssh

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[["Stream", bytes], None]

__all__ = ["MAX_OUTPUT", "Ended", "How", "Stream", "run_command"]

MAX_OUTPUT = 1 << 20
"""Bytes of output that are kept, both streams together; the command goes on, unheard."""
START_SECONDS = 20.0
"""How long an instance may take to start a command."""
GOODBYE_SECONDS = 2.0
"""How long a command that was told to stop may take to do so."""
STOP = "TERM"
TAIL = 512
"""Bytes at the end of a stream that are looked at for a question."""
WINDOW = 256 * 1024

_QUESTION = re.compile(
    rb"(?:pass(?:word|phrase|code)|\[?[yY](?:es)?/[nN]o?\]?|\(y/n\)|[\w)\]] ?[:?])[^\n]{0,8}\Z", re.IGNORECASE
)
"""An unfinished line that ends as questions do."""
_WANTS_TERMINAL = re.compile(
    rb"a terminal is required|a password is required|no tty present|must be run from a terminal"
    rb"|not a tty|cannot open /dev/tty|Host key verification failed|stdin: is not a tty",
    re.IGNORECASE,
)
"""What programs say that would have asked, had there been a terminal."""


class Stream(StrEnum):
    """Where output came from."""

    OUT = "stdout"
    ERR = "stderr"


class How(StrEnum):
    """How a command ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed-out"
    NEEDS_INPUT = "needs-input"


class Ended(NamedTuple):
    """The end of a command.

    Attributes:
        how: in a word.
        status: its exit code, where it told one.
        signal: the name of the signal that ended it, without SIG; or empty.
        cut: it wrote more than was kept.
    """

    how: How
    status: int | None = None
    signal: str = ""
    cut: bool = False

    @property
    def good(self) -> bool:
        """Whether it did what it should."""
        return self.how is How.EXITED and self.status == 0


async def run_command(
    connection: asyncssh.SSHClientConnection, command: str, take: Take, *, seconds: float = 0
) -> Ended:
    """Run a command until it ends. Its input is empty. Cancelled, it tells the command to stop.

    Args:
        connection: signed in.
        command: for the person's shell there.
        take: given output as it comes, up to `MAX_OUTPUT` bytes.
        seconds: how long it may take; 0 is for ever.

    Raises:
        StatusError: it could not be started, or the connection was lost.
    """
    program = Program(take)
    try:
        async with asyncio.timeout(START_SECONDS):
            channel, _ = await connection.create_session(
                lambda: program, command, encoding=None, window=WINDOW
            )
            channel.write_eof()
    except (asyncssh.Error, OSError, TimeoutError):
        reason = "The instance let this person in, but started no command."
        raise StatusError(Status.UPSTREAM_ERROR, reason, Hop.SESSION) from None
    late = False
    try:
        async with asyncio.timeout(seconds or None):
            await program.ended.wait()
    except TimeoutError:
        late = True
        await _stop(channel, program)
    except asyncio.CancelledError:
        await _stop(channel, program)
        raise
    return program.end(late=late)


async def _stop(channel: asyncssh.SSHClientChannel[bytes], program: Program) -> None:
    """Tell a command to stop; one that does not listen loses its channel."""
    with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
        channel.send_signal(STOP)
        async with asyncio.timeout(GOODBYE_SECONDS):
            await program.ended.wait()
    channel.close()


class Program(asyncssh.SSHClientSession[bytes]):
    """The command's end of its channel."""

    def __init__(self, take: Take) -> None:
        self.ended = asyncio.Event()
        self._take = take
        self._room = MAX_OUTPUT
        self._cut = False
        self._tails = {Stream.OUT: b"", Stream.ERR: b""}
        self._status: int | None = None
        self._signal = ""
        self._error: Exception | None = None

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """See `asyncssh.SSHClientSession`."""
        stream = Stream.OUT if datatype is None else Stream.ERR
        self._tails[stream] = (self._tails[stream] + data[-TAIL:])[-TAIL:]
        kept = data[: self._room]
        self._room -= len(kept)
        self._cut = self._cut or len(kept) < len(data)
        if kept:
            self._take(stream, kept)

    def exit_status_received(self, status: int) -> None:
        """See `asyncssh.SSHClientSession`."""
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """See `asyncssh.SSHClientSession`."""
        self._signal = signal

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncssh.SSHClientSession`."""
        self._error = exc
        self.ended.set()

    def end(self, *, late: bool) -> Ended:
        """How it ended.

        Args:
            late: its time was over.

        Raises:
            StatusError: the connection was lost first.
        """
        asks = any(_QUESTION.search(tail) for tail in self._tails.values())
        refused = self._status and any(_WANTS_TERMINAL.search(tail) for tail in self._tails.values())
        if late:
            how = How.NEEDS_INPUT if asks else How.TIMED_OUT
        elif self._signal:
            how = How.SIGNALLED
        elif self._status is None:
            raise StatusError(Status.UPSTREAM_ERROR, "The connection to the instance was lost.", Hop.INSTANCE)
        else:
            how = How.NEEDS_INPUT if refused else How.EXITED
        return Ended(how, self._status, self._signal, self._cut)
