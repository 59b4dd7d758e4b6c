"""Bytes of a VNC server, and a server side that a client under test can talk to without sockets."""

from __future__ import annotations

import asyncio
from struct import pack
from typing import TYPE_CHECKING, Any

from proxyd.rfb.encodings import Encoding
from proxyd.rfb.options import Options
from proxyd.rfb.pixels import RGB888
from proxyd.rfb.protocol import RfbClient
from proxyd.rfb.security.base import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxyd.rfb.events import Event
    from proxyd.wire.status import StatusError

__all__ = [
    "OPENING_38",
    "MemoryVnc",
    "cut_text",
    "extended_desktop_size",
    "fence",
    "fill",
    "new_client",
    "opened_client",
    "pseudo",
    "raw",
    "rect",
    "server_init",
    "update",
]

WIDTH, HEIGHT = 8, 4


def server_init(width: int = WIDTH, height: int = HEIGHT, name: bytes = b"desk") -> bytes:
    return pack(">HH", width, height) + RGB888.encode() + pack(">I", len(name)) + name


OPENING_38 = b"RFB 003.008\n\x01\x01" + pack(">I", 0) + server_init()
"""Version, security None, its result, ServerInit."""


def update(*rects: bytes, count: int | None = None) -> bytes:
    return pack(">BxH", 0, len(rects) if count is None else count) + b"".join(rects)


def rect(x: int, y: int, width: int, height: int, encoding: int, payload: bytes = b"") -> bytes:
    return pack(">HHHHi", x, y, width, height, encoding) + payload


def raw(
    x: int = 0, y: int = 0, width: int = WIDTH, height: int = HEIGHT, colour: bytes = b"\x10\x20\x30"
) -> bytes:
    return rect(x, y, width, height, Encoding.RAW, (colour + b"\0") * (width * height))


def fill(x: int, y: int, width: int, height: int, colour: bytes = b"\x10\x20\x30") -> bytes:
    """A Tight fill."""
    return rect(x, y, width, height, Encoding.TIGHT, b"\x80" + colour)


def pseudo(encoding: int, payload: bytes = b"") -> bytes:
    return rect(0, 0, 0, 0, encoding, payload)


def extended_desktop_size(
    width: int,
    height: int,
    *,
    reason: int = 0,
    status: int = 0,
    screens: Iterable[tuple[int, ...]] | None = None,
) -> bytes:
    screens = [(7, 0, 0, width, height, 9)] if screens is None else list(screens)
    layout = b"".join(pack(">IHHHHI", *screen) for screen in screens)
    payload = pack(">Bxxx", len(screens)) + layout
    return rect(reason, status, width, height, Encoding.EXTENDED_DESKTOP_SIZE, payload)


def cut_text(text: bytes) -> bytes:
    return pack(">Bxxxi", 3, len(text)) + text


def fence(flags: int, payload: bytes) -> bytes:
    return pack(">BxxxIB", 248, flags, len(payload)) + payload


def new_client(
    options: Options | None = None, username: str | None = None, password: str | None = None
) -> RfbClient:
    return RfbClient(options or Options(), Credentials(username, password))


def opened_client(options: Options | None = None) -> tuple[RfbClient, list[Event]]:
    """A client whose session is open; what it sent so far is gone."""
    client = new_client(options)
    events = client.receive(OPENING_38)
    client.data_to_send()
    return client, events


class MemoryVnc(asyncio.Transport):
    """A `proxyd.transport.Transport` whose far end is the test: it says bytes and reads what was sent.

    Attributes:
        protocols: connections made so far.
        heard: what the newest one sent.
        opening: said as soon as somebody connects.
        refusals: errors for the next attempts to connect.
        congestion: bytes that pretend not to have left yet.
        lost: why the way was lost, where it was.
    """

    def __init__(self, opening: bytes = OPENING_38) -> None:
        super().__init__()
        self.protocols: list[Any] = []
        self.heard = bytearray()
        self.opening = opening
        self.refusals: list[Exception] = []
        self.reading = True
        self.closed = False
        self.congestion = 0
        self.lost: StatusError | None = None
        self._held = b""

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        protocol = protocol_factory()
        self.protocols.append(protocol)
        self.heard.clear()
        self.closed, self.reading, self._held = False, True, b""
        protocol.connection_made(self)
        self.say(self.opening)
        return self, protocol

    async def ready(self, asker: object) -> None:
        """See `Way.ready`."""

    async def loss(self) -> StatusError | None:
        return self.lost

    def known_as(self, host: str) -> str:
        return host

    # -- the test's side

    def say(self, data: bytes) -> None:
        self._held += data
        if self.reading and self._held:
            data, self._held = self._held, b""
            self.protocols[-1].data_received(data)

    def hang_up(self) -> None:
        self.abort()

    # -- asyncio.Transport

    def write(self, data: Any) -> None:
        assert not self.closed
        self.heard += data

    def get_write_buffer_size(self) -> int:
        return self.congestion

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        if self._held:
            asyncio.get_running_loop().call_soon(self.say, b"")

    def is_reading(self) -> bool:
        return self.reading

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocols[-1].connection_lost, None)
