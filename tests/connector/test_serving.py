"""What a broker may do at a connector, and what not even one that was broken into may."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
import structlog

from connector.serving import MAX_LOGGED_DENIALS, MAX_WORDS, USER
from tests.fakes.connectors import BROKER, FakeConnector, new_key, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def signed_in(
    connector: FakeConnector, key: asyncssh.SSHKey = BROKER, user: str = USER
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with (
        connector.running(),
        await asyncssh.run_client(
            connector.far.dup(),
            config=None,
            host="connector",
            username=user,
            client_keys=[key],
            known_hosts=None,
            agent_path=None,
        ) as connection,
    ):
        yield connection


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()


async def test_a_stream_to_what_is_permitted() -> None:
    connector = FakeConnector(new_key())
    async with server(echo) as port, signed_in(connector) as connection:
        reader, writer = await connection.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await reader.read(5) == b"hello"
        assert connector.counts.open == 1
        writer.close()
        async with asyncio.timeout(5):
            while connector.counts.open:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("host", "port", "code", "says"),
    [
        (
            "127.0.0.2",
            22,
            asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
            "not in the connector's allowed-targets",
        ),
        ("169.254.169.254", 80, asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "not in the connector's"),
        ("127.0.0.1", 1, asyncssh.OPEN_CONNECT_FAILED, "refused the connection on port 1"),
        ("no-such.invalid", 22, asyncssh.OPEN_CONNECT_FAILED, "not known in the private network"),
        ("a" * 300, 22, asyncssh.OPEN_CONNECT_FAILED, "not known"),
        ("", 22, asyncssh.OPEN_CONNECT_FAILED, "not known"),
        ("127.0.0.1\n", 22, asyncssh.OPEN_CONNECT_FAILED, "not known"),
    ],
)
async def test_what_is_not_opened(host: str, port: int, code: int, says: str) -> None:
    async with signed_in(FakeConnector(new_key())) as connection:
        with pytest.raises(asyncssh.ChannelOpenError, match=says) as raised:
            await connection.open_connection(host, port)
        assert raised.value.code == code


async def test_a_name_means_what_it_means_inside_and_only_what_is_permitted_is_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meaning = {
        "db.lab": ["127.0.0.1"],
        "rebound.lab": ["169.254.169.254"],
        "both.lab": ["127.0.0.2", "127.0.0.1"],
    }

    async def resolve(name: str) -> list[str]:
        return meaning[name]

    monkeypatch.setattr("connector.inside.resolve", resolve)
    async with server(echo) as port, signed_in(FakeConnector(new_key())) as connection:
        for name in ("db.lab", "both.lab"):  # of several addresses those that the list has
            reader, writer = await connection.open_connection(name, port)
            writer.write(b"hello")
            assert await reader.read(5) == b"hello"
            writer.close()
        with pytest.raises(asyncssh.ChannelOpenError, match="not in the connector's allowed-targets"):
            await connection.open_connection("rebound.lab", port)
        meaning["db.lab"] = ["169.254.169.254"]  # a name that changes between two sessions
        with pytest.raises(asyncssh.ChannelOpenError, match="not in the connector's allowed-targets"):
            await connection.open_connection("db.lab", port)


async def test_a_silent_address_of_a_name_leaves_time_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(name: str) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"] if name == "both.lab" else ["127.0.0.2"]

    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def silent(make: Any, host: str | None = None, *more: Any, **options: Any) -> Any:
        if host == "127.0.0.2":
            await asyncio.Event().wait()
        return await connect(make, host, *more, **options)

    monkeypatch.setattr("connector.inside.resolve", resolve)
    monkeypatch.setattr(loop, "create_connection", silent)
    connector = FakeConnector(new_key(), "127.0.0.0/8:*")
    async with server(echo) as port, signed_in(connector) as connection:
        reader, writer = await connection.open_connection("both.lab", port)
        writer.write(b"here")
        assert await reader.read(4) == b"here"
        with pytest.raises(asyncssh.ChannelOpenError, match=r"silent\.lab timed out on port"):
            await connection.open_connection("silent.lab", port)


async def test_names_that_nobody_answers_for_do_not_hold_up_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: going_on.wait(20) and [])
    connector = FakeConnector(new_key(), "127.0.0.1/32:* *.lab:22")
    try:
        async with server(echo) as port, signed_in(connector) as connection:
            names = [
                asyncio.create_task(connection.open_connection(f"n{number}.lab", 22), name="hangs")
                for number in range(40)
            ]
            async with asyncio.timeout(2):
                reader, writer = await connection.open_connection("127.0.0.1", port)
                writer.write(b"here")
                assert await reader.read(4) == b"here"
            for opened in await asyncio.gather(*names, return_exceptions=True):
                assert isinstance(opened, asyncssh.ChannelOpenError)
                assert "timed out" in opened.reason
        assert connector.counts.open <= 1
    finally:
        going_on.set()


async def test_a_broker_that_was_broken_into_fills_no_disk() -> None:
    connector = FakeConnector(new_key())
    with structlog.testing.capture_logs() as lines:
        async with signed_in(connector) as connection:
            for _ in range(2 * MAX_LOGGED_DENIALS + 5):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.open_connection("10.0.0.1", 22)
    denials = [line for line in lines if line["event"] == "stream denied"]
    assert connector.counts.denied == 2 * MAX_LOGGED_DENIALS + 5
    assert len(denials) == MAX_LOGGED_DENIALS + 1
    assert denials[0]["host"] == "10.0.0.1"


async def test_no_more_streams_than_permitted() -> None:
    connector = FakeConnector(new_key(), most=2)
    async with server(echo) as port, signed_in(connector) as connection:
        for _ in range(2):
            await connection.open_connection("127.0.0.1", port)
        with pytest.raises(asyncssh.ChannelOpenError, match="too many streams"):
            await connection.open_connection("127.0.0.1", port)


async def test_a_flood_from_inside_is_held_back() -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(OSError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                sent += 65536

    async with server(flood) as port, signed_in(FakeConnector(new_key())) as connection:
        channel, _ = await connection.create_connection(Still, "127.0.0.1", port)
        before = -1
        async with asyncio.timeout(10):
            while sent != before:
                before = sent
                await asyncio.sleep(0.1)
        assert 0 < sent < 12 << 20  # a window here, and what sockets between hold
        channel.abort()


class Still(asyncssh.SSHTCPSession[bytes]):
    """Reads nothing."""

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        chan.pause_reading()


async def test_words_and_nothing_else() -> None:
    async with signed_in(FakeConnector(new_key())) as connection:
        done = await connection.run("test db 22")
        assert json.loads(str(done.stdout)) == {"said": "test db 22"}
        too_long = await connection.run("x" * 2000)
        assert (too_long.exit_status, json.loads(str(too_long.stdout))) == (
            1,
            {"error": "the words are too long"},
        )
        with pytest.raises(asyncssh.Error):
            await connection.start_sftp_client()
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 22)
        with pytest.raises(asyncssh.Error):
            await connection.open_unix_connection("/run/secret.sock")


async def test_a_broker_that_was_broken_into_has_few_words_at_a_time() -> None:
    connector = FakeConnector(new_key())
    connector.silent = True
    async with signed_in(connector) as connection:
        said = [await connection.create_process("hello") for _ in range(MAX_WORDS)]
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("hello")
        said[0].close()
        async with asyncio.timeout(10):
            while connector.counts.words == MAX_WORDS:
                await asyncio.sleep(0.01)
        await connection.create_process("hello")
    async with asyncio.timeout(10):
        while connector.counts.words:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("key", "user"), [(asyncssh.generate_private_key("ssh-ed25519"), USER), (BROKER, "root")]
)
async def test_only_its_brokers_sign_in(key: asyncssh.SSHKey, user: str) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with signed_in(FakeConnector(new_key()), key, user):
            pass


async def test_nobody_has_it_listen_but_where_it_offers_the_gate() -> None:
    with structlog.testing.capture_logs() as lines:
        for gate, asked in (
            ("", ("127.0.0.1", 5030)),
            ("127.0.0.1:5030", ("127.0.0.1", 5031)),
            ("127.0.0.1:5030", ("", 0)),
        ):
            async with signed_in(FakeConnector(new_key(), gate=gate)) as connection:
                with pytest.raises(asyncssh.ChannelListenError):
                    await connection.forward_remote_port(*asked, "127.0.0.1", 9)
    assert [row["reason"] for row in lines if row["event"] == "stream denied"] == [
        "the connector listens there for nobody"
    ] * 3


async def test_a_place_that_is_taken_is_named() -> None:
    async with server(echo) as port:
        with structlog.testing.capture_logs() as lines:
            async with signed_in(FakeConnector(new_key(), gate=f"127.0.0.1:{port}")) as connection:
                with pytest.raises(asyncssh.ChannelListenError):
                    await connection.forward_remote_port("127.0.0.1", port, "127.0.0.1", 9)
    (line,) = [row for row in lines if row["event"] == "gate not offered"]
    assert (line["port"], "in use" in line["reason"]) == (port, True)
