"""How a TCP stream to an instance is opened: VNC, SSH and SFTP take a transport, never a socket.

`Direct` dials. What goes through jump hosts or a private network's connector is opened by the process `proxyd.transit`,
which a worker reaches by `proxyd.transport.through`; `proxyd.transport.choice` picks by a connection's parameters.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Protocol

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.instances.ssh_auth import Asker

__all__ = ["Direct", "RefusedError", "Transport", "Way"]


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
                or UPSTREAM_TIMEOUT; the hop is the instance, or what stands before it.
        """


class Way(Transport, Protocol):
    """A session's transport: it may want to be made ready, and may be lost though the instance is well."""

    async def ready(self, asker: Asker) -> None:
        """Sign in at what stands before the instance, where nobody did yet; streams can be opened from then on.

        Raises:
            StatusError: that failed; the sentence names where.
        """

    async def loss(self) -> StatusError | None:
        """Why streams of this session ended, where it was the way and not the instance."""

    def known_as(self, host: str) -> str:
        """The name under which the host key of a machine is remembered: an address means another one elsewhere."""


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

    async def ready(self, asker: Asker) -> None:
        """See `Way.ready`: nothing stands before the instance."""

    async def loss(self) -> StatusError | None:
        """See `Way.loss`."""
        return None

    def known_as(self, host: str) -> str:
        """See `Way.known_as`."""
        return host


def _explained(error: OSError, host: str, port: int) -> StatusError:
    if isinstance(error, socket.gaierror):
        return StatusError(Status.UPSTREAM_NOT_FOUND, f"The name {host} is not known.", Hop.INSTANCE)
    if isinstance(error, ConnectionRefusedError):
        return RefusedError(host, port)
    return StatusError(Status.UPSTREAM_UNAVAILABLE, f"{host} cannot be reached on port {port}.", Hop.INSTANCE)
