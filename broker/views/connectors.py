"""`connector`: where connectors of private networks come in by WebSocket. Binary messages carry SSH, unread."""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from aiohttp import WSMsgType, hdrs, web

from broker.access import Route
from broker.errors import ApiError
from broker.networks.relays import NoEntryError
from broker.parts import PARTS, SENDER

__all__ = ["ROUTES"]

SUBPROTOCOL = "fanlight-connector"
HEARTBEAT = 15.0
"""Seconds between WebSocket pings: a link that was cut without a word is noticed, and fronts keep the connection."""
MAX_MESSAGE = 1 << 20
GOODBYE_TIMEOUT = 3.0


async def connector(request: web.Request) -> web.StreamResponse:
    """Let a connector in, and carry its bytes."""
    parts = request.app[PARTS]
    address = request[SENDER].address
    try:
        if parts.gateway.draining:
            raise NoEntryError("this broker is stopping", 503)
        network = await parts.relays.check(request.query.get("network", ""), address)
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=HEARTBEAT,
            compress=False,
            max_msg_size=MAX_MESSAGE,
            timeout=GOODBYE_TIMEOUT,
        )
        if not socket.can_prepare(request):
            raise NoEntryError("not a WebSocket", 400)
        await socket.prepare(request)
    except NoEntryError as error:
        structlog.get_logger().warning("connector refused", reason=str(error))
        raise ApiError(error.http, "This connector is not let in.") from None
    try:
        await parts.relays.carry(network, _Entrance(socket), address)
    except NoEntryError as error:
        structlog.get_logger().warning("connector refused", reason=str(error))
    finally:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await socket.close()
    return socket


class _Entrance:
    """See `broker.networks.relays.Entrance`."""

    kind = "wss"

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        message = await self._socket.receive()
        return message.data if message.type is WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError, asyncio.CancelledError):
            await self._socket.close()


ROUTES = (Route(hdrs.METH_GET, "connector", connector),)
