"""What the broker costs on the way: throughput, added latency, memory of a tunnel at rest."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psutil

from proxyd.wire.instruction import encode
from tests.benchmarks.relay_daemon import CHUNK
from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.fakes.platform import Platform
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

SECRET = "so-secret"
IDLE, BUSY, PER_TOKEN = 1000, 50, 25
BUSY_INTERVAL = 0.05
"""Seconds between two echoes of a busy tunnel."""
PROBES = 1000
FLOOD = 400_000_000

ROWS = (
    Row("throughput", "broker: relay, for each second of its processor", "MB/s", least=200),
    Row("p50", "broker: latency added, 50 tunnels busy and 1,000 at rest, p50", "ms", most=0.5),
    Row("p99", "broker: latency added, 50 tunnels busy and 1,000 at rest, p99", "ms"),
    Row("memory", "broker: memory of a tunnel at rest (PSS)", "KB", most=80),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """A broker of its own in front of a daemon that echoes and floods; `target` has no part in it."""
    with _running(sys.executable, "-m", "tests.benchmarks.relay_daemon") as daemon:
        assert daemon.stdout
        daemon_port = int(daemon.stdout.readline())
        async with AsyncExitStack() as stack:
            site = stack.enter_context(_broker(daemon_port))
            throughput = await _throughput(site)
            warm = [await site.tunnel() for _ in range(PER_TOKEN)]
            before = site.memory()
            idle = [await site.tunnel() for _ in range(IDLE)]
            memory = (site.memory() - before) / IDLE
            busy = [await site.tunnel() for _ in range(BUSY)]
            chatter = [asyncio.create_task(_chat(tunnel), name="busy tunnel") for tunnel in busy]
            direct = await Stream.straight(daemon_port)
            probe = await site.tunnel()
            through, straight = await _delays(probe, direct)
            for task in chatter:
                task.cancel()
            await asyncio.gather(*chatter, return_exceptions=True)
            for stream in (*warm, *idle, *busy, direct, probe):
                stream.close()
    added = {
        name: percentile(through, percent) - percentile(straight, percent)
        for name, percent in (("p50", 50), ("p99", 99))
    }
    return {"throughput": throughput, "memory": memory, **added}


async def _throughput(site: Site) -> float:
    """Megabytes for each second of the broker's processor, with one tunnel in flood."""
    tunnel = await site.tunnel()
    expected = FLOOD // len(CHUNK) * len(CHUNK)
    before = site.processor_seconds()
    tunnel.send(encode("flood", FLOOD))
    await tunnel.received(expected)
    spent = site.processor_seconds() - before
    tunnel.close()
    return expected / 1e6 / spent


async def _chat(tunnel: Stream) -> None:
    while True:
        await tunnel.echo()
        await asyncio.sleep(BUSY_INTERVAL)


async def _delays(probe: Stream, direct: Stream) -> tuple[list[float], list[float]]:
    """Milliseconds of echoes through the broker and straight from the daemon, taken in turn."""
    through, straight = [], []
    for _ in range(PROBES):
        through.append(await probe.echo())
        straight.append(await direct.echo())
        await asyncio.sleep(0.002)
    return through, straight


class Site:
    """A broker's process, and tokens for it."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self._process = process
        self._port = port
        self._platform = Platform(f"http://127.0.0.1:{port}/guacamole", SECRET)
        self._token = ""
        self._left = 0

    def memory(self) -> float:
        """Kilobytes."""
        return self._process.memory_full_info().pss / 1e3

    def processor_seconds(self) -> float:
        used = self._process.cpu_times()
        return used.user + used.system

    async def tunnel(self) -> Stream:
        """A tunnel whose handshake is over."""
        if not self._left:
            body = self._platform.body("10.1.2.3", "ssh", "abc")
            self._token = await asyncio.to_thread(self._platform.post, body)
            self._left = PER_TOKEN
        self._left -= 1
        query = {"token": self._token, "GUAC_ID": "abc", "GUAC_TYPE": "c", "GUAC_DATA_SOURCE": "hmac"}
        return await Stream.through(self._port, f"/guacamole/websocket-tunnel?{urlencode(query)}")


class Stream(asyncio.Protocol):
    """Bytes to and from a tunnel or a daemon; frames are not taken apart, to leave the machine to what is measured."""

    def __init__(self, framed: bool) -> None:
        self._framed = framed
        self._count = 0
        self._tail = b""
        self._more = asyncio.Event()

    @classmethod
    async def through(cls, port: int, path: str) -> Self:
        """A WebSocket."""
        stream = await cls._connect(port, framed=True)
        key = base64.b64encode(os.urandom(16)).decode()
        stream._transport.write(
            (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: guacamole\r\n\r\n"
            ).encode()
        )
        await stream._until(b"0.,36.")
        return stream

    @classmethod
    async def straight(cls, port: int) -> Self:
        """A connection to the daemon itself."""
        stream = await cls._connect(port, framed=False)
        stream.send(encode("select", "ssh") + encode("connect", "VERSION_1_5_0", "", ""))
        await stream._until(b"5.ready")
        return stream

    @classmethod
    async def _connect(cls, port: int, *, framed: bool) -> Self:
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: cls(framed), "127.0.0.1", port)
        return stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._count += len(data)
        self._tail = (self._tail + data)[-400:]
        self._more.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._more.set()

    def send(self, data: bytes) -> None:
        if self._framed:
            assert len(data) < 126
            data = bytes((0x81, 0x80 | len(data))) + bytes(4) + data  # masked with zero
        self._transport.write(data)

    async def echo(self) -> float:
        """Milliseconds until an instruction comes back."""
        begun = time.perf_counter()
        wanted = encode("echo", time.perf_counter_ns())
        self.send(wanted)
        await self._until(wanted)
        return (time.perf_counter() - begun) * 1000

    async def received(self, size: int) -> None:
        """Wait for so many bytes from now on."""
        end = self._count + size
        while self._count < end:
            await self._wait()

    def close(self) -> None:
        self._transport.abort()

    async def _until(self, wanted: bytes) -> None:
        while wanted not in self._tail:
            await self._wait()

    async def _wait(self) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError
        self._more.clear()
        await self._more.wait()


@contextmanager
def _running(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


@contextmanager
def _broker(daemon_port: int) -> Iterator[Site]:
    port = processes.free_port()
    with tempfile.TemporaryDirectory(prefix="relay-") as folder:
        command = [
            sys.executable, "-m", "broker", "--bind", f"127.0.0.1:{port}", "--metrics-bind", "",
            "--guacd-hostname", "127.0.0.1", "--guacd-port", str(daemon_port), "--log-level", "warning",
            "--store", f"sqlite:///{folder}/broker.sqlite",
        ]  # fmt: skip
        with _running(*command, FANLIGHT_SECRET_KEY=SECRET) as process:
            processes.wait_for_port(port, process)  # type: ignore[arg-type]
            yield Site(psutil.Process(process.pid), port)


BENCHMARK = Benchmark("relay", ROWS, measure, peer=False)
