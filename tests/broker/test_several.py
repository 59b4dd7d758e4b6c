"""Two brokers on one Redis: what one learns, the other knows."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType

from tests.fakes.guacd import Guacd
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real
BASE = "/guacamole/"


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    port = processes.free_port()
    server = processes.start(
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
    )
    try:
        processes.wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        processes.stop(server)


@pytest.fixture
def store(redis: str) -> str:
    subprocess.run([processes.require("redis-cli"), "-u", redis, "flushall"], check=True, capture_output=True)
    return redis


@pytest.fixture
def now(clock: Any) -> None:
    """Redis has a clock of its own."""
    import time

    clock.now = time.time()


async def test_a_link_is_redeemed_once_in_the_whole_site(serve: Any, store: str, now: None) -> None:
    async with serve(store=store) as one, serve(store=store) as two:
        body = one.platform.body("10.1.2.3", "ssh")
        assert (await one.post_form(body)).status == 200
        assert await two.refused(body) == "replayed"


async def test_a_token_is_good_everywhere_and_given_back_everywhere(
    serve: Any, store: str, now: None
) -> None:
    async with Guacd() as daemon, serve(daemon, store=store) as one, serve(daemon, store=store) as two:
        token = await one.token()
        async with two.client.ws_connect(f"{BASE}websocket-tunnel", params=two.tunnel_query(token)) as socket:
            await socket.receive_str()
            answer = await one.client.get(
                f"{BASE}api/session/data/hmac/activeConnections", params={"token": token}
            )
            assert len(await answer.json()) == 1
            assert (await one.client.delete(f"{BASE}api/tokens/{token}")).status == 204
            await two.parts.sessions.look_after()
            while (message := await socket.receive()).type is WSMsgType.TEXT:
                pass
            assert (message.data, message.extra) == (1002, "523")


async def test_a_session_is_ended_from_another_broker(serve: Any, store: str, now: None) -> None:
    async with Guacd() as daemon, serve(daemon, store=store) as one, serve(daemon, store=store) as two:
        token = await one.token()
        async with one.client.ws_connect(f"{BASE}websocket-tunnel", params=one.tunnel_query(token)) as socket:
            await socket.receive_str()
            (record,) = await two.parts.records.running()
            assert await two.parts.gateway.end(record.identifier, "Maintenance.")
            await one.parts.gateway.look_after()
            assert "session: Maintenance." in await socket.receive_str()


async def test_a_word_from_another_broker(serve: Any, store: str, now: None) -> None:
    async with Guacd() as daemon, serve(daemon, store=store) as one, serve(daemon, store=store) as two:
        token = await one.token()
        async with one.client.ws_connect(f"{BASE}websocket-tunnel", params=one.tunnel_query(token)) as socket:
            await socket.receive_str()
            (record,) = await two.parts.records.running()
            assert await two.parts.gateway.say(record.identifier, "Maintenance at noon.")
            await one.parts.gateway.look_after()
            assert "Maintenance at noon." in await socket.receive_str()
            assert await one.parts.records.words() == {}


async def test_a_link_shared_at_one_is_joined_at_the_other(serve: Any, store: str, now: None) -> None:
    async with Guacd() as daemon, serve(daemon, store=store) as one, serve(daemon, store=store) as two:
        token = await one.token()
        async with one.client.ws_connect(f"{BASE}websocket-tunnel", params=one.tunnel_query(token)) as socket:
            await socket.receive_str()
            (tunnel,) = one.parts.sessions.tunnels()
            key, _ = await one.parts.sharing.share(tunnel, "watch", 60.0)
            answer = await two.post_form(f"key={key}")
            assert (await answer.json())["dataSource"] == "hmac-shared"


async def test_a_ban_holds_everywhere(serve: Any, store: str, now: None) -> None:
    async with serve(store=store, ban_after=2) as one, serve(store=store, ban_after=2) as two:
        for _ in range(3):
            await one.post_form("signature=x")
        assert (await two.post_form("signature=x")).status == 429


async def test_without_redis_it_says_so_and_lives(serve: Any) -> None:
    async with serve(store=f"redis://127.0.0.1:{processes.free_port()}/0") as broker:
        answer = await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))
        assert answer.status == 503
        assert (await broker.client.get("/healthz")).status == 200
        assert (await broker.client.get("/readyz")).status == 503
