"""Where the gate listens, and who is at the other end of a connection that a proxy passes on."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiohttp import web

from broker.gate.proxy_header import ProxyHeaderError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from broker.settings import Network

__all__ = ["GateListener", "ProxiedConnection"]

HEADER_TIMEOUT = 5.0
"""Seconds that a proxy may take for its header: it sends it at once."""
CLOSING_TIMEOUT = 2.0
KEEP_ALIVE = 75.0
LINGERING = 2.0
"""Seconds for which what is left of a refused body is read, so that its sender hears the answer."""
BACKLOG = 512
UNNAMED = "unknown"
"""The address of a client that its proxy does not name; no header of the request is believed for it."""


class GateListener:
    """Takes connections for the gate.

    Attributes:
        runner: of its application.
    """

    def __init__(self, app: web.Application, proxies: Collection[Network]) -> None:
        """Describe it.

        Args:
            app: what answers.
            proxies: networks from which connections begin with a PROXY header.
        """
        self.runner = web.AppRunner(
            app, shutdown_timeout=CLOSING_TIMEOUT, keepalive_timeout=KEEP_ALIVE, lingering_time=LINGERING
        )
        self._proxies = proxies
        self._server: asyncio.Server | None = None

    async def open(self, bind: str) -> None:
        """Listen on `HOST:PORT`, with PROXY headers where they are asked for. The runner is set up.

        Raises:
            OSError: the address is taken or not ours.
        """
        serve = self.runner.server
        assert serve is not None
        host, _, port = bind.rpartition(":")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: ProxiedConnection(serve, self._proxies),
            host.strip("[]") or None,
            int(port),
            backlog=BACKLOG,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Listen no more, and close what is open."""
        if self._server is not None:
            self._server.close()
        await self.runner.cleanup()


class ProxiedConnection(asyncio.Protocol):
    """A connection until it is known whose it is; then it is the server's."""

    def __init__(self, serve: Callable[[], asyncio.Protocol], proxies: Collection[Network]) -> None:
        self._serve = serve
        self._proxies = proxies
        self._transport: asyncio.Transport | None = None
        self._begun = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        if _within(_peer(self._transport), self._proxies):
            self._timer = asyncio.get_running_loop().call_later(
                HEADER_TIMEOUT, self._refuse, "no PROXY header"
            )
        else:
            self._pass_on(transport, b"")

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        assert self._transport is not None
        self._begun += data
        try:
            header = parse(bytes(self._begun))
        except ProxyHeaderError as error:
            self._refuse(str(error))
            return
        if header is None:
            return
        transport = self._transport
        if header.address is not None:
            self._pass_on(_As(transport, header.address or UNNAMED), bytes(self._begun[header.length :]))
        else:
            self._pass_on(transport, bytes(self._begun[header.length :]))

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._forget_timer()

    def _pass_on(self, seen: Any, rest: bytes) -> None:
        assert self._transport is not None
        self._forget_timer()
        protocol = self._serve()
        self._transport.set_protocol(protocol)
        protocol.connection_made(seen)
        if rest:
            protocol.data_received(rest)

    def _refuse(self, reason: str) -> None:
        self._forget_timer()
        if self._transport is not None and not self._transport.is_closing():
            structlog.get_logger().warning("gate refused", address=_peer(self._transport), reason=reason)
            self._transport.abort()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _As:
    """A transport whose other end has another address."""

    def __init__(self, transport: asyncio.Transport, address: str) -> None:
        self._transport = transport
        self._address = address

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "peername":
            return (self._address, 0)
        return self._transport.get_extra_info(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _peer(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _within(address: str, networks: Collection[Network]) -> bool:
    try:
        value = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    value = getattr(value, "ipv4_mapped", None) or value
    return any(value in network for network in networks)
