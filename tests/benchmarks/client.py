"""A headless client for measuring: acknowledges every frame at once and counts what came.

Speaks to proxyd and to guacd alike, so that both columns of a table come from one run.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from proxyd.wire.instruction import Instruction, InstructionParser, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = ["Link", "Meter"]

SYNC = re.compile(rb"4\.sync,\d+\.(\d+)(?:,1\.\d)?;")
DRAWING = re.compile(rb"3\.img,|4\.copy,|4\.rect,|4\.move,")
RECEIVE_BUFFER = 65536
TAIL = 64
"""Bytes kept from the last read, in which a `sync` may have begun."""


class Link(NamedTuple):
    """A narrow way to the browser.

    Attributes:
        rate: bytes a second.
        delay: seconds there and back.
    """

    rate: float
    delay: float


@dataclass
class Meter:
    """What one connection received.

    Attributes:
        bytes: received since `reset`.
        frames: `sync`s that followed something drawn, since `reset`.
        connection_id: what others join by.
        ages: how old the picture was when the next one came, milliseconds, since `reset`.
        recording: when bytes came, and which; since the handshake.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    link: Link | None = None
    connection_id: str = ""
    bytes: int = 0
    frames: int = 0
    last_drawn: float = 0.0
    ages: list[float] = field(default_factory=list)
    recording: list[tuple[float, bytes]] = field(default_factory=list)
    _timestamp: int = 0
    _drawn: bool = False
    _tail: bytes = b""
    _frame: asyncio.Event = field(default_factory=asyncio.Event)
    _ack: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        address: tuple[str, int],
        protocol: str,
        arguments: Mapping[str, str],
        size: tuple[int, int, int] = (1024, 768, 96),
        images: tuple[str, ...] = ("image/png", "image/jpeg"),
        link: Link | None = None,
    ) -> Meter:
        """Connect and complete the handshake."""
        meter = cls(*await asyncio.open_connection(sock=await _connection(address, link)), link)
        received = b""

        async def expect(opcode: str) -> Instruction:
            nonlocal received
            while True:
                for instruction in InstructionParser().feed(received):
                    if instruction.opcode == "error":
                        raise ConnectionError(instruction.args)
                    received = received[len(instruction.encode()) :]
                    if instruction.opcode == opcode:
                        return instruction
                data = await asyncio.wait_for(meter.reader.read(65536), 15)
                if not data:
                    raise ConnectionResetError(f"closed while waiting for {opcode}")
                received += data

        meter.send("select", protocol)
        names = (await expect("args")).args
        meter.send("size", *size)
        meter.send("audio")
        meter.send("video")
        meter.send("image", *images)
        meter.send("connect", names[0], *[arguments.get(name, "") for name in names[1:]])
        meter.connection_id = (await expect("ready")).args[0]
        meter._take(received)
        meter._task = asyncio.create_task(meter._read(), name="meter")
        return meter

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave."""
        self.writer.write(encode("disconnect"))
        self.writer.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, *elements: str | int) -> None:
        """Send one instruction."""
        self.writer.write(encode(*elements))

    def type(self, text: str) -> None:
        """Press and release keys."""
        for character in text:
            keysym = 0xFF0D if character == "\n" else ord(character)
            self.send("key", keysym, 1)
            self.send("key", keysym, 0)

    def reset(self) -> None:
        """Count from here."""
        self.bytes = self.frames = 0
        self.ages.clear()
        self._frame.clear()

    async def frame(self, timeout: float = 15.0) -> float:
        """Wait for the end of the next frame that draws something; returns when it came."""
        self._frame.clear()
        await asyncio.wait_for(self._frame.wait(), timeout)
        return time.perf_counter()

    async def answer(self, timeout: float = 15.0) -> None:
        """Wait for the next `ack`."""
        self._ack.clear()
        await asyncio.wait_for(self._ack.wait(), timeout)

    async def quiet(self, seconds: float = 1.0, timeout: float = 60.0) -> None:
        """Wait until nothing was drawn for a while."""
        begun = time.perf_counter()
        while time.perf_counter() - max(self.last_drawn, begun) < seconds:
            if time.perf_counter() - begun > timeout:
                raise TimeoutError
            await asyncio.sleep(seconds / 20)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        beat = loop.time()
        size = 1 << 20 if self.link is None else RECEIVE_BUFFER // 4
        while data := await self.reader.read(size):
            if self.link is not None:
                await asyncio.sleep(len(data) / self.link.rate)
            self._take(data)
            if loop.time() - beat > 4:
                beat = loop.time()
                self.send("nop")

    def _take(self, data: bytes) -> None:
        self.bytes += len(data)
        self.recording.append((time.perf_counter(), data))
        if b"3.ack," in data:
            self._ack.set()
        text = self._tail + data
        position = 0
        for match in SYNC.finditer(text):
            drawn = self._drawn or DRAWING.search(text, position, match.start()) is not None
            self._drawn = False
            position = match.end()
            if drawn:
                self.frames += 1
                self.last_drawn = time.perf_counter()
                self._frame.set()
            self._acknowledge(match[1].decode())
        rest = text[position:]
        self._drawn = self._drawn or DRAWING.search(rest) is not None
        self._tail = rest[-TAIL:]

    def _acknowledge(self, timestamp: str) -> None:
        if self._timestamp:
            self.ages.append(time.monotonic() * 1000 - self._timestamp)
        self._timestamp = int(timestamp)  # of the system's monotonic clock, in both daemons
        if self.link is not None:
            asyncio.get_running_loop().call_later(self.link.delay, self.send, "sync", timestamp)
        else:
            self.send("sync", timestamp)


async def _connection(address: tuple[str, int], link: Link | None) -> socket.socket:
    """A socket that hides no more than it must of a narrow link."""
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers and brokers do
    if link is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, address)
    return connection
