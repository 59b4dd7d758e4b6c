"""Connectors as the daemon sees them: who is let in, which is best, and what becomes of the lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from proxyd.transit import connectors as module
from proxyd.transit.connectors import Connector, Connectors
from proxyd.wire.instruction import encode
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.connectors import BROKER, FakeConnector, new_key, server, written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connector.keyfile import ConnectorKey

KEY = new_key()


def order(relay: str, key: ConnectorKey = KEY, network: str = "lab") -> str:
    fields = {"relay": relay, "network": network, "accepted": {key.fingerprint: 7}, "key": written(BROKER)}
    return json.dumps(fields)


async def told(connectors: Connectors, relay: str) -> dict[str, Any]:
    """What is said of a connection, as soon as anything is."""
    async with asyncio.timeout(10):
        while True:
            for row in await connectors.answer(json.dumps({"op": "status", "relays": [relay]})):
                return row
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def there(
    connectors: Connectors, relay: str, connector: FakeConnector | None = None, network: str = "lab"
) -> AsyncIterator[FakeConnector]:
    """A connector that a broker's relay leads here, accepted by `KEY`."""
    connector = connector or FakeConnector(KEY, hello={"machine": relay, "process": relay, "host": relay})
    connector.before = len(encode("ready", relay))
    async with connector.running():
        connector.far.setblocking(False)
        serving = asyncio.create_task(
            connectors.serve(connector.far, order(relay, network=network)), name=relay
        )
        try:
            await told(connectors, relay)
            yield connector
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def test_streams_pass_and_it_is_said_how_the_connector_is() -> None:
    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-inside")
        writer.close()

    connectors = Connectors()
    async with server(hello) as port, there(connectors, "r1"):
        reader = asyncio.StreamReader()
        carrier = connectors.carrier("lab")
        channel, _ = await carrier.transport.create_connection(lambda: Reading(reader), "127.0.0.1", port)
        assert await reader.read() == b"SSH-2.0-inside"
        channel.close()
        row = await told(connectors, "r1")
        assert (row["generation"], row["hello"]["host"], row["well"]) == (7, "r1", True)
        assert row["round_trip"] > 0
        assert await connectors.answer('{"op": "say", "relay": "r1", "word": "update"}') == [
            {"said": "update"}
        ]


async def test_a_key_of_another_network_is_refused_and_nothing_passes() -> None:
    connectors = Connectors()
    async with there(connectors, "r1", FakeConnector(new_key("other"))):
        row = await told(connectors, "r1")
        assert row["ended"] == "refused"
        assert "is not one of the network lab" in row["reason"]
        with pytest.raises(StatusError, match="No connector of the network lab is connected"):
            connectors.carrier("lab")


async def test_networks_are_kept_apart() -> None:
    connectors = Connectors()
    async with there(connectors, "r1", network="one"), there(connectors, "r2", network="two"):
        assert carried(connectors, "one") == "r1"
        assert carried(connectors, "two") == "r2"


async def test_the_best_is_well_not_on_standby_and_has_few_sessions() -> None:
    connectors = Connectors()
    standby = FakeConnector(KEY, hello={"machine": "m3", "process": "p3", "host": "r3", "standby": True})
    async with there(connectors, "r1"), there(connectors, "r2"), there(connectors, "r3", standby):
        first = connectors.carrier("lab")
        first.enter("session")
        second = connectors.carrier("lab")
        assert isinstance(first, Connector)
        assert isinstance(second, Connector)
        assert second is not first
        second.well = False
        assert connectors.carrier("lab") is first
        first.well = False
        assert carried(connectors, "lab") == "r3"


async def test_a_lost_connector_names_itself() -> None:
    connectors = Connectors()
    async with there(connectors, "gw1"):
        carrier = connectors.carrier("lab")
    error = carrier.loss()
    assert error is not None
    assert (error.status, error.hop) == (Status.UPSTREAM_UNAVAILABLE, Hop.GATEWAY)
    assert error.message == "The connector on gw1 of the network lab was lost."
    with pytest.raises(StatusError):
        connectors.carrier("lab")


async def test_two_on_one_host_are_refused_unless_forced_or_the_first_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PROBE_TIMEOUT", 0.3)
    connectors = Connectors()

    def another(process: str, **more: Any) -> FakeConnector:
        return FakeConnector(KEY, hello={"machine": "m", "process": process, "host": process, **more})

    async with there(connectors, "r1", another("p1")) as first:
        async with there(connectors, "r2", another("p2")):
            assert (await told(connectors, "r2"))["ended"] == "duplicate"
        async with there(connectors, "r3", another("p3", forced=True)):
            assert "ended" not in await told(connectors, "r3")
        first.silent = True
        async with there(connectors, "r4", another("p4")):
            assert "ended" not in await told(connectors, "r4")
            assert carried(connectors, "lab") == "p4"


async def test_two_of_which_one_was_forced_may_both_come_back() -> None:
    connectors = Connectors()

    def one(process: str, **more: Any) -> FakeConnector:
        return FakeConnector(KEY, hello={"machine": "m", "process": process, "host": process, **more})

    async with (
        there(connectors, "r1", one("p1")),
        there(connectors, "r2", one("p2", forced=True)),
        there(connectors, "r3", one("p1")),
        there(connectors, "r4", one("p2", forced=True)),
    ):
        async with asyncio.timeout(10):
            while {row.order.relay for row in connectors.living("lab")} != {"r3", "r4"}:
                await asyncio.sleep(0.01)
        for relay in ("r3", "r4"):
            assert "ended" not in await told(connectors, relay)


@pytest.mark.parametrize(
    "hello", [{"machine": 1}, {"machine": None}, {"error": "no"}, {"host": "x" * 17_000}]
)
async def test_a_greeting_that_is_none(hello: dict[str, Any]) -> None:
    connectors = Connectors()
    async with there(connectors, "r1", FakeConnector(KEY, hello=hello)):
        assert (await told(connectors, "r1"))["ended"] == "failed"


@pytest.mark.parametrize("clock", [10**400, 1e999, float("nan"), "noon", None, [], -5])
async def test_a_clock_that_is_none_is_no_harm(clock: Any) -> None:
    connectors = Connectors()
    hello = {"machine": "m1", "process": "p1", "host": "r1", "clock": clock}
    async with there(connectors, "r1", FakeConnector(KEY, hello=hello)):
        assert abs((await told(connectors, "r1"))["clock_offset"]) < 2e9
        carrier = connectors.carrier("lab")
        assert isinstance(carrier, Connector)
        await carrier.greet()


async def test_of_two_that_come_at_once_to_a_silent_ones_place_one_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PROBE_TIMEOUT", 0.3)
    connectors = Connectors()

    def another(process: str) -> FakeConnector:
        return FakeConnector(KEY, hello={"machine": "m", "process": process, "host": process})

    async with there(connectors, "r1", another("p1")) as first:
        first.silent = True
        async with contextlib.AsyncExitStack() as stack:
            both = [
                stack.enter_async_context(there(connectors, name, another(name))) for name in ("r2", "r3")
            ]
            first_task, second_task = (asyncio.create_task(one, name="dials") for one in both)
            await asyncio.gather(first_task, second_task)
            rows = [await told(connectors, name) for name in ("r2", "r3")]
            assert sorted(str(row.get("ended")) for row in rows) == ["None", "duplicate"]


async def test_nobody_is_told_of_connections_that_he_does_not_name() -> None:
    connectors = Connectors()
    async with there(connectors, "r1"):
        assert await connectors.answer('{"op": "status"}') == []
        assert await connectors.answer('{"op": "status", "relays": ["r2", 1, null]}') == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"relay": 1, "network": "lab", "accepted": {}, "key": "x"}', "[" * 9999]
)
async def test_an_order_that_is_none(text: str) -> None:
    with pytest.raises(StatusError, match="cannot be understood"):
        module.Order.parse(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"op": 1}', '{"op": "say"}', '{"op": "say", "relay": [], "word": {}}']
)
async def test_a_request_that_is_none(text: str) -> None:
    assert "error" in (await Connectors().answer(text))[0]


def carried(connectors: Connectors, network: str) -> str:
    carrier = connectors.carrier(network)
    assert isinstance(carrier, Connector)
    return carrier.host


class Reading(asyncio.StreamReaderProtocol):
    """A stream's bytes, as asyncssh hands them over."""

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        super().data_received(data)

    def session_started(self) -> None:
        pass
