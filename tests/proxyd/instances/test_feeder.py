from __future__ import annotations

import asyncio
import time

from proxyd.instances import feeder as module
from proxyd.instances.feeder import LIMIT, Feeder


class Sink:
    """Notes what it is fed, and how; it can be as slow as one likes."""

    def __init__(self, seconds_a_byte: float = 0.0) -> None:
        self.pieces: list[bytes] = []
        self.reading = True
        self.pauses = 0
        self._seconds = seconds_a_byte
        self.feeder = Feeder(self._consume, self._pause, self._resume)

    def _consume(self, data: bytes) -> None:
        self.pieces.append(data)
        if self._seconds:
            end = time.thread_time() + self._seconds * len(data)
            while time.thread_time() < end:
                pass

    def _pause(self) -> None:
        self.reading = False
        self.pauses += 1

    def _resume(self) -> None:
        self.reading = True

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    async def has(self, size: int) -> None:
        async with asyncio.timeout(10):
            while sum(map(len, self.pieces)) < size:
                await asyncio.sleep(0.001)


async def test_output_after_a_silence_is_interpreted_in_the_next_turn() -> None:
    sink = Sink()
    sink.feeder.push(b"prompt")
    assert sink.pieces == []
    await asyncio.sleep(0)
    assert sink.data == b"prompt"


async def test_what_the_consumer_keeps_is_asked_for_before_more_is_given() -> None:
    calls: list[bytes] = []

    def consume(data: bytes) -> bool:
        calls.append(data)
        return len(calls) < 3

    feeder = Feeder(consume, lambda: None, lambda: None)
    feeder.push(b"a")
    feeder.push(b"b" * 5)
    await asyncio.sleep(0.05)
    feeder.push(b"c")
    async with asyncio.timeout(10):
        while len(calls) < 4:
            await asyncio.sleep(0.001)
    assert calls == [b"abbbbb", b"", b"", b"c"]


async def test_the_end_does_not_wait_for_what_takes_too_long() -> None:
    feeder = Feeder(lambda _: True, lambda: None, lambda: None)
    feeder.push(b"a")
    began = time.monotonic()
    feeder.drain()
    assert time.monotonic() - began < 5
    feeder.close()


async def test_nothing_is_lost_or_changed() -> None:
    sink = Sink()
    sent = bytes(range(256)) * 4096
    for start in range(0, len(sent), 10_000):
        sink.feeder.push(sent[start : start + 10_000])
        if start % 70_000 == 0:
            await asyncio.sleep(0)
    await sink.has(len(sent))
    assert sink.data == sent


async def test_output_that_keeps_coming_is_gathered() -> None:
    sink = Sink()
    sink.feeder.push(b"first")
    await asyncio.sleep(0)
    for _ in range(100):
        sink.feeder.push(b"x" * 10)
        await asyncio.sleep(0)
    await sink.has(1005)
    assert len(sink.pieces) < 20


async def test_a_key_makes_the_answer_come_at_once() -> None:
    sink = Sink()
    sink.feeder.push(b"first")
    await asyncio.sleep(0)
    sink.feeder.hurry()
    sink.feeder.push(b"echo")
    await asyncio.sleep(0)
    assert sink.pieces[-1] == b"echo"


async def test_a_key_hurries_what_waits_already() -> None:
    sink = Sink()
    sink.feeder.push(b"first")
    await asyncio.sleep(0)
    sink.feeder.push(b"second")
    sink.feeder.hurry()
    await asyncio.sleep(0)
    assert sink.data == b"firstsecond"


async def test_reading_stops_at_the_limit_and_goes_on_below_it() -> None:
    sink = Sink()
    sink.feeder.push(bytes(LIMIT + 1))
    assert not sink.reading
    sink.feeder.push(b"more")
    assert sink.pauses == 1
    await sink.has(LIMIT + 5)
    assert sink.reading


async def test_others_get_their_turn_while_a_slow_flood_is_interpreted() -> None:
    sink = Sink(seconds_a_byte=1e-7)  # 10 MB/s
    sink.feeder.push(bytes(LIMIT // 2))
    await asyncio.sleep(0.05)
    turns = 0
    while len(sink.data) < LIMIT // 2:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 3
    assert max(map(len, sink.pieces)) <= module.MAX_BATCH


async def test_batches_follow_the_speed_of_the_terminal() -> None:
    fast, slow = Sink(), Sink(seconds_a_byte=1e-6)
    for sink in (fast, slow):
        sink.feeder.push(bytes(module.MAX_BATCH - 1))
    await fast.has(module.MAX_BATCH - 1)
    await slow.has(module.MAX_BATCH // 2)
    slow.feeder.close()
    assert max(map(len, fast.pieces)) > 4 * module.MIN_BATCH
    assert max(map(len, slow.pieces)) == module.MIN_BATCH


async def test_a_flood_that_is_skipped_is_handed_over_in_large_pieces() -> None:
    sink = Sink()
    sink.feeder.push(bytes(LIMIT))
    await sink.has(LIMIT)
    assert max(map(len, sink.pieces)) == module.FLOOD_BATCH


async def test_a_flood_that_is_interpreted_is_tried_in_a_large_piece_now_and_then() -> None:
    sink = Sink(seconds_a_byte=2e-7)  # 5 MB/s
    sink.feeder.push(bytes(LIMIT // 2))
    await sink.has(LIMIT // 2)
    large = [piece for piece in sink.pieces if len(piece) >= module.MAX_BATCH]
    assert len(large) <= 4  # one in half a second, on a machine that does nothing else


async def test_what_waits_is_interpreted_at_the_end() -> None:
    sink = Sink()
    sink.feeder.push(bytes(300_000))
    sink.feeder.drain()
    assert len(sink.data) == 300_000


async def test_a_closed_feeder_forgets() -> None:
    sink = Sink()
    sink.feeder.push(b"late")
    sink.feeder.close()
    sink.feeder.push(b"later")
    await asyncio.sleep(0.02)
    assert sink.pieces == []
