"""Tunnels whose browser comes and asks: what an HTTP tunnel keeps between its requests. No HTTP vocabulary."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from broker.gateway import Gateway
    from broker.tunnel import Tunnel

__all__ = ["PolledTunnel", "PolledTunnels"]

SILENCE = 15.0
"""Seconds without a request after which the browser is taken for gone."""


class PolledTunnel:
    """A tunnel, and the requests that read from it one after another."""

    def __init__(self, tunnel: Tunnel) -> None:
        self.tunnel = tunnel
        self.last_request = 0.0
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read(self) -> AsyncGenerator[bytes]:
        """Whole instructions until the tunnel is over, or until the next reader waits and this one had something."""
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            while data := await self.tunnel.receive():
                yield data
                if self._waiting:
                    return
        finally:
            self._turn.release()


class PolledTunnels:
    """The open ones, by a token that only the browser which opened one knows; kept by the token's hash."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float]) -> None:
        """Begin with none.

        Args:
            gateway: closes what falls silent.
            clock: monotonic seconds.
        """
        self._gateway = gateway
        self._clock = clock
        self._tunnels: dict[bytes, PolledTunnel] = {}

    def enter(self, tunnel: Tunnel) -> str:
        """Take a tunnel in; returns its token."""
        token = base64.b64encode(secrets.token_bytes(32)).decode()
        polled = self._tunnels[_hash(token)] = PolledTunnel(tunnel)
        polled.last_request = self._clock()
        return token

    def find(self, token: str) -> PolledTunnel | None:
        """The tunnel of a token; being asked for keeps it."""
        polled = self._tunnels.get(_hash(token))
        if polled is not None:
            polled.last_request = self._clock()
        return polled

    async def sweep(self) -> None:
        """Close tunnels whose browser fell silent; called at an interval."""
        horizon = self._clock() - SILENCE
        for name, polled in list(self._tunnels.items()):
            if polled.tunnel.status is not None:
                self._gateway.close(polled.tunnel, polled.tunnel.status)
            if polled.last_request < horizon:
                del self._tunnels[name]
                self._gateway.close(polled.tunnel, Status.CLIENT_TIMEOUT)

    def __len__(self) -> int:
        return len(self._tunnels)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
