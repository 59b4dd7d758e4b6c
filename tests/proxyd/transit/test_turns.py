"""Streams that share a slow link take turns: a key does not wait behind what another stream has to say."""

from __future__ import annotations

import asyncio
import contextlib
import time
from statistics import median
from typing import TYPE_CHECKING

import pytest

from proxyd.carrying import MSG_IGNORE, Reading, Turns, without_fillers
from tests.fakes.connectors import FakeConnector, FakeTransport, new_reading, server, slow_link
from tests.proxyd.transit.test_connectors import KEY, there
from tests.servers.transit import LocalTransit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxyd.transport import Transport

RATE = 1_000_000
"""Bytes a second, 8 Mbit/s."""
MOST = 0.6
"""Seconds until an echo, some 0.2 on a machine at rest; without turns it takes 1.5 and more."""


def test_who_fills_a_link_waits_and_nobody_else() -> None:
    turns = Turns()
    flood, flooding = new_reading(turns)
    key, typing = new_reading(turns)
    flood.sent()
    assert flooding.reads
    turns.fill()
    flood.sent()
    assert (flooding.reads, typing.reads) == (False, True)
    key.sent()
    assert (flooding.reads, typing.reads) == (False, False)
    turns.drain()
    assert (flooding.reads, typing.reads) == (True, True)


def test_reading_goes_on_when_nobody_stops_it() -> None:
    turns = Turns()
    flood, flooding = new_reading(turns)
    turns.fill()
    flood.sent()
    flood.stop("window")
    turns.drain()
    assert not flooding.reads
    flood.go_on("window")
    assert flooding.reads


def test_a_stop_before_the_socket_is_there_is_kept_and_one_after_it_is_gone_harmless() -> None:
    turns = Turns()
    early, transport = Reading(turns), FakeTransport()
    early.stop("window")
    early.begin(transport)
    assert not transport.reads
    turns.fill()
    early.sent()
    early.end()
    turns.drain()
    early.go_on("window")
    assert not transport.reads


def test_no_packets_that_say_nothing() -> None:
    class Connection:
        def __init__(self) -> None:
            self.sent: list[tuple[int, tuple[bytes, ...], object]] = []

        def send_packet(self, kind: int, *parts: bytes, handler: object = None) -> None:
            if kind != MSG_IGNORE:
                self.send_packet(MSG_IGNORE, b"")
            self.sent.append((kind, parts, handler))

    connection = Connection()
    without_fillers(connection)
    connection.send_packet(94, b"data", handler="channel")
    assert connection.sent == [(94, (b"data",), "channel")]


@contextlib.asynccontextmanager
async def slow_lab() -> AsyncIterator[tuple[Transport, FakeConnector]]:
    """What a worker opens streams with, when the connector is at the far end of a slow link."""
    async with LocalTransit() as transit, slow_link(RATE) as ends:
        connector = FakeConnector(KEY, ends=ends)
        async with there(transit.connectors, "slow", connector):
            yield transit.way([], network="lab"), connector


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)


async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while True:
            writer.write(bytes(65536))
            await writer.drain()


async def sink(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


class Stream(asyncio.Protocol):
    """A worker's end of a stream."""

    def __init__(self) -> None:
        self.heard = 0
        self.more = asyncio.Event()
        self.ready = asyncio.Event()
        self.ready.set()

    def data_received(self, data: bytes) -> None:
        self.heard += len(data)
        self.more.set()

    def pause_writing(self) -> None:
        self.ready.clear()

    def resume_writing(self) -> None:
        self.ready.set()


async def echoes(way: Transport, port: int) -> list[float]:
    """Seconds that each of some keys took there and back."""
    transport, stream = await way.create_connection(Stream, "127.0.0.1", port)
    took = []
    for _ in range(6):
        stream.more.clear()
        began = time.monotonic()
        transport.write(b"k")
        async with asyncio.timeout(20):
            await stream.more.wait()
        took.append(time.monotonic() - began)
    transport.abort()
    return took


@pytest.mark.parametrize("floods", [1, 2])
async def test_a_key_and_floods_from_inside(floods: int) -> None:
    async with server(echo) as keys, server(flood) as port, slow_lab() as (way, _):
        streams = [await way.create_connection(Stream, "127.0.0.1", port) for _ in range(floods)]
        async with asyncio.timeout(20):
            while not all(stream.heard > 300_000 for _, stream in streams):
                await asyncio.sleep(0.01)
        took = await echoes(way, keys)
        heard = [stream.heard for _, stream in streams]
        for transport, _ in streams:
            transport.abort()
    assert median(took) < MOST * (1 + floods) / 2, took
    assert max(heard) < 2 * min(heard), "floods share alike"


async def test_a_key_and_a_flood_from_outside() -> None:
    async with server(echo) as keys, server(sink) as port, slow_lab() as (way, _):
        transport, stream = await way.create_connection(Stream, "127.0.0.1", port)

        async def pour() -> None:
            while True:
                await stream.ready.wait()
                transport.write(bytes(65536))
                await asyncio.sleep(0)

        pouring = asyncio.create_task(pour(), name="flood")
        async with asyncio.timeout(20):
            while stream.ready.is_set():
                await asyncio.sleep(0.01)
        took = await echoes(way, keys)
        pouring.cancel()
        transport.abort()
    assert median(took) < MOST, took
