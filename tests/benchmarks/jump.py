"""What an SSH gateway on the way costs: a download, a plain stream, and the time to open one."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proxyd.children import Transit
from proxyd.settings import Settings
from proxyd.transport import Direct
from proxyd.transport.through import Through
from proxyd.wire.route import JumpHost, Route
from tests.benchmarks import sftp
from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.servers.sshd import Sshd
from tests.servers.transit import Answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxyd.transport import Way
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

OPENS = 200
CHUNK = bytes(65536)
ROUNDS = 3
"""Downloads each way, in turn; the best of each count."""

ROWS = (
    Row("download", "gateway: download by SFTP, of the direct rate", "%", least=75),
    Row("stream", "gateway: one plain stream through it", "MB/s", more_is_better=True),
    Row("open", "gateway: added to opening a stream, p50", "ms", most=3),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """The same things with and without a gateway, which is an sshd on this machine."""
    with Sshd() as gateway:
        host = JumpHost(
            "gateway", "127.0.0.1", gateway.port, gateway.user,
            host_key=gateway.host_key, private_key=gateway.private_key,
        )  # fmt: skip
        row = {name.replace("_", "-"): value for name, value in vars(host).items()}
        through = replace(options, parameters={"jump-hosts": json.dumps([row]), "gateway-owner": "bench"})
        rates: dict[bool, float] = {False: 0.0, True: 0.0}
        for _ in range(ROUNDS):
            for jumps, these in ((False, options), (True, through)):
                rates[jumps] = max(rates[jumps], (await sftp.measure(target, these))["rate"])
        async with _transit() as path, _source() as port:
            way = Through(path, Route((host,), "bench", "", 60, 600, "$1"), 10.0)
            await way.ready(Answers())
            added = await _open_seconds(way, port) - await _open_seconds(Direct(), port)
            stream = await _rate(way, port, options.megabytes * 1_000_000)
    return {"download": 100 * rates[True] / rates[False], "stream": stream, "open": added * 1000}


@asynccontextmanager
async def _transit() -> AsyncIterator[str]:
    """A transit process of its own; gives the path of its socket."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = f"{folder}/transit"
        listener.bind(path)
        listener.listen()
        child = Transit(Settings(host_key_pins=None, log_level="error"), listener)
        await child.start()
        try:
            yield path
        finally:
            await child.stop()


@asynccontextmanager
async def _source() -> AsyncIterator[int]:
    """Listens, and sends without end to whoever says something."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(1):
                while not writer.is_closing():
                    writer.write(CHUNK)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _open_seconds(way: Way, port: int) -> float:
    took = []
    for _ in range(OPENS):
        began = time.perf_counter()
        transport, _ = await way.create_connection(asyncio.Protocol, "127.0.0.1", port)
        took.append(time.perf_counter() - began)
        transport.close()
    return percentile(took, 50)


class _Counter(asyncio.Protocol):
    """Counts bytes until there are enough."""

    def __init__(self, wanted: int) -> None:
        self._left = wanted
        self.enough = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left <= 0:
            self.enough.set()


async def _rate(way: Way, port: int, size: int) -> float:
    transport: Any
    transport, counter = await way.create_connection(lambda: _Counter(size), "127.0.0.1", port)
    began = time.perf_counter()
    transport.write(b"!")
    await asyncio.wait_for(counter.enough.wait(), 120)
    transport.abort()
    return size / (time.perf_counter() - began) / 1e6


BENCHMARK = Benchmark("jump", ROWS, measure, peer=False)
