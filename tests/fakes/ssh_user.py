"""A person at a desk with a shell: types, and reads what the terminal shows."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from proxyd.instances.parameters import Arguments
from proxyd.instances.ssh import SshInstance
from proxyd.wire.status import StatusError
from tests.fakes.desk import FakeDesk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["SshUser"]

RETURN, CONTROL = 0xFF0D, 0xFFE3


class SshUser:
    """One session of an `SshInstance`.

    Attributes:
        desk: what the person sits at.
        instance: the shell.
        task: the instance at work, from `working` on.
    """

    def __init__(self, port: int, width: int = 640, height: int = 400, **given: str) -> None:
        """Describe a connection to a port of this machine; parameters have underscores for hyphens."""
        parameters = {name.replace("_", "-"): value for name, value in given.items()}
        arguments = {"hostname": "127.0.0.1", "port": str(port), **parameters}
        self.desk = FakeDesk(width, height)
        self.instance = SshInstance(Arguments(SshInstance.PARAMETERS, arguments), self.desk)
        self.task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Connected."""
        async with self.desk.running(self.instance) as self.task:
            yield

    def text(self) -> str:
        """The rows of the screen, without blanks at their ends."""
        screen = self.instance._console.terminal.screen
        rows = ("".join(screen.view_row(y).text).rstrip() for y in range(screen.rows))
        return "\n".join(rows).rstrip()

    async def sees(self, text: str, seconds: float = 15) -> None:
        """Wait until something stands on the screen; what ended the session is raised."""
        task = self._begun()
        await self.desk.until(lambda: text in self.text() or task.done(), f"{text!r} on the screen", seconds)
        if task.done():
            await task
        assert text in self.text()

    def types(self, text: str) -> None:
        """Press and release keys."""
        for character in text:
            point = ord(character)
            keysym = {"\r": RETURN}.get(character, point if point < 256 else 0x1000000 + point)
            self.instance.key(keysym, True)
            self.instance.key(keysym, False)

    def interrupts(self) -> None:
        """Press Ctrl+C."""
        self.instance.key(CONTROL, True)
        self.types("c")
        self.instance.key(CONTROL, False)

    async def ends(self, seconds: float = 15) -> None:
        """Wait for the end; how it failed is raised."""
        await asyncio.wait_for(asyncio.shield(self._begun()), seconds)

    async def fails(self, seconds: float = 15) -> StatusError:
        """Wait for a failure."""
        with pytest.raises(StatusError) as caught:
            await self.ends(seconds)
        return caught.value

    def _begun(self) -> asyncio.Task[None]:
        assert self.task is not None, "nobody is working"
        return self.task
