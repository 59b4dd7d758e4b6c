"""Gateways that misbehave, alone and as the second of a chain: one sentence that names the machine, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from proxyd.instances import ssh_connection
from proxyd.wire.route import JumpHost
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.connectors import server
from tests.fakes.ssh_server import FakeSsh
from tests.servers.transit import Answers, LocalTransit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


def host(port: int, alias: str) -> JumpHost:
    return JumpHost(alias, "127.0.0.1", port, "alice")


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def greets_and_says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await says_nothing(reader, writer)


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"not SSH " * 8192)
            await writer.drain()


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await says_nothing(reader, writer)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not read


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """As many tasks and open files afterwards as before."""
    tasks, files = len(asyncio.all_tasks()), open_files()
    yield
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > tasks or open_files() > files:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("through", [0, 1], ids=["alone", "second"])
@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (says_nothing, "The SSH server of the gateway bad does not answer"),
        (greets_and_says_nothing, "The SSH server of the gateway bad does not answer"),
        (drips, "gateway bad"),
        (floods, "What answers at the gateway bad is no SSH server"),
        (speaks_http, "gateway bad"),
        (hangs_up, "What answers at the gateway bad is no SSH server"),
    ],
)
async def test_what_is_said_of_it_and_what_is_left(
    serve: Callable[..., Awaitable[None]], says: str, through: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeSsh(forwards=True) as good, server(serve) as port, LocalTransit() as transit:
        before = [host(good.port, "good")] * through
        if before:
            await transit.way(before).ready(Answers())
        monkeypatch.setattr(ssh_connection, "SIGN_IN_SECONDS", 0.3)
        async with nothing_left():
            for _ in range(3):
                with pytest.raises(StatusError, match=says) as caught:
                    await transit.way([*before, host(port, "bad")]).ready(Answers())
                assert caught.value.hop is Hop.GATEWAY
        assert {login.host.alias for login in transit.logins.of("")} == {row.alias for row in before}
        assert [login.connection._channels for login in transit.logins.of("")] == [{}] * through


async def test_one_that_asks_too_much_at_once_is_left() -> None:
    prompts = [[f"Code {number}: " for number in range(2000)]]
    async with FakeSsh(prompts=prompts, answers=prompts) as gateway, LocalTransit() as transit:
        person = Answers(*["1"] * 3000)
        async with nothing_left():
            with pytest.raises(StatusError, match="The gateway bad asks 2000 questions at once") as caught:
                await transit.way([host(gateway.port, "bad")]).ready(person)
        assert (caught.value.hop, caught.value.status) == (Hop.GATEWAY, Status.UPSTREAM_ERROR)
        assert person.asked == []


async def test_one_that_asks_again_and_again_is_left() -> None:
    prompts = [["Code: "]] * 50
    async with FakeSsh(prompts=prompts, answers=prompts) as gateway, LocalTransit() as transit:
        person = Answers(*["1"] * 100)
        async with nothing_left():
            with pytest.raises(StatusError, match="The gateway bad did not let this person in"):
                await transit.way([host(gateway.port, "bad")]).ready(person)
        assert len(person.asked) < 10


async def test_one_that_asks_nothing_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "SIGN_IN_SECONDS", 1.0)
    async with FakeSsh(prompts=[[]] * 100_000) as gateway, LocalTransit() as transit, nothing_left():
        with pytest.raises(StatusError, match="gateway bad"):
            await transit.way([host(gateway.port, "bad")]).ready(Answers())


async def test_one_that_hangs_up_while_a_person_thinks_is_not_waited_for() -> None:
    class Thinking(Answers):
        """Never answers, and is told when nobody wants an answer any more."""

        def __init__(self) -> None:
            super().__init__()
            self.was_asked, self.was_freed = asyncio.Event(), asyncio.Event()

        async def ask(self, prompt: str, *, secret: bool) -> str:
            self.was_asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.was_freed.set()
            raise AssertionError

    async with FakeSsh(prompts=[["Code: "]], answers=[["1"]]) as gateway, LocalTransit() as transit:
        person = Thinking()
        async with nothing_left():
            ready = asyncio.create_task(transit.way([host(gateway.port, "bad")]).ready(person), name="ready")
            await asyncio.wait_for(person.was_asked.wait(), 5)
            for connection in gateway.connections:
                connection.abort()
            with pytest.raises(StatusError, match="gateway bad") as caught:
                await asyncio.wait_for(ready, 5)
            assert caught.value.hop is Hop.GATEWAY
            assert person.was_freed.is_set()
