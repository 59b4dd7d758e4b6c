"""`connector`: where connectors of private networks come in by WebSocket, and fetch releases.

Binary messages carry SSH, unread. Releases are signed: what is served here is believed for that alone.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from aiohttp import WSMsgType, hdrs, web

from broker.access import Route
from broker.errors import ApiError, not_found
from broker.networks.relays import NoEntryError
from broker.parts import PARTS, SENDER
from connector.release import FILE, WHEEL

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


async def served(request: web.Request) -> web.StreamResponse:
    """`connector/releases/{name}`: a file of the signed release."""
    folder, name = request.app[PARTS].settings.connector_releases, request.match_info["name"]
    if folder is None or (name != FILE and not WHEEL.fullmatch(name)):
        raise not_found("release")
    path = folder / name
    if not await asyncio.to_thread(path.is_file):
        raise not_found("release")
    headers = {hdrs.CONTENT_TYPE: "application/octet-stream", hdrs.CACHE_CONTROL: "no-cache"}
    return web.FileResponse(path, headers=headers)


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


ROUTES = (
    Route(hdrs.METH_GET, "connector", connector),
    Route(hdrs.METH_GET, "connector/releases/{name}", served),
)
