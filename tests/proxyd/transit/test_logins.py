"""Gateways that a real sshd cannot be made to be: silent, long-winded, and with people who change their mind."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from proxyd.instances import ssh_connection
from proxyd.wire.route import JumpHost
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.connectors import server
from tests.fakes.ssh_server import FakeSsh
from tests.servers.transit import Answers, LocalTransit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def host(port: int, alias: str = "corp") -> JumpHost:
    return JumpHost(alias, "127.0.0.1", port, "alice")


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Something that sends back what it hears."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            heard.append(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


class Patient(Answers):
    """Thinks until told to answer."""

    def __init__(self, *answers: str) -> None:
        super().__init__(*answers)
        self.may_answer = asyncio.Event()
        self.was_asked = asyncio.Event()

    async def ask(self, prompt: str, *, secret: bool) -> str:
        self.was_asked.set()
        await self.may_answer.wait()
        return await super().ask(prompt, secret=secret)


async def test_bytes_pass_both_ways_and_the_end_too() -> None:
    async with FakeSsh(forwards=True) as gateway, listening() as (port, _), LocalTransit() as transit:
        way = transit.way([host(gateway.port)])
        await way.ready(Answers())
        reader = asyncio.StreamReader()
        transport, _ = await way.create_connection(
            lambda: asyncio.StreamReaderProtocol(reader), "127.0.0.1", port
        )
        blob = bytes(range(256)) * 4096
        transport.write(blob)
        assert await asyncio.wait_for(reader.readexactly(len(blob)), 15) == blob
        transport.write_eof()
        assert await asyncio.wait_for(reader.read(), 15) == b""
        transport.close()
        (login,) = transit.logins.of("alice")
        async with asyncio.timeout(5):
            while login.sessions:
                await asyncio.sleep(0.01)


async def test_a_flood_from_behind_a_gateway_is_held_back() -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(OSError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                sent += 65536

    async with FakeSsh(forwards=True) as gateway, server(flood) as port, LocalTransit() as transit:
        way = transit.way([host(gateway.port)])
        await way.ready(Answers())
        transport, _ = await way.create_connection(asyncio.Protocol, "127.0.0.1", port)
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        before = -1
        async with asyncio.timeout(15):
            while sent != before:
                before = sent
                await asyncio.sleep(0.3)
        assert 0 < sent < 16 << 20  # windows and sockets on the way
        transport.abort()


async def test_whoever_comes_meanwhile_waits_and_if_the_first_leaves_the_next_is_asked() -> None:
    async with FakeSsh(prompts=[["Code: "]], answers=[["1"]]) as gateway, LocalTransit() as transit:
        first, second = Patient("1"), Patient("1")
        leaving = asyncio.create_task(transit.way([host(gateway.port)]).ready(first), name="first")
        await asyncio.wait_for(first.was_asked.wait(), 5)
        waiting = asyncio.create_task(transit.way([host(gateway.port)]).ready(second), name="second")
        async with asyncio.timeout(5):
            while "Waiting" not in second.shown:
                await asyncio.sleep(0.01)
        assert not second.was_asked.is_set()
        leaving.cancel()
        second.may_answer.set()
        await asyncio.wait_for(waiting, 5)
        assert gateway.tried == ["1"]
        assert len(transit.logins.of("alice")) == 1
        assert transit.logins.of("bob") == []


async def test_a_refusal_is_everybodys() -> None:
    async with FakeSsh(prompts=[["Code: "]], answers=[["1"]]) as gateway, LocalTransit() as transit:
        first, second = Patient(*["2"] * 20), Answers("1")
        asking = asyncio.create_task(transit.way([host(gateway.port)]).ready(first), name="first")
        await asyncio.wait_for(first.was_asked.wait(), 5)
        waiting = asyncio.create_task(transit.way([host(gateway.port)]).ready(second), name="second")
        async with asyncio.timeout(5):
            while "Waiting" not in second.shown:
                await asyncio.sleep(0.01)
        first.may_answer.set()
        for task in (asking, waiting):
            with pytest.raises(StatusError) as caught:
                await asyncio.wait_for(task, 5)
            assert (caught.value.hop, caught.value.status) == (Hop.GATEWAY, Status.CLIENT_UNAUTHORIZED)
        assert second.asked == []


async def test_several_questions_with_what_the_gateway_says_beside_them() -> None:
    prompts, answers = [["PIN: ", "City!"], ["Code: "]], [["12", "Ghent"], ["345"]]
    async with (
        FakeSsh(
            prompts=prompts, answers=answers, instructions="RSA SecurID", banner="Staff only\n"
        ) as gateway,
        LocalTransit() as transit,
    ):
        person = Answers("12", "Ghent", "345")
        await transit.way([host(gateway.port)]).ready(person)
        assert person.asked == [("PIN: ", True), ("City", False), ("Code: ", True)]
        assert person.shown.startswith("Gateway corp:\nStaff only\nRSA SecurID\n")
        assert person.shown.count("Gateway corp") == 1


async def test_of_a_chain_each_machine_is_named_before_it_speaks() -> None:
    class Noting(Answers):
        """Keeps what was shown before each question."""

        heads: list[str]

        async def ask(self, prompt: str, *, secret: bool) -> str:
            self.heads = [*getattr(self, "heads", []), self.shown]
            self.shown = ""
            return await super().ask(prompt, secret=secret)

    async with (
        FakeSsh(prompts=[["Code: "]], answers=[["1"]], forwards=True) as first,
        FakeSsh(prompts=[["Code: "]], answers=[["2"]]) as second,
        FakeSsh() as silent,
        LocalTransit() as transit,
    ):
        person = Noting("1", "2")
        await transit.way([host(first.port), host(second.port, "deep")]).ready(person)
        assert person.heads == ["Gateway corp:\n", "Gateway deep:\n"]
        nobody = Answers()
        await transit.way([host(silent.port)]).ready(nobody)
        assert nobody.shown == "", "what asks nothing says nothing"


async def test_what_a_gateway_says_is_bounded() -> None:
    prompt = f"{'Enter code ' * 10_000}now: "
    async with (
        FakeSsh(prompts=[[prompt]], answers=[["1"]], instructions="spam " * 20_000) as gateway,
        LocalTransit() as transit,
    ):
        person = Answers("1")
        await transit.way([host(gateway.port)]).ready(person)
        assert len(person.asked[0][0]) == 4096
        assert person.asked[0][0].endswith("code now: ")
        assert len(person.shown) <= 4096 + len("Gateway corp:\n")


async def test_a_gateway_that_accepts_and_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "SIGN_IN_SECONDS", 0.2)
    gone = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server, LocalTransit() as transit:
        with pytest.raises(StatusError, match="gateway corp does not answer") as caught:
            await transit.way([host(server.sockets[0].getsockname()[1])]).ready(Answers())
        assert (caught.value.hop, caught.value.status) == (Hop.GATEWAY, Status.UPSTREAM_TIMEOUT)
        await asyncio.wait_for(gone.wait(), 5)
        assert transit.logins.of("") == []


async def test_a_stream_that_opens_after_nobody_waits_any_more_is_closed() -> None:
    async with (
        FakeSsh(forwards=True) as gateway,
        listening() as (port, _),
        LocalTransit(timeout=0.2) as transit,
    ):
        way = transit.way([host(gateway.port)])
        await way.ready(Answers())
        gateway.may_forward.clear()
        with pytest.raises(StatusError, match="did not answer the gateway corp") as caught:
            await way.create_connection(asyncio.Protocol, "127.0.0.1", port)
        assert (caught.value.hop, caught.value.status) == (Hop.INSTANCE, Status.UPSTREAM_TIMEOUT)
        (login,) = transit.logins.of("alice")
        assert login.sessions == 0
        gateway.may_forward.set()
        async with asyncio.timeout(5):
            while login.connection._channels:
                await asyncio.sleep(0.01)


async def test_nothing_listens_at_the_gateway() -> None:
    async with LocalTransit() as transit:
        with pytest.raises(StatusError, match="Nothing listens on port 1 of the gateway corp") as caught:
            await transit.way([host(1)]).ready(Answers())
        assert caught.value.hop is Hop.GATEWAY


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [({"idle": 0}, "Nobody used the login"), ({"longest": 0}, "reached its longest time")],
)
async def test_a_login_ends_by_its_limits(limits: dict[str, int], sentence: str) -> None:
    async with FakeSsh() as gateway, LocalTransit() as transit:
        await transit.way([host(gateway.port)], **limits).ready(Answers())
        logins = transit.logins.of("alice")
        await transit.until_ended()
        for login in logins:
            loss = login.loss()
            assert loss is not None
            assert sentence in loss.message


async def test_logins_are_shared_by_owner_and_place_alone() -> None:
    async with FakeSsh() as gateway, LocalTransit() as transit:
        for owner, alias in [
            ("alice", "corp"),
            ("alice", "renamed"),
            ("bob", "corp"),
            ("", "corp"),
            ("", "corp"),
        ]:
            await transit.way([host(gateway.port, alias)], owner).ready(Answers())
        assert len(transit.logins.of("alice")) == 1
        assert len(transit.logins.of("")) == 4


async def test_a_network_without_a_connector_is_said_so() -> None:
    async with LocalTransit() as transit:
        with pytest.raises(StatusError, match="No connector of the network lab is connected") as caught:
            await transit.way([], network="lab").ready(Answers())
        assert caught.value.hop is Hop.GATEWAY
