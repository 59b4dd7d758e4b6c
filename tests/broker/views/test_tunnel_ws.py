"""The WebSocket tunnel, in front of a scripted daemon."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from proxyd.wire.instruction import InstructionParser, encode
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

PATH = "/guacamole/websocket-tunnel"


def connect(broker: Broker, query: dict[str, str] | list[tuple[str, str]], **options: Any) -> Any:
    return broker.client.ws_connect(PATH, params=query, protocols=("guacamole",), **options)


async def ending(socket: Any) -> tuple[int, str]:
    """Close code and reason; what comes before is passed over."""
    async with asyncio.timeout(10):
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            pass
    assert message.type is WSMsgType.CLOSE
    return message.data, message.extra


async def refusal(broker: Broker, query: dict[str, str]) -> tuple[int, str]:
    async with connect(broker, query) as socket:
        assert socket.protocol == "guacamole"  # failures are told after the upgrade
        message = await socket.receive()
        assert message.type is WSMsgType.CLOSE
        return message.data, message.extra


async def test_a_whole_session(relay: Broker) -> None:
    assert relay.daemon
    query = relay.tunnel_query(await relay.token(), GUAC_TIMEZONE="Europe/Paris", GUAC_AUDIO="audio/L16")
    async with connect(relay, query) as socket:
        peer = await relay.daemon.accepted()
        assert peer.selected == "ssh"
        assert peer.parameters["hostname"] == "10.1.2.3"
        assert peer.parameters["color-scheme"] == "default"
        assert peer.said["size"] == ("1280", "800", "96")
        assert peer.said["name"] == ("alice",)
        assert peer.said["timezone"] == ("Europe/Paris",)
        assert peer.said["audio"] == ("audio/L16",)

        (first,) = InstructionParser().feed((await socket.receive_str()).encode())
        assert first.opcode == ""
        uuid.UUID(first.args[0])
        assert peer.connection_id.strip("$") != first.args[0]

        peer.send("size", 0, 1280, 800)
        assert await socket.receive_str() == "4.size,1.0,4.1280,3.800;"
        await socket.send_str("3.key,2.97,1.1;")
        assert (await peer.until("key")).args == ("97", "1")
        await socket.send_str("0.,4.ping,3.123;")
        assert await socket.receive_str() == "0.,4.ping,3.123;"

        peer.send("disconnect")
        peer.close()
        assert await socket.receive_str() == "10.disconnect;"
        assert await ending(socket) == (1000, "0")
    await relay.idle()


async def test_every_message_holds_whole_instructions(relay: Broker) -> None:
    assert relay.daemon
    async with connect(relay, relay.tunnel_query(await relay.token())) as socket:
        peer = await relay.daemon.accepted()
        wire = b"".join(
            encode("blob", number, "A" * (number * 37 % 8000)) + encode("name", "d\u00e9j\u00e0 \u20ac;,.")
            for number in range(400)
        )
        for position in range(0, len(wire), 5000):
            peer.send_raw(wire[position : position + 5000])
            await peer.writer.drain()
        peer.send_raw(encode("disconnect"))
        peer.close()
        seen, parser = [], InstructionParser()
        await socket.receive_str()
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            assert message.data
            parser.feed(message.data.encode())
            assert not parser.pending
            seen.append(message.data)
        assert "".join(seen).encode() == wire + encode("disconnect")


async def test_an_id_without_its_first_two_characters(relay: Broker) -> None:
    assert relay.daemon
    token = await relay.token(identifier="c.my-id")
    async with connect(relay, relay.tunnel_query(token, "my-id")):
        await relay.daemon.accepted()


async def test_a_browser_that_leaves(relay: Broker) -> None:
    assert relay.daemon
    async with connect(relay, relay.tunnel_query(await relay.token())) as socket:
        peer = await relay.daemon.accepted()
        await socket.send_str("10.disconnect;")
    await peer.until("disconnect")
    assert await peer.next() is None
    await relay.idle()


async def test_a_browser_that_vanishes(relay: Broker) -> None:
    assert relay.daemon
    async with connect(relay, relay.tunnel_query(await relay.token())) as socket:
        peer = await relay.daemon.accepted()
        socket._response.connection.transport.abort()
        assert await peer.next() is None


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "x", "0" * 64])
async def test_no_token(relay: Broker, token: str) -> None:
    assert await refusal(relay, relay.tunnel_query(token)) == (1008, "769")


async def test_a_token_that_was_given_back(relay: Broker) -> None:
    token = await relay.token()
    await relay.client.delete(f"/guacamole/api/tokens/{token}")
    assert await refusal(relay, relay.tunnel_query(token)) == (1008, "769")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"GUAC_ID": ""}, (1002, "768")),
        ({"GUAC_ID": "other"}, (1002, "516")),
        ({"GUAC_TYPE": ""}, (1002, "768")),
        ({"GUAC_TYPE": "x"}, (1002, "768")),
        ({"GUAC_TYPE": "g"}, (1002, "516")),
        ({"GUAC_DATA_SOURCE": ""}, (1002, "768")),
        ({"GUAC_DATA_SOURCE": "postgresql"}, (1002, "516")),
        ({"GUAC_WIDTH": "wide"}, (1002, "768")),
        ({"GUAC_WIDTH": "0"}, (1002, "768")),
        ({"GUAC_HEIGHT": "99999999"}, (1002, "768")),
        ({"GUAC_DPI": "-1"}, (1002, "768")),
        ({"GUAC_TIMEZONE": "x" * 500}, (1002, "768")),
    ],
    ids=str,
)
async def test_parameters_that_are_absurd(
    relay: Broker, change: dict[str, str], expected: tuple[int, str]
) -> None:
    assert await refusal(relay, {**relay.tunnel_query(await relay.token()), **change}) == expected
    assert relay.daemon
    assert relay.daemon.peers == []  # nothing reached the daemon


async def test_too_many_types(relay: Broker) -> None:
    query = [*relay.tunnel_query(await relay.token()).items(), *[("GUAC_VIDEO", "video/x")] * 40]
    async with connect(relay, query) as socket:
        assert await ending(socket) == (1002, "768")


async def test_no_daemon(broker: Broker) -> None:
    assert await refusal(broker, broker.tunnel_query(await broker.token())) == (1011, "520")


async def test_a_daemon_that_refuses(serve: Any) -> None:
    async with Guacd(instead_of_args=encode("error", "busy", 513)) as daemon, serve(daemon) as broker:
        assert await refusal(broker, broker.tunnel_query(await broker.token())) == (1008, "513")


async def test_a_daemon_that_dies(relay: Broker) -> None:
    assert relay.daemon
    async with connect(relay, relay.tunnel_query(await relay.token())) as socket:
        (await relay.daemon.accepted()).die()
        assert await ending(socket) == (1011, "515")


@pytest.mark.parametrize("message", ["hello", "4.size,4.1024", "\n3.nop;"])
async def test_a_browser_that_talks_nonsense(relay: Broker, message: str) -> None:
    assert relay.daemon
    async with connect(relay, relay.tunnel_query(await relay.token())) as socket:
        peer = await relay.daemon.accepted()
        await socket.send_str(message)
        assert await ending(socket) == (1002, "768")
        assert await peer.next() is None


async def test_a_binary_message(relay: Broker) -> None:
    assert relay.daemon
    async with connect(relay, relay.tunnel_query(await relay.token())) as socket:
        await relay.daemon.accepted()
        await socket.send_bytes(b"3.nop;")
        assert await ending(socket) == (1003, "783")


async def test_logging_out_ends_the_tunnel(relay: Broker) -> None:
    assert relay.daemon
    token = await relay.token()
    async with connect(relay, relay.tunnel_query(token)) as socket:
        peer = await relay.daemon.accepted()
        assert (await relay.client.delete(f"/guacamole/api/tokens/{token}")).status == 204
        assert await ending(socket) == (1002, "523")
        assert await peer.until("disconnect")
        assert await peer.next() is None


async def test_a_failure_that_nobody_foresaw(relay: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ValueError("a slip")

    monkeypatch.setattr(relay.parts.gateway, "open", fail)
    async with relay.client.ws_connect(PATH, params=relay.tunnel_query(await relay.token())) as socket:
        message = await socket.receive()
        assert (message.data, message.extra) == (1011, "512")


def timed(broker: Broker) -> float:
    """Requests whose time was counted."""
    registry = broker.parts.metrics.registry
    name = "fanlight_broker_request_seconds_count"
    return sum(registry.get_sample_value(name, {"status": f"{n}xx"}) or 0.0 for n in range(2, 6))


async def test_how_long_somebody_looks_is_not_counted_as_a_request(relay: Broker) -> None:
    token = await relay.token()
    before = timed(relay)
    async with connect(relay, relay.tunnel_query(token)) as socket:
        await socket.receive_str()
    await relay.idle()
    async with connect(relay, relay.tunnel_query("x")) as socket:
        await socket.receive()
    query = relay.tunnel_query(token)
    assert (await relay.client.post("/guacamole/tunnel?connect", data=query)).status == 200
    assert timed(relay) == before
    await relay.client.get("/healthz")
    assert timed(relay) == before + 1


async def test_draining(relay: Broker) -> None:
    assert relay.daemon
    token = await relay.token()
    async with connect(relay, relay.tunnel_query(token)) as socket:
        await relay.daemon.accepted()
        relay.parts.gateway.drain()
        with pytest.raises(
            WSServerHandshakeError
        ) as refused:  # before the upgrade: a balancer asks another one
            await connect(relay, relay.tunnel_query(token))
        assert refused.value.status == 503
        relay.parts.gateway.drain()
        assert await ending(socket) == (1008, "513")


async def test_only_so_many_tunnels(serve: Any) -> None:
    async with Guacd() as daemon, serve(daemon, max_tunnels=2) as broker:
        token = await broker.token()
        async with connect(broker, broker.tunnel_query(token)), connect(broker, broker.tunnel_query(token)):
            await daemon.accepted()
            await daemon.accepted()
            assert await refusal(broker, broker.tunnel_query(token)) == (1008, "513")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil"])
async def test_a_page_of_another_site(relay: Broker, origin: str) -> None:
    """Refused before the upgrade: that page learns nothing."""
    answer = await relay.client.get(
        PATH,
        params=relay.tunnel_query(await relay.token()),
        headers={"Origin": origin, "Upgrade": "websocket", "Connection": "Upgrade"},
    )
    assert answer.status == 403


async def test_a_page_of_a_listed_site(serve: Any) -> None:
    async with Guacd() as daemon, serve(daemon, allowed_origins="https://portal.example") as broker:
        query = broker.tunnel_query(await broker.token())
        async with connect(broker, query, origin="https://portal.example"):
            await daemon.accepted()


async def test_a_plain_request_is_no_tunnel(relay: Broker) -> None:
    answer = await relay.client.get(PATH, params=relay.tunnel_query(await relay.token()))
    assert answer.status == 400
    assert (await answer.json())["type"] == "BAD_REQUEST"


async def test_nothing_is_left(relay: Broker) -> None:
    assert relay.daemon
    token = await relay.token()
    before = len(asyncio.all_tasks())
    for _ in range(5):
        async with connect(relay, relay.tunnel_query(token)) as socket:
            peer = await relay.daemon.accepted()
            await socket.receive_str()
        assert await peer.next() is None
    await relay.idle()
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before + 1:  # the client's connection has one
            await asyncio.sleep(0.01)
