"""A tunnel without a browser: instructions both ways, and every ending."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from broker.auth.base import Connection
from broker.proxyd_client import Address, connect
from broker.sessions import Session
from broker.tunnel import MAX_MESSAGE, SILENCE, Tunnel
from proxyd.wire.handshake import ClientHandshake, ClientInfo
from proxyd.wire.instruction import Instruction, WireError, encode
from proxyd.wire.status import Status, StatusError
from tests.fakes.guacd import Guacd, Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECTION = Connection("abc", "abc", "ssh", {})
SESSION = Session("0" * 64, "alice", "hmac", {"abc": CONNECTION})


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Tunnel, Peer]]:
    async with Guacd() as daemon:
        upstream = await connect(Address("127.0.0.1", daemon.port), ClientHandshake("ssh", {}, ClientInfo()))
        tunnel = Tunnel(SESSION, CONNECTION, upstream, "192.0.2.9", 0.0)
        try:
            yield tunnel, await daemon.accepted()
        finally:
            tunnel.end(Status.SUCCESS)


async def test_down_and_up() -> None:
    async with opened() as (tunnel, peer):
        peer.send("size", 0, 800, 600)
        assert await tunnel.receive() == encode("size", 0, 800, 600)
        assert await tunnel.send(encode("key", 97, 1) + encode("key", 97, 0)) == b""
        assert (await peer.next(), await peer.next()) == (("key", ("97", "1")), ("key", ("97", "0")))
        assert (tunnel.received, tunnel.sent) == (
            len(encode("size", 0, 800, 600)),
            len(encode("key", 97, 1)) * 2,
        )


async def test_the_reference_is_the_daemons() -> None:
    async with opened() as (tunnel, peer):
        assert tunnel.reference == peer.connection_id[1:5].upper()
        assert tunnel.identifier not in peer.connection_id


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        (encode("msg", 0x4004, "ssh-ed25519 AAAA") + encode("error", "x", 512), "ssh-ed25519 AAAA"),
        (encode("msg", 0x4000, "resumed", 5), ""),
        (encode("msg", 0x4004), ""),
        (encode("name", encode("msg", 0x4004, "ssh-ed25519 AAAA").decode()), ""),
    ],
)
async def test_a_host_key_that_was_shown_is_kept_as_evidence(said: bytes, evidence: str) -> None:
    async with opened() as (tunnel, peer):
        peer.send_raw(said)
        assert await _heard(tunnel, len(said)) == said
        assert tunnel.evidence == evidence


async def test_evidence_comes_before_anything_is_drawn() -> None:
    async with opened() as (tunnel, peer):
        drawn = encode("name", "x" * 1000) * 70
        peer.send_raw(drawn)
        await _heard(tunnel, len(drawn))
        peer.send("msg", 0x4004, "late")
        assert await tunnel.receive() == encode("msg", 0x4004, "late")
        assert tunnel.evidence == ""


async def _heard(tunnel: Tunnel, size: int) -> bytes:
    heard = b""
    while len(heard) < size:
        heard += await tunnel.receive()
    return heard


async def test_pings_are_answered_and_stay_here() -> None:
    async with opened() as (tunnel, peer):
        ping = encode("", "ping", 12345)
        assert await tunnel.send(ping + encode("nop") + ping) == ping + ping
        assert await tunnel.send(encode("", "other")) == b""
        assert await tunnel.send(encode("", "ping")) == b""
        assert await tunnel.send(encode("")) == b""
        assert await tunnel.send(encode("key", 97, 1)) == b""
        assert [(await peer.next()).opcode for _ in range(2)] == ["nop", "key"]  # type: ignore[union-attr]


async def test_utf16_lengths_are_mended() -> None:
    """guacamole-common-js 1.5.0 counts the emoji as two."""
    async with opened() as (tunnel, peer):
        await tunnel.send("4.name,2.\U0001f600;".encode())
        instruction = await peer.next()
        assert instruction is not None
        assert instruction.args == ("\U0001f600",)


@pytest.mark.parametrize(
    "message", [b"hello", b"4.size,4.1024", b"3.nop;3", b"\xff", b"\n3.nop;", encode("x", *["y"] * 200)]
)
async def test_a_browser_that_talks_nonsense(message: bytes) -> None:
    async with opened() as (tunnel, peer):
        with pytest.raises(WireError) as caught:
            await tunnel.send(message)
        assert caught.value.status is Status.CLIENT_BAD_REQUEST
        peer.send("sync", 1)
        assert await tunnel.receive() == encode("sync", 1)


async def test_a_message_that_is_too_large() -> None:
    async with opened() as (tunnel, _):
        with pytest.raises(StatusError) as caught:
            await tunnel.send(encode("nop") * (MAX_MESSAGE // 6 + 1))
        assert caught.value.status is Status.CLIENT_OVERRUN


# -- endings ---------------------------------------------------------------------------------------------------------


async def test_an_ordinary_end() -> None:
    async with opened() as (tunnel, peer):
        peer.send_raw(encode("sync", 1) + encode("disconnect"))
        peer.close()
        seen = b""
        while data := await tunnel.receive():
            seen += data
        assert seen == encode("sync", 1) + encode("disconnect")
        assert tunnel.status is Status.SUCCESS


async def test_an_error_is_the_daemons_to_tell() -> None:
    async with opened() as (tunnel, peer):
        said = encode("error", "instance: Nothing listens on port 22. (ref 7K2A)", 520) + encode("disconnect")
        peer.send_raw(said)
        peer.close()
        assert await tunnel.receive() == said
        assert await tunnel.receive() == b""
        assert tunnel.status is Status.SUCCESS


@pytest.mark.parametrize("half", [b"", b"4.sync,1.1"])
async def test_a_daemon_that_dies(half: bytes) -> None:
    async with opened() as (tunnel, peer):
        peer.send_raw(encode("sync", 1) + half)
        assert await tunnel.receive() == encode("sync", 1)
        peer.die()
        assert b"session: The machine that ran this session has stopped." in await tunnel.receive()
        assert await tunnel.receive() == b""
        assert tunnel.status is Status.UPSTREAM_ERROR
        assert not tunnel.over


async def test_a_daemon_that_talks_nonsense() -> None:
    async with opened() as (tunnel, peer):
        peer.send_raw(b"nonsense")
        assert await tunnel.receive() == b""
        assert tunnel.status is Status.UPSTREAM_ERROR
        assert await peer.next() is None


async def test_a_session_that_is_closed() -> None:
    async with opened() as (tunnel, peer):
        tunnel.end_session()
        tunnel.end(Status.SERVER_ERROR)
        assert await tunnel.receive() == b""
        assert tunnel.status is Status.SESSION_CLOSED
        assert tunnel.over
        assert await peer.next() == Instruction("disconnect")
        assert await peer.next() is None


async def test_a_daemon_that_falls_silent() -> None:
    async with opened() as (tunnel, _):
        now = asyncio.get_running_loop().time()
        waiting = asyncio.create_task(tunnel.receive())
        await asyncio.sleep(0)
        tunnel.check_daemon(now + SILENCE - 1)
        assert tunnel.status is None
        tunnel.check_daemon(now + SILENCE + 1)
        assert b"has stopped" in await waiting
        assert tunnel.status is Status.UPSTREAM_TIMEOUT


async def test_a_browser_that_reads_slowly_is_no_silent_daemon() -> None:
    async with opened() as (tunnel, _):
        tunnel.check_daemon(asyncio.get_running_loop().time() + 100)
        assert tunnel.status is None


async def test_a_sleeping_browser_is_kept_alive() -> None:
    async with opened() as (tunnel, peer):
        tunnel.keep_alive()  # something was sent since the last look: the handshake
        await tunnel.send(encode("key", 97, 1))
        tunnel.keep_alive()
        tunnel.keep_alive()
        await tunnel.send(encode("key", 97, 0))
        assert [(await peer.next()).opcode for _ in range(3)] == ["key", "nop", "key"]  # type: ignore[union-attr]
