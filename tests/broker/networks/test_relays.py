"""The door for connectors: who comes in, what is kept of them, and who is kept out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from broker.bans import Bans
from broker.fleet import Fleet
from broker.networks import relays as module
from broker.networks.listener import Listener
from broker.networks.registry import NetworkError, PrivateNetworks
from broker.networks.relays import NoEntryError, Relays
from broker.networks.shown import tried
from broker.proxyd_client import Address
from broker.store import open_store
from connector.keyfile import parse_key
from proxyd.transit import connectors as daemons
from proxyd.transit.connectors import Connectors
from proxyd.transit.service import Service
from tests.fakes.connectors import FakeConnector, new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from connector.keyfile import ConnectorKey

ENDPOINT = "tcp://127.0.0.1:4830"


class Door:
    """A broker's door, with a daemon's transit behind it."""

    def __init__(self) -> None:
        self.store = open_store("sqlite://", time.time)
        self.networks = PrivateNetworks(self.store, time.time)
        self.bans = Bans(self.store, time.time, 2, 60)
        self.connectors = Connectors()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._daemon = socket.create_server(("127.0.0.1", 0))
        self._daemon.setblocking(False)
        self.fleet = Fleet([Address("127.0.0.1", self._daemon.getsockname()[1])])
        self.relays = Relays(self.networks, self.fleet, self.bans, time.time, allow_insecure=False)
        self.listener = Listener(self.relays)
        await self.listener.open("127.0.0.1:0")
        self._serving.add(asyncio.create_task(self._accept(), name="accept"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listener.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._daemon.close()
        await self.settled(0)
        await self.store.close()

    async def _accept(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._daemon)
            self._serving.add(asyncio.create_task(self._serve(connection), name="daemon"))

    async def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setblocking(False)
            data = await asyncio.get_running_loop().sock_recv(connection, 65536)
            await Service(None, self.connectors).broker(connection, data)  # type: ignore[arg-type]

    async def key(self) -> ConnectorKey:
        await self.networks.new_key("lab", [ENDPOINT])
        return parse_key(await self.networks.show_once("lab") or "")

    async def settled(self, relays: int) -> None:
        async with asyncio.timeout(10):
            while len(self.relays) != relays:
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def dialled(
        self, connector: FakeConnector, line: bytes = b"fanlight-connector lab\n"
    ) -> AsyncIterator[None]:
        """The connector at the door; bytes are carried between the two."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        writer.write(line)
        async with connector.running():
            inner_reader, inner_writer = await asyncio.open_connection(sock=connector.far.dup())
            both = [
                asyncio.create_task(_copy(reader, inner_writer), name="in"),
                asyncio.create_task(_copy(inner_reader, writer), name="out"),
            ]
            try:
                yield
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
                writer.transport.abort()
                inner_writer.transport.abort()

    async def connector(self, *, connected: bool) -> Any:
        """The one connector, once it is (not) there."""
        async with asyncio.timeout(10):
            while True:
                rows = await self.networks.connectors("lab")
                if rows and rows[0].connected == connected:
                    return rows[0]
                await asyncio.sleep(0.02)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr(module, "FIRST_LOOKS", (0.05, 0.05, 0.1, 0.2))
    async with Door() as made:
        yield made


async def test_a_connector_comes_in_is_seen_answers_and_leaves(door: Door) -> None:
    connector = FakeConnector(await door.key(), hello={"version": "9\x1b[31m", "targets": ["10.0.0.0/8:22"]})
    async with door.dialled(connector):
        row = await door.connector(connected=True)
        assert (row.host, row.generation, row.endpoint, row.address) == ("gw1", 1, "tcp", "127.0.0.1")
        assert (row.version, row.targets) == ("9[31m", ("10.0.0.0/8:22",))
        assert await door.networks.daemons("lab") == [str(door.fleet.daemons[0].address)]
        assert await door.relays.say(row, "test db 22") == {"said": "test db 22"}
    row = await door.connector(connected=False)
    assert row.error
    assert await door.networks.daemons("lab") == []
    with pytest.raises(NetworkError, match="gw1"):
        await door.relays.say(row, "hello")


async def test_a_revoked_key_is_cut_off_and_refused(door: Door) -> None:
    key = await door.key()
    async with door.dialled(FakeConnector(key)):
        await door.connector(connected=True)
        await door.networks.revoke("lab")
        await door.relays.look()
        assert "revoked" in (await door.connector(connected=False)).error
    with pytest.raises(NoEntryError) as raised:
        await door.relays.check("lab", "192.0.2.1")
    assert raised.value.http == 403


async def test_foreign_keys_are_refused_and_counted(door: Door) -> None:
    await door.key()
    for attempt in range(3):
        async with door.dialled(FakeConnector(new_key())):
            async with asyncio.timeout(10):
                while len(door.connectors._ended) <= attempt:
                    await asyncio.sleep(0.01)
            await door.settled(0)
    async with asyncio.timeout(10):
        while not await door.bans.remaining("connector 127.0.0.1"):
            await asyncio.sleep(0.01)
    assert await door.networks.connectors("lab") == []
    with pytest.raises(NoEntryError, match="too many failures"):
        await door.relays.check("lab", "127.0.0.1")


async def test_a_connector_with_last_years_key_keeps_nobody_else_out(door: Door) -> None:
    old = await door.key()
    new = await door.key()
    for attempt in range(5):
        async with door.dialled(FakeConnector(old)):
            async with asyncio.timeout(10):
                while len(door.connectors._ended) <= attempt:
                    await asyncio.sleep(0.01)
            await door.settled(0)
    assert not await door.bans.remaining("connector 127.0.0.1")
    async with door.dialled(FakeConnector(new)):
        assert (await door.connector(connected=True)).generation == 2
    await door.networks.revoke("lab")
    for _ in range(5):
        with pytest.raises(NoEntryError, match="was revoked"):
            await door.relays.check("lab", "127.0.0.1")
    assert not await door.bans.remaining("connector 127.0.0.1")
    for _ in range(3):
        with pytest.raises(NoEntryError):
            await door.relays.check("other", "127.0.0.1")
    assert await door.bans.remaining("connector 127.0.0.1")


@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1\r\n", b"fanlight-connector \n", b"fanlight-connector other\n", b"x" * 70_000]
)
async def test_other_first_lines_are_shown_the_door(door: Door, line: bytes) -> None:
    await door.key()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.listener.port)
    writer.write(line)
    with contextlib.suppress(OSError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert len(door.relays) == 0


async def test_strangers_are_few(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.key()
    ends = []
    for _ in range(module.MAX_STRANGERS_PER_ADDRESS):
        ends.append(await asyncio.open_connection("127.0.0.1", door.listener.port))
        ends[-1][1].write(b"fanlight-connector lab\n")
    await door.settled(module.MAX_STRANGERS_PER_ADDRESS)
    with pytest.raises(NoEntryError, match="not shown a key") as raised:
        await door.relays.check("lab", "127.0.0.1")
    assert raised.value.http == 429
    await door.relays.check("lab", "192.0.2.1")
    for _, writer in ends:
        writer.close()
    await door.settled(0)


async def test_connectors_are_told_when_they_may_restart_into_an_update(door: Door) -> None:
    words: list[str] = []

    class Updating(FakeConnector):
        """Waits for its turn."""

        async def answer(self, word: str) -> dict[str, Any]:
            if word.startswith("update"):
                words.append(f"{self.hello['machine']} {word}")
            return await super().answer(word)

    key = await door.key()
    waiting = {"version": "9.0.0", "ready": True, "about": "9.0.0 waits for its turn\x1b[31m"}
    both = {name: contextlib.AsyncExitStack() for name in ("m1", "m2")}
    async with both["m1"], both["m2"], contextlib.AsyncExitStack() as later:
        for name, stack in both.items():
            connector = Updating(key, hello={"machine": name, "update": waiting})
            await stack.enter_async_context(door.dialled(connector))
        async with asyncio.timeout(10):
            while (
                len(await door.networks.daemons("lab")) != 1
                or len(await door.networks.connectors("lab")) != 2
            ):
                await asyncio.sleep(0.02)
        for _ in range(3):
            await door.relays.look()
        assert len(words) == 1  # nobody else's turn until that one is back
        assert {row.update for row in await door.networks.connectors("lab")} == {
            "9.0.0 waits for its turn[31m"
        }

        # it comes back with its old version: the new one is tried at no other
        first, second = sorted(both, key=lambda name: not words[0].startswith(name))
        await both[first].aclose()
        await door.settled(1)
        back = FakeConnector(key, hello={"machine": first, "process": "p2", "version": "8.0.0"})
        await later.enter_async_context(door.dialled(back))
        async with asyncio.timeout(10):
            while (await door.networks.rollouts.find("lab")).held is None:
                await asyncio.sleep(0.02)
        for _ in range(3):
            await door.relays.look()
        assert len(words) == 1

        # until an operator says so
        assert await door.networks.rollouts.retry("lab")
        async with asyncio.timeout(10):
            while f"{second} update 9.0.0" not in words[1:]:
                await door.relays.look()
                await asyncio.sleep(0.02)


async def test_a_refused_turn_is_given_back(door: Door) -> None:
    class Refusing(FakeConnector):
        """Says no."""

        async def answer(self, word: str) -> dict[str, Any]:
            return {"error": "not now"} if word.startswith("update") else await super().answer(word)

    hello = {"update": {"version": "9.0.0", "ready": True, "about": "9.0.0 waits for its turn"}}
    async with door.dialled(Refusing(await door.key(), hello=hello)):
        await door.connector(connected=True)
        await door.relays.look()
        assert (await door.networks.rollouts.find("lab")).turn is None


async def test_a_turn_that_nobody_answered_may_have_been_taken(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Leaving(FakeConnector):
        """Restarts before its answer is away."""

        async def answer(self, word: str) -> dict[str, Any]:
            if word.startswith("update"):
                raise OSError
            return await super().answer(word)

    monkeypatch.setattr(daemons, "WORD_TIMEOUT", 1.0)
    hello = {"update": {"version": "9.0.0", "ready": True, "about": "9.0.0 waits for its turn"}}
    async with door.dialled(Leaving(await door.key(), hello=hello)):
        await door.connector(connected=True)
        await door.relays.look()
        turn = (await door.networks.rollouts.find("lab")).turn
        assert turn is not None
        assert (turn.machine, turn.version) == ("m1", "9.0.0")


@pytest.mark.parametrize(
    "update", [None, 7, [], {"ready": 1}, {"ready": True, "version": "x" * 5000, "about": {}}]
)
async def test_odd_words_on_updates_do_no_harm(door: Door, update: Any) -> None:
    async with door.dialled(FakeConnector(await door.key(), hello={"update": update})):
        row = await door.connector(connected=True)
        await door.relays.look()
        assert len(row.update) <= 300


@pytest.mark.parametrize(
    "hello",
    [
        {"targets": 5, "denied": "x", "standby": [], "version": {}, "host": None},
        {"targets": {"a": 1}, "denied": 10**30, "clock": 1e999, "update": [1]},
        {"targets": [[], None, "10.0.0.0/8:22\x1b[2J"] * 200, "system": ["x"] * 500},
    ],
)
async def test_an_odd_greeting_hides_nobody_elses_connector(door: Door, hello: dict[str, Any]) -> None:
    key = await door.key()
    odd = FakeConnector(key, hello={"machine": "odd", "host": "odd", **hello})
    async with door.dialled(odd), door.dialled(FakeConnector(key)):
        async with asyncio.timeout(10):
            while len(await door.networks.connectors("lab")) < 2:
                await asyncio.sleep(0.02)
        before = time.time()
        await door.relays.look()
        rows = await door.networks.connectors("lab")
        assert all(row.seen >= before for row in rows)
        assert all(target.isprintable() for row in rows for target in row.targets)
        assert json.loads(json.dumps([asdict(row) for row in rows], allow_nan=False))


async def test_many_with_long_greetings_are_all_seen(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STRANGERS_PER_ADDRESS", 64)
    monkeypatch.setattr(module, "ASKED_AT_ONCE", 4)
    monkeypatch.setattr(module, "ANSWER_LIMIT", 4 * 17_000)
    key = await door.key()
    async with contextlib.AsyncExitStack() as stack:
        for number in range(12):
            hello = {"machine": f"m{number}", "process": f"p{number}", "system": "x" * 16_000}
            await stack.enter_async_context(door.dialled(FakeConnector(key, hello=hello)))
        async with asyncio.timeout(20):
            while len(await door.networks.connectors("lab")) < 12:
                await door.relays.look()


async def test_two_that_are_forced_on_one_host_are_two(door: Door) -> None:
    key = await door.key()
    one, two = (
        FakeConnector(key, hello={"process": name, "forced": True, "beside": name}) for name in ("a", "b")
    )
    async with door.dialled(one):
        async with door.dialled(two):
            async with asyncio.timeout(10):
                while len(await door.networks.connectors("lab")) < 2:
                    await asyncio.sleep(0.02)
        async with asyncio.timeout(10):
            while sum(row.connected for row in await door.networks.connectors("lab")) != 1:
                await asyncio.sleep(0.02)
        assert await door.networks.daemons("lab")


async def test_the_end_of_an_old_connection_hides_no_new_one(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await door.key()
    async with door.dialled(FakeConnector(key)):
        before = (await door.connector(connected=True)).relay
        async with door.dialled(FakeConnector(key, hello={"process": "p2", "forced": True})):
            async with asyncio.timeout(10):
                while (row := await door.connector(connected=True)).relay == before:
                    await door.relays.look()
            ended: list[Any] = []
            real = door.networks.note_end

            async def noted(connector: Any) -> None:
                await real(connector)
                ended.append(connector)

            monkeypatch.setattr(door.networks, "note_end", noted)
            (old,) = [relay for relay in door.relays._relays.values() if relay.identifier == before]
            door.relays._cut(old, "it broke")
            async with asyncio.timeout(10):
                while not ended:
                    await asyncio.sleep(0.01)
            (row,) = await door.networks.connectors("lab")
            assert row.connected


async def test_those_who_come_at_once_are_counted_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.key()
    waiting = asyncio.Event()
    real = module.open_relay

    async def slow(*words: Any, **options: Any) -> Any:
        await waiting.wait()
        return await real(*words, **options)

    monkeypatch.setattr(module, "open_relay", slow)
    ends = []
    for _ in range(module.MAX_STRANGERS_PER_ADDRESS * 3):
        ends.append(await asyncio.open_connection("127.0.0.1", door.listener.port))
        ends[-1][1].write(b"fanlight-connector lab\n")
    turned_away = [asyncio.create_task(reader.read(), name="is turned away") for reader, _ in ends]
    async with asyncio.timeout(10):
        while sum(task.done() for task in turned_away) < module.MAX_STRANGERS_PER_ADDRESS * 2:
            await asyncio.sleep(0.01)
    waiting.set()
    await door.settled(module.MAX_STRANGERS_PER_ADDRESS)
    for _, writer in ends:
        writer.close()
    await asyncio.gather(*turned_away, return_exceptions=True)
    await door.settled(0)
    assert not +door.relays._entering


async def test_one_network_does_not_take_all_places(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OF_NETWORK", 1)
    key = await door.key()
    await door.networks.new_key("other", [ENDPOINT])
    async with door.dialled(FakeConnector(key)):
        await door.connector(connected=True)
        with pytest.raises(NoEntryError, match="of this network") as raised:
            await door.relays.check("lab", "192.0.2.1")
        assert raised.value.http == 429
        await door.relays.check("other", "192.0.2.1")


async def test_a_key_that_is_revoked_during_the_handshake_lets_nobody_in(door: Door) -> None:
    key = await door.key()
    arrived, going_on = asyncio.Event(), asyncio.Event()

    class Slow(FakeConnector):
        """Takes its time to say how it is."""

        async def answer(self, word: str) -> dict[str, Any]:
            arrived.set()
            await going_on.wait()
            return await super().answer(word)

    async with door.dialled(Slow(key)):
        await asyncio.wait_for(arrived.wait(), 10)
        await door.networks.revoke("lab")
        going_on.set()
        await door.settled(0)
    assert await door.networks.connectors("lab") == []


async def test_no_update_where_a_clock_does_not_tell_the_window(door: Door) -> None:
    words: list[str] = []

    class Updating(FakeConnector):
        """Waits for its turn, at another time than ours."""

        async def answer(self, word: str) -> dict[str, Any]:
            words.append(word)
            return await super().answer(word)

    waiting = {"version": "9.0.0", "ready": True, "about": "9.0.0 waits for its turn"}
    hello = {"update": waiting, "clock": time.time() + 7200}
    async with door.dialled(Updating(await door.key(), hello=hello)):
        row = await door.connector(connected=True)
        assert row.skewed
        await door.relays.look()
        assert (await door.networks.rollouts.find("lab")).turn is None
    assert set(words) == {"hello"}


async def test_what_a_connector_says_of_a_target_is_tame_and_bounded(door: Door) -> None:
    class Hostile(FakeConnector):
        """Answers what an operator's terminal would obey."""

        async def answer(self, word: str) -> dict[str, Any]:
            if word.startswith("test good"):
                stage = {"stage": "\x1b[2Jname", "passed": 1, "detail": "x\x9b2J" + "y" * 9999}
                odd = {"stage": [], "milliseconds": float("nan")}
                return {"stages": [stage | {"milliseconds": 1e999}, odd, 5] * 9}
            if word.startswith("test"):
                return {"error": "\x1b]0;owned\x07" + "z" * 9999}
            return await super().answer(word)

    async with door.dialled(Hostile(await door.key())):
        await door.connector(connected=True)
        (good,) = await tried(door.networks, door.relays, "lab", "good", 22)
        assert len(good["stages"]) <= 8
        assert json.dumps(good, allow_nan=False).isascii()
        (bad,) = await tried(door.networks, door.relays, "lab", "bad", 22)
        for text in (bad["error"], *(stage["detail"] + stage["stage"] for stage in good["stages"])):
            assert text.isprintable()
            assert len(text) < 400
