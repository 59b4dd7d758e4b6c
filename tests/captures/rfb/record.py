"""Record real VNC servers: `python -m tests.captures.rfb.record [NAME ...]`.

Writes `NAME.rfb` (see `tests.rfb_replay`) and the server's screen at its end, read by another way than VNC: `desktop.png`
for all servers that show our scene, `NAME.png` for the others. Review the difference of both.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from proxyd.display.ops import Size
from proxyd.rfb import encodings
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.pixels import RGB332, RGB565, RGB888, PixelFormat
from tests.fakes.canvas import Canvas
from tests.rfb_replay import Replay, server_init
from tests.servers.blitter import Blitter
from tests.servers.qemu import Qemu
from tests.servers.x11vnc import X11Vnc
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HERE = Path(__file__).parent
WIDTH, HEIGHT = 160, 120
PATIENCE = 10.0
"""Seconds until the server has sent its whole screen."""
LOSSY_ERROR = 4.0
"""Mean difference of a channel up to which a lossy picture counts as the screen."""


@dataclass(frozen=True)
class Take:
    """What to record."""

    server: Callable[[], Xvnc | X11Vnc | Qemu]
    offered: tuple[int, ...]
    pixel_format: PixelFormat = RGB888
    lossy: bool = False


def xvnc() -> Xvnc:
    return Xvnc(WIDTH, HEIGHT)


def x11vnc() -> X11Vnc:
    return X11Vnc(WIDTH, HEIGHT, options=["-noxdamage", "-nocursor"])


def qemu() -> Qemu:
    return Qemu()


EXACT = {
    "raw": Encoding.RAW,
    "rre": Encoding.RRE,
    "hextile": Encoding.HEXTILE,
    "zlib": Encoding.ZLIB,
    "tight": Encoding.TIGHT,
    "zrle": Encoding.ZRLE,
}
QUALITY = encodings.quality(8)
TAKES = {
    **{
        f"xvnc-{name}": Take(xvnc, (Encoding.COPYRECT, EXACT[name]))
        for name in ("raw", "rre", "hextile", "tight", "zrle")
    },
    **{
        f"x11vnc-{name}": Take(x11vnc, (EXACT[name],)) for name in ("rre", "hextile", "zlib", "tight", "zrle")
    },
    **{f"qemu-{name}": Take(qemu, (EXACT[name],)) for name in ("hextile", "zlib", "tight", "zrle")},
    "xvnc-tight-jpeg": Take(xvnc, (Encoding.COPYRECT, Encoding.TIGHT, QUALITY), lossy=True),
    "x11vnc-tight-jpeg": Take(x11vnc, (Encoding.TIGHT, QUALITY), lossy=True),
    "qemu-tightpng": Take(qemu, (Encoding.TIGHT_PNG,)),
    "xvnc-zrle-16": Take(xvnc, (Encoding.ZRLE,), RGB565),
    "xvnc-tight-16": Take(xvnc, (Encoding.TIGHT,), RGB565),
    "xvnc-hextile-8": Take(xvnc, (Encoding.HEXTILE,), RGB332),
}


class Client:
    """The least that makes a server send updates."""

    def __init__(self, port: int, take: Take) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.settimeout(PATIENCE)
        self._read(12)
        self._socket.sendall(b"RFB 003.008\n")
        types = self._read(self._read(1)[0])
        assert 1 in types, "the server wants a password"
        self._socket.sendall(b"\1")
        assert self._read(4) == bytes(4)
        self._socket.sendall(b"\1")
        width, height, name = struct.unpack(">HH16xI", self._read(24))
        self._read(name)
        offered = (*take.offered, Encoding.LAST_RECT)
        self._socket.sendall(struct.pack(">Bxxx", 0) + take.pixel_format.encode())
        self._socket.sendall(struct.pack(f">BxH{len(offered)}i", 2, len(offered), *offered))
        self.recording = bytearray(server_init(width, height, take.pixel_format))
        self._replay = Replay(bytes(self.recording))
        self._size = (width, height)
        self.canvas = Canvas()
        self.canvas.apply(Size(width, height))

    def update(self, *, incremental: bool, draw: bool = True) -> list[str]:
        """Ask for an update, record it and draw it if wanted; return the encodings it used."""
        self._socket.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, *self._size))
        reading = self._replay.update()
        try:
            while True:
                next(reading)
                if self._replay.buffer.starved:
                    self._take(self._socket.recv(1 << 16))
        except StopIteration as done:
            rectangles = done.value
        for drawn in rectangles if draw else ():
            for op in drawn.ops:
                self.canvas.apply(op)
        return [drawn.encoding.name for drawn in rectangles]

    def _take(self, data: bytes) -> None:
        assert data, "the server closed the connection"
        self.recording += data
        self._replay.buffer.feed(data)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self._socket.recv(count - len(data))
        return data

    def close(self) -> None:
        self._socket.close()


def scene(width: int, height: int) -> NDArray[np.uint8]:
    """Something of everything: plain colour, text, stripes, a photograph."""
    chooser = random.Random(5)
    picture = Image.new("RGB", (width, height), (238, 238, 238))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width, 17), fill=(40, 80, 140))
    for y in range(24, height - 16, 14):
        colour = tuple(chooser.randrange(160) for _ in range(3))
        pen.text((4, y), "the quick brown fox", font=ImageFont.load_default(11), fill=colour)
    for x in range(130, width, 4):
        pen.rectangle((x, 20, x + 1, 60), fill=tuple(chooser.randrange(256) for _ in range(3)))
    noise = np.random.default_rng(6).integers(0, 256, (5, 6, 3), np.uint8)
    picture.paste(Image.fromarray(noise).resize((60, 40), Image.Resampling.BICUBIC), (95, 75))
    return np.frombuffer(picture.tobytes("raw", "BGRX"), np.uint8).reshape(height, width, 4)


def change(blitter: Blitter) -> None:
    """A part moves, others are drawn anew: plain, and in two colours."""
    blitter.copy(0, 20, 90, 70, 6, 34)
    blitter.put(130, 20, np.full((20, 30, 4), (30, 200, 90, 0), np.uint8))
    checks = np.add.outer(np.arange(12), np.arange(50)) // 3 % 2
    blitter.put(4, 106, np.array([(255, 255, 255, 0), (60, 20, 0, 0)], np.uint8)[checks])
    blitter.wait()


def picture_of(name: str) -> Path:
    """The picture that a recording ends with."""
    return HERE / (f"{name}.png" if name.startswith("qemu") else "desktop.png")


def record(name: str, take: Take) -> None:
    """Write one recording and its picture."""
    with take.server() as server:
        if isinstance(server, Qemu):
            wait_for_text(server)
            client = Client(server.port, take)
            used = client.update(incremental=False)
        else:
            blitter = Blitter(server.display)
            blitter.put(0, 0, scene(WIDTH, HEIGHT))
            blitter.wait()
            client = Client(server.port, take)
            used = client.update(incremental=False)
            settle(client, server, take)
            change(blitter)
        more, screen = settle(client, server, take)
        client.close()
    Image.fromarray(screen).save(picture_of(name), optimize=True)
    (HERE / f"{name}.rfb").write_bytes(client.recording)
    sys.stdout.write(f"{name}: {len(client.recording)} bytes, {', '.join({*used, *more})}\n")


def wait_for_text(server: Qemu) -> None:
    """Wait until the firmware has written its message."""
    deadline = time.monotonic() + PATIENCE
    while (screen := server.screenshot()).shape != (400, 720, 3) or not screen[40:].any():
        assert time.monotonic() < deadline, "the firmware writes nothing"
        time.sleep(0.1)


def settle(client: Client, server: Xvnc | X11Vnc | Qemu, take: Take) -> tuple[list[str], NDArray[np.uint8]]:
    """Take updates until the whole screen has come: (encodings, the screen)."""
    used: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while True:
        screen = server.screenshot()
        if agree(screen, client.canvas.picture(), take):
            return used, screen
        assert time.monotonic() < deadline, "the screen does not arrive"
        used += client.update(incremental=True)


def agree(screen: NDArray[np.uint8], shown: NDArray[np.uint8], take: Take) -> bool:
    """Whether the picture is the screen, as exactly as its encoding and pixel format allow."""
    if screen.shape != shown.shape:
        return False
    difference = np.abs(screen.astype(int) - shown)
    if take.lossy:
        return bool(difference.mean() <= LOSSY_ERROR)
    steps = [maximum for maximum, _ in take.pixel_format.channels]
    rounding = [0 if step == 255 else 255 / step / 2 + 1 for step in steps]
    return bool((difference <= rounding).all())


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TAKES:
        record(wanted, TAKES[wanted])
