"""The gate inside a private network: a real connector listens, and its streams come out at the gate and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from proxyd.transit import gate as module
from proxyd.transit.connectors import Connectors
from proxyd.transit.gate import GateDoor
from tests.fakes.connectors import FakeConnector
from tests.proxyd.transit.test_connectors import KEY, there
from tests.servers.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(b"gate: " + data)
    writer.close()


@contextlib.asynccontextmanager
async def network(gate: str, offered: str) -> AsyncIterator[Connectors]:
    connectors = Connectors(GateDoor(gate))
    async with there(connectors, "r1", FakeConnector(KEY, gate=offered)):
        yield connectors


async def said(port: int, text: bytes = b"hello") -> bytes:
    """What an instance hears; nothing where it is turned away."""
    async with asyncio.timeout(10):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:  # it does not listen yet
                await asyncio.sleep(0.02)
        with contextlib.suppress(OSError):
            writer.write(text)
            writer.write_eof()
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.fixture
async def gate_port() -> AsyncIterator[int]:
    listening = await asyncio.start_server(answering, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
async def test_an_instance_inside_reaches_the_gate(gate_port: int, host: str) -> None:
    port = free_port()
    async with network(f"127.0.0.1:{gate_port}", f"{host}:{port}"):
        assert await said(port) == b"gate: hello"
        assert await asyncio.gather(*(said(port, b"%d" % n) for n in range(20))) == [
            b"gate: %d" % n for n in range(20)
        ]
    with pytest.raises(OSError):  # it ends with the connector
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    ("gate", "offered"),
    [
        (True, ""),
        (False, "127.0.0.1:{port}"),
        (True, 5),
        (True, ["127.0.0.1:{port}"]),
        (True, "127.0.0.1:0"),
        (True, "x" * 400 + ":{port}"),
    ],
)
async def test_nothing_listens_where_one_side_does_not_say_so(
    gate_port: int, gate: bool, offered: Any
) -> None:
    port = free_port()
    where = offered.format(port=port) if isinstance(offered, str) else offered
    connectors = Connectors(GateDoor(f"127.0.0.1:{gate_port}" if gate else ""))
    hello = {"machine": "r1", "process": "r1", "host": "r1", "gate": where}
    connector = FakeConnector(KEY, hello=hello, gate=f"127.0.0.1:{port}")
    with structlog.testing.capture_logs() as lines:
        async with there(connectors, "r1", connector):
            (living,) = connectors.living("lab")
            await living.greet()  # what was asked before is answered before
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", port)
    said = [row for row in lines if "gate-address does not say where it is" in row["event"]]
    assert len(said) == (not gate)


async def test_a_gate_that_is_away_turns_instances_away_and_nothing_else() -> None:
    port = free_port()
    with structlog.testing.capture_logs() as lines:
        async with network(f"127.0.0.1:{free_port()}", f"127.0.0.1:{port}") as connectors:
            assert await said(port) == b""
            assert connectors.carrier("lab")
    assert [row["error"] for row in lines if row["event"] == "the gate cannot be reached"] == [
        "ConnectionRefusedError"
    ]


async def test_one_connector_has_only_so_many_streams(
    gate_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_STREAMS", 2)
    port = free_port()
    async with network(f"127.0.0.1:{gate_port}", f"127.0.0.1:{port}"):
        assert await said(port) == b"gate: hello"
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"x")
            assert await reader.read(7) == b"gate: x"
        assert await said(port) == b""
        for _, writer in held:
            writer.close()
        async with asyncio.timeout(10):
            while await said(port) != b"gate: hello":
                await asyncio.sleep(0.02)


async def test_a_connector_that_cannot_listen_carries_sessions_all_the_same(gate_port: int) -> None:
    async with asyncio.timeout(15):
        with structlog.testing.capture_logs() as lines:
            async with network(f"127.0.0.1:{gate_port}", f"127.0.0.1:{gate_port}") as connectors:
                while not [
                    row for row in lines if row["event"] == "the gate is not offered in a private network"
                ]:
                    await asyncio.sleep(0.02)
                assert connectors.carrier("lab")
