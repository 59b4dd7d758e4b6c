"""Bytes of a VNC server, and a server side that a client under test can talk to without sockets."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

from proxyd.rfb.encodings import Encoding
from proxyd.rfb.options import Options
from proxyd.rfb.pixels import RGB888
from proxyd.rfb.protocol import RfbClient
from proxyd.rfb.security.base import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxyd.rfb.events import Event

__all__ = [
    "OPENING_38",
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
