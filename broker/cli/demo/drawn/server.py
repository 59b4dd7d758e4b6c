"""The drawn desktop on a socket: every viewer sees the same scene, each at its own pace."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from broker.cli.demo.drawn.protocol import (
    COPY_RECT,
    EXTENDED_DESKTOP_SIZE,
    MAX_SIDE,
    MIN_SIDE,
    Clipboard,
    Key,
    Pointer,
    Rect,
    ResizeWanted,
    RfbServer,
    RfbServerError,
    UpdateWanted,
)
from broker.cli.demo.drawn.scene import Copied, Damaged, Moved, Scene
from broker.cli.demo.vncauth import CHALLENGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.cli.demo.drawn.protocol import Event
    from broker.cli.demo.drawn.scene import Change

__all__ = ["DrawnDesktop", "Pending"]

WIDTH, HEIGHT = 1280, 800
MAX_PENDING = 16
"""Damaged rectangles kept apart for a viewer; more are joined."""
_READ_SIZE = 65536
_INVALID_LAYOUT = 3


class Pending:
    """What one viewer has not been sent yet: at most one copy, then damage."""

    def __init__(self) -> None:
        self._move: Moved | None = None
        self._uncovered: list[Rect] = []
        self._damage: list[Rect] = []

    def __bool__(self) -> bool:
        return bool(self._move or self._uncovered or self._damage)

    def add(self, changes: Iterable[Change]) -> None:
        """Take the changes of one step of the scene."""
        moved = False
        for change in changes:
            if isinstance(change, Moved):
                moved = True
                self._add_move(change)
            elif isinstance(change, Damaged):
                (self._uncovered if moved else self._damage).append(change.rect)
        for rects in (self._uncovered, self._damage):
            if len(rects) > MAX_PENDING:
                rects[:] = [_bounds(rects)]

    def _add_move(self, move: Moved) -> None:
        if self._damage:  # what the viewer has there is old: send it anew
            self._damage.append(move.target)
            if self._move is not None:
                self._damage.append(self._move.target)
                self._move = None
        else:
            self._move = Moved(self._move.source if self._move else move.source, move.target)

    def replace(self, screen: Rect) -> None:
        """Everything is new."""
        self._move, self._uncovered, self._damage = None, [], [screen]

    def take(self, *, copies: bool) -> tuple[Moved | None, list[Rect]]:
        """What to send now; without `copies` a move is damage."""
        move, damage = self._move, self._uncovered + self._damage
        self._move, self._uncovered, self._damage = None, [], []
        if move is not None and not copies:
            return None, [move.target, *damage]
        return move, damage


class _Viewer:
    """One connection: its protocol state and what it has yet to see."""

    def __init__(self, password: str, scene: Scene, writer: asyncio.StreamWriter) -> None:
        screen = scene.screen
        self.protocol = RfbServer(
            password, os.urandom(CHALLENGE_BYTES), screen.width, screen.height, "Fanlight demo"
        )
        self.pending = Pending()
        self._scene = scene
        self._writer = writer
        self._asked = False
        self._size_news: tuple[int, int] | None = None  # reason and status to announce

    def wants(self, *, whole: bool) -> None:
        """The viewer asked for an update."""
        self._asked = True
        if whole:
            self.pending.replace(self._scene.screen)

    def resized(self, reason: int, status: int = 0) -> None:
        """The size changed, or a wish for it was refused."""
        self._size_news = (reason, status)
        if status == 0:
            self.pending.replace(self._scene.screen)

    def flush(self) -> None:
        """Answer the outstanding request where there is something to say, and send."""
        resizable = EXTENDED_DESKTOP_SIZE in self.protocol.encodings
        if self._asked and (self.pending or (self._size_news and resizable)):
            self._asked = False
            self.protocol.send_update(self._rectangles(resizable=resizable))
        self._writer.write(self.protocol.take_output())

    def _rectangles(self, *, resizable: bool) -> list[bytes]:
        protocol, rectangles = self.protocol, []
        if self._size_news and resizable:
            screen = self._scene.screen
            rectangles.append(protocol.desktop_size(screen.width, screen.height, *self._size_news))
            self._size_news = None
        move, damage = self.pending.take(copies=COPY_RECT in protocol.encodings)
        if move is not None:
            rectangles.append(protocol.copy(move.source, move.target))
        rectangles += [protocol.raw(rect, self._scene.pixels(rect)) for rect in damage]
        return rectangles


class DrawnDesktop:
    """Listens on a port of 127.0.0.1 and shows one scene to whoever knows the password."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._scene = Scene(WIDTH, HEIGHT)
        self._viewers: set[_Viewer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Disconnect everybody."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        viewer = _Viewer(self._password, self._scene, writer)
        self._viewers.add(viewer)
        viewer.resized(reason=0)
        viewer.flush()
        try:
            while data := await reader.read(_READ_SIZE):
                for event in viewer.protocol.receive(data):
                    self._handle(viewer, event)
                viewer.flush()
                await writer.drain()
        except (RfbServerError, OSError):
            writer.write(viewer.protocol.take_output())
        finally:
            self._viewers.discard(viewer)
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _handle(self, viewer: _Viewer, event: Event) -> None:
        match event:
            case UpdateWanted(whole):
                viewer.wants(whole=whole)
            case ResizeWanted(width, height):
                self._resize(viewer, width, height)
            case Key():
                self._changed(self._scene.key(event))
            case Pointer():
                self._changed(self._scene.pointer(event))
            case Clipboard(text):
                self._changed(self._scene.paste(text))

    def _resize(self, viewer: _Viewer, width: int, height: int) -> None:
        if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
            viewer.resized(reason=1, status=_INVALID_LAYOUT)
            return
        self._scene.resize(width, height)
        for other in self._viewers:
            other.resized(reason=1 if other is viewer else 2)
            if other is not viewer:
                other.flush()

    def _changed(self, changes: list[Change]) -> None:
        copied = [change.text for change in changes if isinstance(change, Copied)]
        for viewer in self._viewers:
            if not viewer.protocol.ready:
                continue
            viewer.pending.add(changes)
            for text in copied:
                viewer.protocol.send_clipboard(text)
            viewer.flush()


def _bounds(rects: list[Rect]) -> Rect:
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right = max(rect.x + rect.width for rect in rects)
    bottom = max(rect.y + rect.height for rect in rects)
    return Rect(left, top, right - left, bottom - top)
