"""What a connector costs on the way: throughput of a whole session, and time to open a stream, against going directly.

All runs as it is deployed: broker, daemon and connector are processes of their own, the connector comes by WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from proxyd.transit.connectors import Connectors
from proxyd.transit.service import Service
from tests.benchmarks import sftp
from tests.benchmarks.processors import CLIENT, INSTANCE, MODULES, Processors
from tests.benchmarks.rows import Benchmark, Options, Row
from tests.servers import processes
from tests.servers.private import ROOT, ConnectorProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

OPENS = 200
STREAM = 100_000_000
CHUNK = bytes(262_144)
MEGABYTES = 100
"""Of a download: processor time is counted in hundredths of a second."""
ROUNDS = 3
"""Downloads each way, in turn; the best of each count."""
GIGABIT = 125_000_000
"""Bytes a second."""

PARTS = (*MODULES.values(), INSTANCE, CLIENT)
DIRECT_PARTS = (MODULES["proxyd.worker"], INSTANCE, CLIENT)

ROWS = (
    Row("ratio", "connector: download by SFTP through it, as a share of direct", "%", least=75),
    Row("gigabit", "connector: the same where the instance's link carries 1 Gbit/s", "%", least=75),
    Row("open", "connector: time added to open a stream", "ms", most=3),
    Row("stream", "connector: bytes of one stream through it", "MB/s", more_is_better=True),
    Row("direct-busy", "direct: processors in use during a download", ""),
    Row("direct-share", "direct: of the time, the worker was on a processor", "%"),
    Row("direct-total", "direct: processor time of all, a MB", "ms"),
    *(Row(f"direct-{part}", f"direct: processor time of the {part}, a MB", "ms") for part in DIRECT_PARTS),
    Row("busy", "connector: processors in use during a download", ""),
    Row("total", "connector: processor time of all, a MB", "ms"),
    *(Row(part, f"connector: processor time of the {part}, a MB", "ms") for part in PARTS),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """A broker of its own between the daemon and a connector; then the same with the daemon's transit in this process."""
    with tempfile.TemporaryDirectory(prefix="connector-") as name:
        folder = Path(name)
        outside = replace(options, megabytes=MEGABYTES)
        inside = replace(outside, parameters={"network": "lab"})
        with _site(folder, *target.address):
            direct, through = [], []
            used, used_inside = Processors(), Processors()
            for _ in range(ROUNDS):
                direct.append(await sftp.download(target, outside, used))
                through.append(await sftp.download(target, inside, used_inside))
            gigabit = [
                await sftp.download(target, way, contextlib.nullcontext(), GIGABIT)
                for way in (outside, inside)
            ]
        async with _transit() as (connectors, port), _aside(_site(folder, "127.0.0.1", port)):
            figures = await _streams(connectors)
    megabytes = ROUNDS * MEGABYTES
    return {
        "ratio": 100 * max(through) / max(direct),
        "gigabit": 100 * gigabit[1] / gigabit[0],
        **figures,
        "direct-total": 1000 * sum(used.seconds.values()) / megabytes,
        "total": 1000 * sum(used_inside.seconds.values()) / megabytes,
        "direct-busy": used.busy,
        "direct-share": 100 * used.seconds["worker"] / used.elapsed,
        **{f"direct-{part}": 1000 * used.seconds[part] / megabytes for part in DIRECT_PARTS},
        "busy": used_inside.busy,
        **{part: 1000 * used_inside.seconds[part] / megabytes for part in PARTS},
    }


@contextlib.asynccontextmanager
async def _aside(context: contextlib.AbstractContextManager[None]) -> AsyncIterator[None]:
    """Enter and leave a context in a thread: what it waits for is in this one's loop."""
    await asyncio.to_thread(context.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


@contextlib.contextmanager
def _site(folder: Path, host: str, port: int) -> Iterator[None]:
    """A broker before a daemon, and a connector that is connected."""
    bind = processes.free_port()
    config = folder / "fanlight.toml"
    values = {
        "bind": f"127.0.0.1:{bind}", "metrics-bind": "", "store": f"sqlite:///{folder}/{port}.sqlite",
        "guacd-hostname": host, "guacd-port": port, "drain-timeout": 0,
    }  # fmt: skip
    config.write_text(
        "[broker]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    )

    def fanlight(*words: str) -> str:
        command = [sys.executable, "-c", "from broker.cli import main; main()", "network", "key", *words]
        done = subprocess.run(
            [*command, "--config", config], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout

    broker = processes.start(sys.executable, "-m", "broker", "--config", str(config), cwd=ROOT)
    try:
        processes.wait_for_port(bind, broker)
        fanlight("new", "lab", "--endpoint", f"ws://127.0.0.1:{bind}/guacamole/connector")
        connector = ConnectorProcess(folder / str(port), fanlight("show-once", "lab"), "127.0.0.1/32:*")
        try:
            processes.wait_for(lambda: connector.state == "connected", "the connector connecting")
            yield
        finally:
            connector.stop()
    finally:
        processes.stop(broker)


@contextlib.asynccontextmanager
async def _transit() -> AsyncIterator[tuple[Connectors, int]]:
    """A daemon's transit in this process, for a broker at the other end."""
    connectors = Connectors()
    service = Service(None, connectors)  # type: ignore[arg-type] - nobody signs in at a gateway
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(connection: socket.socket) -> None:
        connection.setblocking(False)
        await service.broker(connection, await loop.sock_recv(connection, 65536))

    async def accept() -> None:
        while True:
            connection, _ = await loop.sock_accept(listener)
            tasks.add(asyncio.create_task(serve(connection), name="broker asks"))

    tasks.add(asyncio.create_task(accept(), name="accept"))
    try:
        yield connectors, listener.getsockname()[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        listener.close()


async def _streams(connectors: Connectors) -> dict[str, float]:
    """Opens one after the other, and a long stream, both ways."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if await reader.read(1):
                for _ in range(STREAM // len(CHUNK)):
                    writer.write(CHUNK)
                    await writer.drain()
            writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(20):
        while not connectors.living("lab"):
            await asyncio.sleep(0.02)
    transport = connectors.carrier("lab").transport

    async def through() -> float:
        begun = time.perf_counter()
        channel, _ = await transport.create_connection(_Counting, "127.0.0.1", port)
        elapsed = time.perf_counter() - begun
        channel.close()
        return elapsed

    async def straight() -> float:
        begun = time.perf_counter()
        opened, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
        elapsed = time.perf_counter() - begun
        opened.close()
        return elapsed

    added = median([await through() for _ in range(OPENS)]) - median([await straight() for _ in range(OPENS)])
    begun = time.perf_counter()
    channel, counting = await transport.create_connection(_Counting, "127.0.0.1", port)
    channel.write(b"!")
    size = await counting.ended
    elapsed = time.perf_counter() - begun
    channel.close()
    server.close()
    return {"open": added * 1000, "stream": size / elapsed / 1e6}


class _Counting(asyncio.Protocol):
    """Counts what comes."""

    def __init__(self) -> None:
        self._size = 0
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def session_started(self) -> None:
        """See `asyncssh.SSHTCPSession`."""

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        self._size += len(data)

    def eof_received(self) -> None:
        self.ended.set_result(self._size)


BENCHMARK = Benchmark("connector", ROWS, measure, peer=False)
