"""The way out: a WebSocket over TLS, through an HTTP proxy where the environment names one, or plain TCP.

Either way something comes back that carries an SSH connection to the broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import getproxies, proxy_bypass

import aiohttp

from connector.reasons import reason
from proxyd.carrying import MARK, PIECE, Held, Shared, Turns, bound_unsent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from connector.keyfile import Endpoint

__all__ = ["SUBPROTOCOL", "DialError", "Link", "dial", "proxy_of", "trusting"]

SUBPROTOCOL = "fanlight-connector"
DIAL_TIMEOUT = 15.0
HEARTBEAT = 20.0
"""Seconds between WebSocket pings, so that fronts and firewalls keep the connection."""
MESSAGE = PIECE + 1024
"""Bytes of packets that go into one message together."""
MAX_MESSAGE = 1 << 20


class DialError(Exception):
    """A broker was not reached, or did not want us. The text says which."""


class Link(Protocol):
    """What carries one SSH connection. Has the shape that asyncssh takes as `tunnel`.

    Attributes:
        turns: of the streams of that connection.
    """

    turns: Turns

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """Begin to carry; returns (transport, protocol). Host and port were said when it was dialled."""


@contextlib.asynccontextmanager
async def dial(endpoint: Endpoint, network: str, authority: Path | None) -> AsyncIterator[Link]:
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
            yield Shared(Held(connected))
        return
    async with _websocket(endpoint, network, authority) as messages:
        link = _Messages(messages)
        try:
            yield link
        finally:
            await link.end()


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


class _Messages(asyncio.Transport):
    """See `Link`: what is put into it together makes one message of a WebSocket."""

    def __init__(self, messages: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__({name: messages.get_extra_info(name) for name in ("peername", "sockname")})
        bound_unsent(messages.get_extra_info("socket"))
        self.turns = Turns()
        self._messages = messages
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._some = asyncio.Event()
        self._sending = self._closing = False
        self._protocol: Any = None
        self._carrying: asyncio.Task[None] | None = None

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Link.create_connection`."""
        del host, port
        self._protocol = protocol_factory()
        self._protocol.connection_made(self)
        self._carrying = asyncio.create_task(self._carry(), name="carry WebSocket")
        return self, self._protocol

    async def end(self) -> None:
        """Carry no more."""
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.gather(self._carrying, return_exceptions=True)

    # -- what asyncssh asks of a transport ---------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send a packet, soon."""
        self._waiting.append(data)
        self._size += len(data)
        self._some.set()
        if self._sending and self._size > MARK:
            self.turns.fill()

    def is_closing(self) -> bool:
        """Whether it closes."""
        return self._closing

    def close(self) -> None:
        """End when all was sent."""
        self._closing = True
        self._some.set()

    def abort(self) -> None:
        """End now."""
        self._closing = True
        if self._carrying is not None:
            self._carrying.cancel()

    # -- both ways ---------------------------------------------------------------------------------------------------

    async def _carry(self) -> None:
        """Pump until one side ends; each direction waits for the slower side."""
        both = [asyncio.create_task(self._up(), name="up"), asyncio.create_task(self._down(), name="down")]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            self._closing = True
            self.turns.drain()
            self._protocol.connection_lost(None)

    async def _up(self) -> None:
        while self._waiting or not self._closing:
            await self._some.wait()
            self._some.clear()
            self._sending = True  # seen by `write` only while the link is slower than we
            while self._waiting:
                await self._messages.send_bytes(self._message())
                if self._size <= MARK:
                    self.turns.drain()
            self._sending = False

    def _message(self) -> bytes:
        parts = [self._waiting.popleft()]
        size = len(parts[0])
        while self._waiting and size + len(self._waiting[0]) <= MESSAGE:
            parts.append(self._waiting.popleft())
            size += len(parts[-1])
        self._size -= size
        return b"".join(parts)

    async def _down(self) -> None:
        async for message in self._messages:
            if message.type is not aiohttp.WSMsgType.BINARY:
                return
            for at in range(0, len(message.data), PIECE):
                self._protocol.data_received(message.data[at : at + PIECE])
