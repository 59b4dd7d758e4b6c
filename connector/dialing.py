"""The way out: a WebSocket over TLS, through an HTTP proxy where the environment names one, or plain TCP.

Either way a connected socket comes back; what the SSH connection puts into it goes to the broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import aiohttp

from connector.reasons import reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from connector.keyfile import Endpoint

__all__ = ["SUBPROTOCOL", "DialError", "dial", "proxy_of", "trusting"]

SUBPROTOCOL = "fanlight-connector"
DIAL_TIMEOUT = 15.0
HEARTBEAT = 20.0
"""Seconds between WebSocket pings, so that fronts and firewalls keep the connection."""
READ_SIZE = 262_144
MAX_MESSAGE = 1 << 20


class DialError(Exception):
    """A broker was not reached, or did not want us. The text says which."""


@contextlib.asynccontextmanager
async def dial(endpoint: Endpoint, network: str, authority: Path | None) -> AsyncIterator[socket.socket]:
    """Connect to an endpoint; whatever carries the connection ends with the context.

    Args:
        endpoint: where to.
        network: whose connector this is; the key proves it later.
        authority: PEM file that the broker's certificate must descend from; the system's where None.

    Raises:
        DialError: not reached.
    """
    if endpoint.scheme == "tcp":
        with await _tcp(endpoint, network) as connected:
            yield connected
        return
    async with _websocket(endpoint, network, authority) as messages:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            carrying = asyncio.create_task(_carry(messages, ours), name="carry WebSocket")
            try:
                yield theirs
            finally:
                carrying.cancel()
                await asyncio.gather(carrying, return_exceptions=True)


def proxy_of(endpoint: Endpoint) -> str | None:
    """The HTTP proxy that the environment names for an endpoint."""
    if endpoint.scheme == "tcp" or proxy_bypass(endpoint.host):
        return None
    return getproxies().get("https" if endpoint.scheme == "wss" else "http")


def trusting(authority: Path | None) -> ssl.SSLContext:
    """What to believe of certificates; see `dial`.

    Raises:
        DialError: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=str(authority) if authority else None)
    except OSError as error:
        raise DialError(f"certificate-authority: {authority} cannot be read: {reason(error)}") from None


async def _tcp(endpoint: Endpoint, network: str) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure = "it has no address"
    try:
        async with asyncio.timeout(DIAL_TIMEOUT):
            for family, kind, *_, address in await loop.getaddrinfo(
                endpoint.host, endpoint.port, type=socket.SOCK_STREAM
            ):
                connected = socket.socket(family, kind)
                connected.setblocking(False)
                try:
                    await loop.sock_connect(connected, address)
                    await loop.sock_sendall(connected, f"{SUBPROTOCOL} {network}\n".encode())
                except OSError as error:
                    connected.close()
                    failure = reason(error)
                except BaseException:
                    connected.close()
                    raise
                else:
                    return connected
    except TimeoutError:
        failure = f"no answer within {DIAL_TIMEOUT:g} seconds"
    except (OSError, UnicodeError) as error:
        failure = reason(error)
    raise DialError(f"{endpoint} cannot be reached: {failure}")


@contextlib.asynccontextmanager
async def _websocket(
    endpoint: Endpoint, network: str, authority: Path | None
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    context = trusting(authority)
    timeout = aiohttp.ClientTimeout(total=None, connect=DIAL_TIMEOUT, sock_connect=DIAL_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with asyncio.timeout(DIAL_TIMEOUT):
                messages = await session.ws_connect(
                    str(endpoint),
                    params={"network": network},
                    protocols=(SUBPROTOCOL,),
                    proxy=proxy_of(endpoint),
                    ssl=context,
                    heartbeat=HEARTBEAT,
                    compress=0,
                    max_msg_size=MAX_MESSAGE,
                )
        except TimeoutError:
            raise DialError(f"{endpoint} did not answer within {DIAL_TIMEOUT:g} seconds") from None
        except aiohttp.WSServerHandshakeError as error:
            raise DialError(f"{endpoint} refused: {_REFUSALS.get(error.status, error.status)}") from None
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise DialError(f"{endpoint} cannot be reached: {reason(error)}") from None
        async with messages:
            yield messages


_REFUSALS = {
    403: "it does not know this network, or the key was revoked",
    404: "nothing takes connectors under this path",
    429: "too many connections or failures from this address; it will listen again later",
    503: "it has no daemon for connectors at the moment",
}
"""What a broker means by its answer to the upgrade."""


async def _carry(messages: aiohttp.ClientWebSocketResponse, end: socket.socket) -> None:
    """Pump both ways until one side ends; each direction waits for the slower side."""
    loop = asyncio.get_running_loop()

    async def up() -> None:
        while data := await loop.sock_recv(end, READ_SIZE):
            await messages.send_bytes(data)

    async def down() -> None:
        async for message in messages:
            if message.type is not aiohttp.WSMsgType.BINARY:
                return
            await loop.sock_sendall(end, message.data)

    both = [asyncio.create_task(up(), name="up"), asyncio.create_task(down(), name="down")]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
