"""From an instance's frames to its viewers: pull, encode off the loop, emit, and pull again when viewers are ready.

The pump asks for a frame when every viewer can show one, or some can and the others used up the patience. A viewer
that cannot when the frame comes is left out; once it has shown what it had, a frame that draws everything brings it back.
So nothing queues: a slow viewer sees fewer, newer frames, and a fast one does not wait for it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from proxyd.display.emit import emit, sync
from proxyd.display.encode import cost, encode
from proxyd.display.ops import Cursor, Dispose, Indexed, Move, Op, Pixels, Rect, Shade, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from proxyd.display.pacing import Pacer

__all__ = ["Audience", "Pump"]

TICK = 0.033
"""Seconds from one request to the next while everything keeps up: an instance that takes its time loses no frame."""
PATIENCE = 0.1
"""Seconds after a frame that viewers wait for one that has not shown it."""
OFFLOAD_MS = 1.0
"""Encoding estimated above this goes to the shared pool; a hop costs about 0.13 ms."""
SHARE_MS = 2.0
"""What goes there in one piece: of many small pictures each, the hops would cost more than the encoding."""
CATCH_UP_EVERY = 0.5
"""Seconds at least between whole pictures drawn for viewers that fell behind."""
NEVER = float("inf")
EVERYTHING = Rect(0, 0, 65535, 65535)
"""A region that covers any picture."""


class Audience(Protocol):
    """One viewer as the pump sees it."""

    pacer: Pacer
    images: frozenset[str]
    live: bool
    """Whether it has everything drawn so far. New viewers begin False."""

    def send(self, data: bytes) -> None:
        """Queue instructions for the network."""


class Pump:
    """The drawing side of one session. Everything runs on the worker's loop but the encoding."""

    def __init__(
        self,
        request: Callable[[Rect | None], None],
        pool: Executor,
        failed: Callable[[BaseException], None],
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        """Create a pump without viewers.

        Args:
            request: asks the instance for a frame.
            pool: the worker's shared encoding threads.
            failed: told of an operation that cannot be encoded; the session ends by it.
            tap: gets a copy of every frame, for a recording.
        """
        self._request = request
        self._pool = pool
        self._failed = failed
        self._tap = tap
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._audience: list[Audience] = []
        self._state: dict[
            tuple[type, int], Op
        ] = {}  # sizes, places, pointer: what a joiner must be told first
        self._frame: list[Op] = []
        self._requested = False
        self._encoding: asyncio.Task[None] | None = None
        self._whole = False  # the requested frame draws everything, for viewers that are not live
        self._timer: asyncio.TimerHandle | None = None
        self._last_frame = 0.0
        self._last_request = -TICK
        self._last_catch_up = -CATCH_UP_EVERY
        self._last_timestamp = 0
        self._hurried = False
        self._closed = False

    # -- viewers ---------------------------------------------------------------------------------------------------

    def add(self, viewer: Audience) -> None:
        """A viewer arrived: it gets the whole picture with the next frame."""
        viewer.live = False
        self._audience.append(viewer)
        self._last_catch_up = -CATCH_UP_EVERY
        self.hurry()

    def remove(self, viewer: Audience) -> None:
        """A viewer left."""
        if viewer in self._audience:
            self._audience.remove(viewer)
            self._schedule()

    def shown(self, viewer: Audience, timestamp: int) -> None:
        """A viewer echoed a `sync`."""
        if viewer.pacer.shown(timestamp, self._clock()):
            self._schedule()

    @property
    def last_timestamp(self) -> int:
        """The newest `sync` sent, milliseconds."""
        return self._last_timestamp

    @property
    def now(self) -> int:
        """The clock that `sync` uses, milliseconds."""
        return int(self._clock() * 1000)

    @property
    def seconds(self) -> float:
        """The same clock in seconds."""
        return self._clock()

    @property
    def lag(self) -> float:
        """Seconds of queueing delay of the worst viewer that is live."""
        now = self._clock()
        return max((viewer.pacer.quality_delay(now) for viewer in self._audience if viewer.live), default=0.0)

    def accepts(self, mimetype: str) -> bool:
        """Whether every viewer can show images of this type."""
        return all(mimetype in viewer.images for viewer in self._audience)

    # -- frames ----------------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Do not wait for the tick before the next request."""
        self._hurried = True
        self._schedule()

    def draw(self, ops: Iterable[Op], *, last: bool, merged: int) -> None:
        """Take operations of the requested frame; `last` completes it."""
        self._frame.extend(ops)
        if not last or self._closed:
            return
        frame, self._frame = self._frame, []
        if not self._audience and self._tap is None:  # asked for by somebody who left
            self._remember(frame)
            self._requested = self._whole = False
            return
        work = partial(_encoded, accepts=self._formats())
        if sum(map(_cost, frame)) > OFFLOAD_MS:
            self._encoding = self._loop.create_task(self._encode(frame, work, merged), name="encode frame")
            return
        try:
            encoded = work(frame)
        except Exception as error:  # noqa: BLE001 - a broken picture ends this session, not the worker
            self._failed(error)
            return
        self._send(encoded, merged)

    async def _encode(
        self, frame: Sequence[Op], work: Callable[[Sequence[Op]], list[Op]], merged: int
    ) -> None:
        shares = [self._loop.run_in_executor(self._pool, work, share) for share in _shares(frame)]
        try:
            encoded = [op for share in await asyncio.gather(*shares) for op in share]
        except Exception as error:  # noqa: BLE001 - see draw
            self._failed(error)
            return
        finally:
            self._encoding = None
        if not self._closed:
            self._send(encoded, merged)

    def _formats(self) -> frozenset[str]:
        sets = [viewer.images for viewer in self._audience]
        return frozenset.intersection(*sets) if sets else frozenset()

    def _send(self, frame: Sequence[Op], merged: int) -> None:
        now = self._clock()
        # strictly increasing: a client echoes each distinct timestamp once
        self._last_timestamp = max(int(now * 1000), self._last_timestamp + 1)
        payload = b"".join([emit(op) for op in frame]) + sync(self._last_timestamp, merged)
        if self._tap is not None:
            self._tap(payload)
        introduction = b"".join([emit(op) for op in self._state.values()]) if self._whole else b""
        self._remember(frame)
        self._leave_out_late(now)
        for viewer in self._audience:
            if not viewer.live and self._whole:
                viewer.send(introduction)
                viewer.live = True
            if viewer.live:
                viewer.send(payload)
                viewer.pacer.sent(self._last_timestamp, now)
        self._requested = self._whole = False
        self._last_frame = now
        self._schedule()

    def _leave_out_late(self, now: float) -> None:
        """Viewers that are late stop being live, as long as another one goes on."""
        late = [viewer for viewer in self._audience if viewer.live and not viewer.pacer.ready(now)]
        if len(late) < sum(viewer.live for viewer in self._audience):
            for viewer in late:
                viewer.live = False

    def _remember(self, frame: Sequence[Op]) -> None:
        for op in frame:
            if isinstance(op, Size | Move | Shade):
                self._state[type(op), op.layer] = op
            elif isinstance(op, Cursor):
                self._state[Cursor, 0] = op
            elif isinstance(op, Dispose):
                for kind in (Size, Move, Shade):
                    self._state.pop((kind, op.layer), None)

    # -- asking ----------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """Ask for the next frame now, or set a timer for when that may be useful, or wait for an echo."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed or self._encoding is not None or not self._audience:
            return
        now = self._clock()
        whole_due = self._whole_due(now)
        live_due = self._live_due(now)
        if whole_due <= now:
            self._ask(now, whole=True)
            self._schedule()
        elif live_due <= now:
            self._ask(now, whole=False)
            self._schedule()  # a viewer that is left out may be due before the instance has something new
        elif (due := min(whole_due, live_due)) < NEVER:
            self._timer = self._loop.call_later(due - now + 0.001, self._schedule)

    def _whole_due(self, now: float) -> float:
        """When to draw everything for viewers that are not live."""
        if self._whole or not any(not viewer.live and viewer.pacer.ready(now) for viewer in self._audience):
            return NEVER
        return self._last_catch_up + CATCH_UP_EVERY

    def _live_due(self, now: float) -> float:
        """When the live viewers can take a frame."""
        live = [viewer for viewer in self._audience if viewer.live]
        dawdling = [viewer for viewer in live if not viewer.pacer.ready(now)]
        if self._requested or len(dawdling) == len(live):
            return NEVER
        if dawdling:
            return self._last_frame + PATIENCE
        return now if self._hurried else self._last_request + TICK

    def _ask(self, now: float, *, whole: bool) -> None:
        self._requested = True
        self._last_request = now
        self._hurried = False
        if whole:
            self._whole = True
            self._last_catch_up = now
            self._request(EVERYTHING)
        else:
            self._request(None)

    def close(self) -> None:
        """Stop asking; frames under way are dropped."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._encoding is not None:
            self._encoding.cancel()


def _cost(op: Op) -> float:
    """Estimated milliseconds of encoding; nothing where nothing has to be."""
    return cost(op) if isinstance(op, Pixels | Indexed) else 0.0


def _shares(frame: Sequence[Op]) -> list[list[Op]]:
    """The frame in pieces that cost about `SHARE_MS` each, in order."""
    shares: list[list[Op]] = [[]]
    spent = 0.0
    for op in frame:
        spent += _cost(op)
        if spent > SHARE_MS and shares[-1]:
            shares.append([])
            spent = _cost(op)
        shares[-1].append(op)
    return shares


def _encoded(frame: Sequence[Op], *, accepts: frozenset[str]) -> list[Op]:
    """The frame with every picture encoded."""
    return [encode(op, accepts=accepts) if isinstance(op, Pixels | Indexed) else op for op in frame]
