"""How a TCP stream to an instance is opened: VNC, SSH and SFTP take a transport, never a socket.

`Direct` dials. Jump hosts and connectors will be further files beside it behind the same protocol.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Protocol

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Direct", "RefusedError", "Transport"]


class RefusedError(StatusError):
    """The machine answered that nothing listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            Status.UPSTREAM_UNAVAILABLE, f"Nothing listens on port {port} of {host}.", Hop.INSTANCE
        )


class Transport(Protocol):
    """Opens byte streams. Has the shape that `asyncssh.connect(tunnel=...)` takes."""

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """Open a stream; returns (transport, protocol) as `loop.create_connection` does.

        Raises:
            StatusError: UPSTREAM_NOT_FOUND (no such name), UPSTREAM_UNAVAILABLE (unreachable, or `RefusedError`)
                or UPSTREAM_TIMEOUT; the hop is the instance.
        """


class Direct:
    """Dial the address from this host."""

    def __init__(self, timeout: float = 10.0) -> None:
        self._timeout = timeout

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Transport.create_connection`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                return await loop.create_connection(protocol_factory, host, port)
        except TimeoutError:
            raise StatusError(
                Status.UPSTREAM_TIMEOUT,
                f"{host} did not answer on port {port} within {self._timeout:g} seconds.",
                Hop.INSTANCE,
            ) from None
        except OSError as error:
            raise _explained(error, host, port) from None


def _explained(error: OSError, host: str, port: int) -> StatusError:
    if isinstance(error, socket.gaierror):
        return StatusError(Status.UPSTREAM_NOT_FOUND, f"The name {host} is not known.", Hop.INSTANCE)
    if isinstance(error, ConnectionRefusedError):
        return RefusedError(host, port)
    return StatusError(Status.UPSTREAM_UNAVAILABLE, f"{host} cannot be reached on port {port}.", Hop.INSTANCE)
