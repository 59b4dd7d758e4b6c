"""Questions to whoever sits at the terminal; servers ask in their own words, of which nothing but text is shown."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import threading

from proxyd.instances.dialogue import printable, shortened
from proxyd.wire.status import Hop, Status, StatusError

__all__ = ["Nobody", "Terminal"]

MAX_PROMPT = 1024
"""Characters of a question that are shown."""

MAX_ANSWER = 4096
"""Bytes of a line, as terminals have it."""


class Terminal:
    """Asks at the controlling terminal, so that output may go elsewhere; one question at a time. An `Asker`."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`: what is secret is not shown while it is typed."""
        shown = printable(shortened(prompt, MAX_PROMPT)).replace("\r\n", "\n")
        async with self._turn:
            try:
                return await _ask(shown, secret)
            except (EOFError, OSError, termios.error):
                raise _unanswered(shown) from None

    def show(self, text: str) -> None:
        """See `Asker.show`."""
        sys.stderr.write(printable(text).replace("\r\n", "\n"))
        sys.stderr.flush()


class Nobody:
    """An `Asker` where nobody can answer: several machines at once, or `--batch`."""

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`: it gives up."""
        raise _unanswered(printable(shortened(prompt, MAX_PROMPT)))

    def show(self, text: str) -> None:
        """See `Asker.show`: nobody looks."""


async def _ask(prompt: str, secret: bool) -> str:
    """Ask at the terminal itself: standard input may be a file. Ends at once when it is cancelled."""
    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()
    # a daemon: somebody who gives up shall not have to press Return first
    threading.Thread(target=_read_line, args=(terminal, loop, line), daemon=True).start()
    try:
        if secret:
            silent = [*before]
            silent[3] &= ~termios.ECHO
            termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        os.write(terminal, prompt.encode())
        answer = await line
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        if secret:
            os.write(terminal, b"\n")
        if line.done() and not line.cancelled():
            os.close(terminal)
    if not answer:
        raise EOFError
    return answer.decode("utf-8", "replace").rstrip("\r\n")


def _read_line(terminal: int, loop: asyncio.AbstractEventLoop, line: asyncio.Future[bytes]) -> None:
    """In a thread: what is typed up to Return, which the terminal itself lets people correct."""
    data = os.read(terminal, MAX_ANSWER)

    def deliver() -> None:
        if not line.done():
            line.set_result(data)

    with contextlib.suppress(RuntimeError):  # the loop is gone
        loop.call_soon_threadsafe(deliver)


def _unanswered(prompt: str) -> StatusError:
    words = " ".join(prompt.split())[:120]
    return StatusError(Status.CLIENT_UNAUTHORIZED, f"It asks {words!r}, and nobody answers.", Hop.SIGN_IN)
