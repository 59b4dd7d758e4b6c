"""A session as an instance sees it: asks for frames, records them, shows what a browser would.

desk = FakeDesk()
instance = SshInstance(arguments, desk)
desk.serve(instance)
await desk.until(lambda: "$" in text_of(instance), "a prompt")
desk.canvas.save("/tmp/shell.png")
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from proxyd.display.emit import emit, sync
from proxyd.display.encode import encode
from proxyd.display.ops import Indexed, Op, Pixels, Rect
from proxyd.instances.host_keys import HostKeyFiles
from proxyd.transport import Direct
from tests.fakes.canvas import Canvas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from proxyd.files import BinaryReader, Filesystem
    from proxyd.instances.base import Instance, Notice, Prompt
    from proxyd.transport import Way

__all__ = ["FakeDesk"]

EVERYTHING = Rect(0, 0, 65535, 65535)


class FakePipe:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        """See `Pipe.write`."""
        self.data += data

    def close(self) -> None:
        """See `Pipe.close`."""
        self.closed = True


class FakeDesk:
    """A Desk without a session.

    Attributes:
        frames: the operations of every frame so far.
        canvas: what a browser would show.
        pulling: ask for the next frame as soon as one came; else call `request`.
        hurried: how often the instance said that a person waits.
        answers: what `ask` finds; a missing name raises KeyError.
    """

    def __init__(
        self, width: int = 1024, height: int = 768, dpi: int = 96, transport: Way | None = None
    ) -> None:
        self.width = width
        self.height = height
        self.dpi = dpi
        self.timezone = "Europe/Berlin"
        self.connection_id = "$00000000-0000-0000-0000-000000000000"
        self.lag = 0.0
        self.host_key_files = HostKeyFiles()
        self.transport: Way = transport or Direct()
        self.mimetypes = {"image/png", "image/jpeg", "image/webp"}
        self.frames: list[list[Op]] = []
        self.canvas = Canvas()
        self.pulling = True
        self.hurried = 0
        self.titles: list[str] = []
        self.clipboards: list[str] = []
        self.arguments: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.notices: list[Notice] = []
        self.links: list[str] = []
        self.filesystems: list[Filesystem] = []
        self.offered: dict[str, BinaryReader] = {}
        self.pipes: dict[str, FakePipe] = {}
        self._frame: list[Op] = []
        self._requested = False
        self._instance: Instance | None = None
        self._news = asyncio.Event()

    # -- the test's side -------------------------------------------------------------------------------------------

    def serve(self, instance: Instance) -> None:
        """Ask this instance for frames, first for everything."""
        self._instance = instance
        self.request(EVERYTHING)

    @contextlib.asynccontextmanager
    async def running(self, instance: Instance) -> AsyncIterator[asyncio.Task[None]]:
        """Serve an instance whose `run` is under way; it is cancelled and awaited at the end."""
        task = asyncio.create_task(instance.run(), name="instance")
        task.add_done_callback(lambda _: self._news.set())
        self.serve(instance)
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    def request(self, region: Rect | None = None) -> None:
        """Ask for one frame."""
        assert self._instance is not None
        self._requested = True
        self._instance.request_frame(region)

    async def until(self, fact: Callable[[], object], what: str, seconds: float = 15.0) -> None:
        """Wait until a fact holds; it is looked at whenever the instance did something.

        A fact that nothing announces is looked at every 50 ms.
        """
        try:
            async with asyncio.timeout(seconds):
                while not fact():
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), 0.05)
        except TimeoutError:
            pytest.fail(f"{what}: not within {seconds:g} s")

    def wire_bytes(self, ops: Iterable[Op]) -> int:
        """What a frame of these operations costs on the wire, `sync` included."""
        encoded = (
            encode(op, accepts=frozenset(self.mimetypes)) if isinstance(op, Indexed | Pixels) else op
            for op in ops
        )
        return sum(len(emit(op)) for op in encoded) + len(sync(123456789, 0))

    # -- the instance's side (see `proxyd.instances.base.Desk`) ----------------------------------------------------

    def draw(self, ops: Iterable[Op], *, last: bool = True, merged: int = 0) -> None:
        assert self._requested, "a frame was drawn that nobody asked for"
        for op in ops:
            self._frame.append(op)
            self.canvas.apply(op)
        if last:
            self.frames.append(self._frame)
            self._frame = []
            self._requested = False
            self._news.set()
            if self.pulling:
                asyncio.get_running_loop().call_soon(self._pull)

    def _pull(self) -> None:
        if not self._requested and self.pulling:
            self.request()

    def accepts(self, mimetype: str) -> bool:
        return mimetype in self.mimetypes

    def hurry(self) -> None:
        self.hurried += 1

    def title(self, text: str) -> None:
        self.titles.append(text)
        self._news.set()

    def clipboard(self, text: str) -> None:
        self.clipboards.append(text)
        self._news.set()

    def argument(self, name: str, value: str) -> None:
        self.arguments[name] = value
        self._news.set()

    def notice(self, what: Notice) -> None:
        """See `Desk.notice`."""
        self.notices.append(what)

    def link(self, uri: str) -> None:
        """See `Desk.link`."""
        self.links.append(uri)

    def expose(self, filesystem: Filesystem) -> None:
        """See `Desk.expose`."""
        self.filesystems.append(filesystem)
        self._news.set()

    def offer(self, reader: BinaryReader, name: str) -> bool:
        """See `Desk.offer`."""
        self.offered[name] = reader
        self._news.set()
        return True

    def open_pipe(self, name: str) -> FakePipe:
        """See `Desk.open_pipe`."""
        pipe = self.pipes[name] = FakePipe()
        return pipe

    async def ask(self, names: Sequence[str], prompt: Prompt | None = None) -> dict[str, str]:
        return {name: self.answers[name] for name in names}
