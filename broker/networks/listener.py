"""`connector-bind`: a plain TCP port for connectors. They say their network in a first line; all that follows is SSH."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from broker.networks.relays import NoEntryError

if TYPE_CHECKING:
    from broker.networks.relays import Relays

__all__ = ["Listener"]

WORD = b"fanlight-connector"
MAX_LINE = 128
LINE_TIMEOUT = 10.0
MAX_SILENT = 64
"""Connections that have not said their network yet; more are closed."""
READ_SIZE = 65536
KEPT = 1 << 20
"""Bytes that wait for a connector before its stream stops."""


class Listener:
    """Takes connections."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays
        self._server: asyncio.Server | None = None
        self._silent = 0

    async def open(self, bind: str) -> None:
        """Listen on `HOST:PORT`.

        Raises:
            OSError: the address is taken or not ours.
        """
        host, _, port = bind.rpartition(":")
        self._server = await asyncio.start_server(
            self._serve, host.strip("[]") or None, int(port), limit=READ_SIZE
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str(writer.get_extra_info("peername")[0])
        writer.transport.set_write_buffer_limits(KEPT)
        try:
            name = await self._first_line(reader)
            network = await self._relays.check(name, address)
            await self._relays.carry(network, _Entrance(reader, writer), address)
        except NoEntryError as error:
            structlog.get_logger().warning("connector refused", address=address, reason=str(error))
        except OSError:
            pass  # it left
        finally:
            writer.transport.abort()

    async def _first_line(self, reader: asyncio.StreamReader) -> str:
        """The network that a connector says it is of.

        Raises:
            NoEntryError: it says nothing of the kind in time.
        """
        if self._silent >= MAX_SILENT:
            raise NoEntryError("too many connections that say nothing", 429)
        self._silent += 1
        try:
            async with asyncio.timeout(LINE_TIMEOUT):
                line = await reader.readuntil(b"\n")
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise NoEntryError("no first line", 400) from None
        finally:
            self._silent -= 1
        word, _, name = line.strip().partition(b" ")
        if len(line) > MAX_LINE or word != WORD:
            raise NoEntryError("not a connector", 400)
        return name.decode("ascii", "replace")


class _Entrance:
    """See `Entrance`."""

    kind = "tcp"

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(READ_SIZE)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
