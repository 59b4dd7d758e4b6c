"""The WebSocket tunnel (sheet 9.4): failures are told after the upgrade, by close code and decimal reason."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from aiohttp import WSMsgType, hdrs, web

from broker.access import Route, by_token
from broker.parts import PARTS, SENDER, SESSION
from broker.tunnel import MAX_MESSAGE
from broker.views.base import wanted
from proxyd.wire.instruction import encode
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from broker.tunnel import Tunnel

__all__ = ["ROUTES"]

HEARTBEAT = 15.0
"""Seconds between WebSocket pings; browsers answer them even while the page sleeps."""
GOODBYE_TIMEOUT = 3.0
"""Seconds that a browser has to answer a close."""


async def _upgraded(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        protocols=("guacamole",),
        heartbeat=HEARTBEAT,
        compress=False,
        max_msg_size=MAX_MESSAGE,
        timeout=GOODBYE_TIMEOUT,
        decode_text=False,
    )
    await socket.prepare(request)
    return socket


async def _close(socket: web.WebSocketResponse, status: Status) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.close(code=status.websocket, message=str(status.code).encode())


async def refuse(request: web.Request) -> web.WebSocketResponse:
    """No token, or one that is no longer good."""
    socket = await _upgraded(request)
    await _close(socket, Status.CLIENT_UNAUTHORIZED)
    return socket


async def tunnel(request: web.Request) -> web.WebSocketResponse:
    """`websocket-tunnel`; a broker that drains says so in HTTP, before the upgrade."""
    request.app[PARTS].gateway.check_running()
    socket = await _upgraded(request)
    try:
        await _serve(request, socket)
    except ConnectionError:
        raise  # the browser is gone
    except Exception:  # noqa: BLE001 - logged with its stack; an answer of HTTP would be nonsense by now
        structlog.get_logger().exception("a tunnel failed in a way nobody foresaw")
        await _close(socket, Status.SERVER_ERROR)
    return socket


async def _serve(request: web.Request, socket: web.WebSocketResponse) -> None:
    gateway = request.app[PARTS].gateway
    try:
        want = wanted(request[SESSION], lambda name: request.query.getall(name, []))
        opened = await gateway.open(
            request[SESSION], want.what, want.client, request[SENDER].address, want.name
        )
    except StatusError as error:
        if error.hop is not Hop.FANLIGHT:  # a status alone would not say where
            with contextlib.suppress(ConnectionError):
                words = encode("error", error.wire_text(error.reference), error.status.code)
                await socket.send_frame(words, WSMsgType.TEXT)
        await _close(socket, error.status)
        return
    try:
        await _relay(socket, opened)
    finally:
        gateway.close(opened, Status.SUCCESS)


async def _relay(socket: web.WebSocketResponse, opened: Tunnel) -> None:
    async with asyncio.TaskGroup() as group:
        down = group.create_task(_down(socket, opened), name=f"down {opened.identifier}")
        await _up(socket, opened)
        opened.end(Status.SUCCESS)  # the browser left
        down.cancel()


async def _down(socket: web.WebSocketResponse, opened: Tunnel) -> None:
    """Daemon to browser; says goodbye when the tunnel is over."""
    try:
        await socket.send_frame(encode("", opened.identifier), WSMsgType.TEXT)
        while data := await opened.receive():
            await socket.send_frame(data, WSMsgType.TEXT)
    except ConnectionError:
        return  # the browser is gone; the other direction notices
    await _close(socket, opened.status or Status.SUCCESS)


async def _up(socket: web.WebSocketResponse, opened: Tunnel) -> None:
    """Browser to daemon, until the browser leaves."""
    async for message in socket:
        try:
            if message.type is not WSMsgType.TEXT:
                raise StatusError(Status.CLIENT_BAD_TYPE, "The browser sent a binary message.")
            answer = await opened.send(message.data)
        except StatusError as error:
            opened.end(error.status)
            continue  # the other direction says goodbye
        if answer:
            with contextlib.suppress(ConnectionError):
                await socket.send_frame(answer, WSMsgType.TEXT)


ROUTES = (Route(hdrs.METH_GET, "websocket-tunnel", tunnel, by_token, refuse),)
