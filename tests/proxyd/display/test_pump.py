"""The pump in virtual time: what is asked of the instance, and what each viewer gets."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from proxyd.display.ops import Cursor, Fill, Move, Op, Pixels, Rect, Size
from proxyd.display.pacing import Pacer
from proxyd.display.pump import Pump
from proxyd.wire.instruction import Instruction, InstructionParser
from tests.virtual_time import run_virtually

PAINT = Fill(0, 0, 1, 1, 1, 2, 3)


class Viewer:
    """A browser that shows a frame `delay` seconds after it was sent; None never shows anything."""

    def __init__(
        self, pump: Pump, delay: float | None, images: frozenset[str] = frozenset({"image/png"})
    ) -> None:
        self.pacer = Pacer()
        self.images = images
        self.live = False
        self.received: list[Instruction] = []
        self.ages: list[float] = []
        self._pump = pump
        self.delay = delay

    def send(self, data: bytes) -> None:
        for instruction in InstructionParser().feed(data):
            self.received.append(instruction)
            if instruction.opcode == "sync" and self.delay is not None:
                asyncio.get_running_loop().call_later(self.delay, self._show, int(instruction.args[0]))

    def _show(self, timestamp: int) -> None:
        self.ages.append(asyncio.get_running_loop().time() - timestamp / 1000)
        self._pump.shown(self, timestamp)

    @property
    def frames(self) -> int:
        return sum(instruction.opcode == "sync" for instruction in self.received)


class Source:
    """An instance that always has something new, and counts what it was asked for."""

    def __init__(
        self,
        ops: list[Op] | None = None,
        *,
        idle: bool = False,
        takes: float = 0.0,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        self.takes = takes
        self.asked: list[Rect | None] = []
        self.ops = ops or [PAINT]
        self.idle = idle
        self.pool = pool or ThreadPoolExecutor(1)
        self.failures: list[BaseException] = []
        self.pump = Pump(self._request, self.pool, self.failures.append)

    def _request(self, region: Rect | None) -> None:
        self.asked.append(region)
        if not self.idle or region is not None:
            asyncio.get_running_loop().call_later(self.takes, self.draw)

    def draw(self) -> None:
        self.pump.draw(self.ops, last=True, merged=0)


def test_nothing_is_asked_while_nobody_looks() -> None:
    async def scenario() -> None:
        source = Source()
        await asyncio.sleep(60)
        assert source.asked == []
        viewer = Viewer(source.pump, 0.01)
        source.pump.add(viewer)
        await asyncio.sleep(1)
        source.pump.remove(viewer)
        before = len(source.asked)
        await asyncio.sleep(60)
        assert len(source.asked) <= before + 1

    run_virtually(scenario())


def test_the_first_frame_of_a_viewer_draws_everything() -> None:
    async def scenario() -> None:
        source = Source()
        viewer = Viewer(source.pump, 0.01)
        source.pump.add(viewer)
        await asyncio.sleep(0.01)
        assert source.asked[0] is not None
        assert viewer.live
        assert viewer.frames == 1

    run_virtually(scenario())


def test_frames_come_at_the_tick() -> None:
    async def scenario() -> None:
        source = Source()
        viewer = Viewer(source.pump, 0.005)
        source.pump.add(viewer)
        await asyncio.sleep(10)
        assert 280 <= viewer.frames <= 305

    run_virtually(scenario())


def test_an_instance_that_takes_its_time_loses_no_frame() -> None:
    async def scenario() -> None:
        source = Source(takes=0.02)
        viewer = Viewer(source.pump, 0.005)
        source.pump.add(viewer)
        await asyncio.sleep(10)
        assert 280 <= viewer.frames <= 305

    run_virtually(scenario())


def test_one_request_is_open_at_a_time_and_a_key_does_not_wait() -> None:
    async def scenario() -> None:
        source = Source(idle=True)
        viewer = Viewer(source.pump, 0.002)
        source.pump.add(viewer)
        await asyncio.sleep(1)
        assert len(source.asked) == 2  # the whole picture, then one that waits for something new
        source.draw()
        assert viewer.frames == 2  # at once: no task, no timer in between
        await asyncio.sleep(0.003)
        source.pump.hurry()
        assert len(source.asked) == 3
        await asyncio.sleep(1)
        assert len(source.asked) == 3

    run_virtually(scenario())


def test_a_silent_viewer_gets_no_second_frame() -> None:
    async def scenario() -> None:
        source = Source()
        viewer = Viewer(source.pump, None)
        source.pump.add(viewer)
        await asyncio.sleep(60)
        assert viewer.frames == 1

    run_virtually(scenario())


def test_a_fast_viewer_does_not_wait_for_a_slow_one_and_the_slow_one_stays_fresh() -> None:
    async def scenario() -> None:
        source = Source()
        fast, slow = Viewer(source.pump, 0.005), Viewer(source.pump, 0.7)
        source.pump.add(fast)
        source.pump.add(slow)
        await asyncio.sleep(30)
        assert fast.frames > 20 * 30 * 0.7
        assert slow.frames > 20
        assert max(fast.ages) < 0.1
        assert max(slow.ages) < 1.0
        assert len(slow.received) < len(fast.received)

    run_virtually(scenario())


def test_who_missed_the_last_picture_gets_it_though_nothing_new_comes() -> None:
    async def scenario() -> None:
        source = Source(idle=True)
        source.pump.add(Viewer(source.pump, 0.005))
        await asyncio.sleep(1)
        late = Viewer(source.pump, 0.13)
        source.pump.add(late)
        await asyncio.sleep(0.12)
        source.ops = [Size(600, 500)]
        source.draw()
        assert not late.live
        await asyncio.sleep(2)
        assert ("0", "600", "500") in [i.args for i in late.received if i.opcode == "size"]

    run_virtually(scenario())


def test_a_joiner_learns_sizes_places_and_pointer_before_the_picture() -> None:
    async def scenario() -> None:
        state: list[Op] = [Size(640, 480), Size(8, 16, 1), Move(1, 0, 5, 6, 1), Cursor(0, 0, 1, 1, bytes(4))]
        source = Source(state, idle=True)
        first = Viewer(source.pump, 0.01)
        source.pump.add(first)
        await asyncio.sleep(0.1)
        source.ops = [PAINT]
        late = Viewer(source.pump, 0.01)
        source.pump.add(late)
        await asyncio.sleep(1)
        opcodes = [instruction.opcode for instruction in late.received]
        assert opcodes[:3] == ["size", "size", "move"]
        assert "cursor" in opcodes
        assert opcodes.index("cursor") < opcodes.index("rect")
        assert source.asked.count(None) <= 3

    run_virtually(scenario())


def test_timestamps_increase_even_within_a_millisecond() -> None:
    async def scenario() -> None:
        source = Source(idle=True)
        viewer = Viewer(source.pump, 0)
        source.pump.add(viewer)
        await asyncio.sleep(0.1)
        for _ in range(5):
            source.draw()
        stamps = [int(i.args[0]) for i in viewer.received if i.opcode == "sync"]
        assert stamps == sorted(set(stamps))

    run_virtually(scenario())


async def test_heavy_pictures_are_encoded_off_the_loop_and_stay_in_order() -> None:
    noise = bytes(i * 2654435761 % 256 for i in range(400 * 400 * 3))
    source = Source([Size(400, 400), Pixels(0, 0, 400, 400, noise), PAINT], idle=True)
    viewer = Viewer(source.pump, 0)
    source.pump.add(viewer)
    async with asyncio.timeout(5):
        while not viewer.frames:
            await asyncio.sleep(0.01)
    opcodes = [i.opcode for i in viewer.received if i.opcode != "blob"]
    assert opcodes == ["size", "img", "end", "rect", "cfill", "sync"]
    source.pool.shutdown()


class CountingPool(ThreadPoolExecutor):
    """Counts what it is given."""

    tasks = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        return super().submit(*args, **kwargs)


async def test_small_pictures_go_to_the_pool_together() -> None:
    pool = CountingPool(2)
    source = Source([Pixels(n * 8, 0, 8, 8, bytes([n]) * 192) for n in range(100)], idle=True, pool=pool)
    viewer = Viewer(source.pump, 0)
    source.pump.add(viewer)
    async with asyncio.timeout(5):
        while not viewer.frames:
            await asyncio.sleep(0.01)
    assert [int(i.args[4]) for i in viewer.received if i.opcode == "img"] == list(range(0, 800, 8))
    assert 1 <= pool.tasks < 10
    pool.shutdown()


async def test_a_picture_that_cannot_be_encoded_ends_the_session_only() -> None:
    source = Source([Pixels(0, 0, 4, 4, b"too few")], idle=True)
    viewer = Viewer(source.pump, 0)
    source.pump.add(viewer)
    async with asyncio.timeout(5):
        while not source.failures:
            await asyncio.sleep(0.01)
    assert viewer.frames == 0
    source.pool.shutdown()
