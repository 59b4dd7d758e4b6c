"""The way to a VNC server: dialled or waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxyd.instances.vnc_connection import VncConnection
from proxyd.transport import RefusedError
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.instances.parameters import Arguments
    from proxyd.transport import Transport

__all__ = ["DEFAULT_PORT", "connect"]

DEFAULT_PORT, REVERSE_PORT = 5900, 5500


async def connect(
    arguments: Arguments, transport: Transport, make: Callable[[], VncConnection]
) -> VncConnection:
    """Open a connection the way the parameters say.

    Args:
        arguments: of the `vnc` protocol.
        transport: how the instance is reached.
        make: gives a new connection, not yet connected.

    Raises:
        StatusError: nobody is there; `hop` says whether the machine or only its desktop is missing.
    """
    port = arguments.number("port")
    if arguments.flag("reverse-connect"):
        return await _called(port or REVERSE_PORT, arguments.number("listen-timeout") / 1000, make)
    host = arguments.text("hostname")
    try:
        _, connection = await transport.create_connection(make, host, port or DEFAULT_PORT)
    except RefusedError as error:  # the machine answers: what is missing is its desktop
        raise StatusError(error.status, error.message, Hop.DESKTOP) from None
    assert isinstance(connection, VncConnection)
    return connection


async def _called(port: int, seconds: float, make: Callable[[], VncConnection]) -> VncConnection:
    """Wait for the server to call us."""
    loop = asyncio.get_running_loop()
    caller: asyncio.Future[VncConnection] = loop.create_future()

    def answer() -> asyncio.Protocol:
        if caller.done():
            return _Busy()
        caller.set_result(make())
        return caller.result()

    try:
        listener = await loop.create_server(answer, None, port, reuse_address=True)
    except OSError:
        raise StatusError(
            Status.RESOURCE_CONFLICT, f"Port {port}, where the desktop shall call, is taken."
        ) from None
    try:
        async with asyncio.timeout(seconds):
            return await caller
    except TimeoutError:
        raise StatusError(
            Status.UPSTREAM_TIMEOUT, f"No desktop called within {seconds:g} seconds.", Hop.DESKTOP
        ) from None
    finally:
        listener.close()


class _Busy(asyncio.Protocol):
    """Hangs up on whoever calls second."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
