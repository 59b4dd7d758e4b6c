"""A VNC server that sends what keeps a client busiest, without end, as fast as it is read."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from struct import pack
from typing import TYPE_CHECKING, NamedTuple

from proxyd.rfb.encodings import Encoding
from tests.fakes import rfb_server

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ATTACKS", "HostileVnc"]

SIDE = 2048
"""Pixels of a side of the screen."""
BATCH = 200
"""Messages written at once."""


class Attack(NamedTuple):
    """What is sent over and over, and what has to come before."""

    again: bytes
    first: bytes = b""


def _deflated() -> Attack:
    """A picture of which kilobytes inflate to megabytes: the first one, and one that may follow ever again."""
    compress = zlib.compressobj(9)
    updates = []
    for _ in range(2):
        data = compress.compress(bytes(range(256)) * (SIDE * SIDE // 64)) + compress.flush(zlib.Z_SYNC_FLUSH)
        updates.append(
            rfb_server.update(rfb_server.rect(0, 0, SIDE, SIDE, Encoding.ZLIB, pack(">I", len(data)) + data))
        )
    return Attack(again=updates[1], first=updates[0])


def _hextiles() -> bytes:
    """Every tile with as many subrectangles as fit, each in a colour of its own."""
    pieces = b"".join(bytes((n, n ^ 0x55, 255 - n, 0, n & 0xFF, 0)) for n in range(255))
    tile = bytes((0b11010,)) + bytes(4) + bytes((255,)) + pieces
    tiles = SIDE // 16
    return rfb_server.update(rfb_server.rect(0, 0, SIDE, SIDE, Encoding.HEXTILE, tile * tiles**2))


ATTACKS: dict[str, Attack] = {
    "bells": Attack(b"\x02" * 10_000),
    "clipboards": Attack(rfb_server.cut_text(b"spam " * 5000) * BATCH),
    "names": Attack(
        rfb_server.update(rfb_server.pseudo(Encoding.DESKTOP_NAME, pack(">I", 2000) + b"n" * 2000)) * BATCH
    ),
    "sizes": Attack(
        b"".join(
            rfb_server.update(rfb_server.rect(0, 0, SIDE - n % 9, SIDE, Encoding.DESKTOP_SIZE))
            for n in range(BATCH)
        )
    ),
    "pixels": Attack(rfb_server.update(*[rfb_server.raw(n, 0, 1, 1) for n in range(SIDE)])),
    "fills": Attack(rfb_server.update(rfb_server.fill(0, 0, SIDE, SIDE)) * BATCH),
    "hextiles": Attack(_hextiles()),
    "deflated": _deflated(),
}
"""By a name for people."""


class HostileVnc:
    """A server on loopback, as an async context manager.

    Attributes:
        port: where it listens.
    """

    def __init__(self, attack: str) -> None:
        """`attack` is one of `ATTACKS`."""
        self._attack = ATTACKS[attack]
        self._begun = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def under_way(self) -> None:
        """Wait until a client has taken the first batch."""
        await asyncio.wait_for(self._begun.wait(), 15)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        drain_input = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            writer.write(b"RFB 003.008\n\x01\x01" + pack(">I", 0) + rfb_server.server_init(SIDE, SIDE))
            writer.write(self._attack.first)
            while not drain_input.done():
                writer.write(self._attack.again)
                await writer.drain()
                self._begun.set()
        drain_input.cancel()
        writer.close()
