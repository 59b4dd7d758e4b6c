"""Recorded RFB: what a server sent after its ServerInit, played to the decoders.

A recording is a ServerInit (RFC 6143 section 7.3.2, with the pixel format that the client asked for and an empty name)
and the framebuffer updates that followed.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from proxyd.display.ops import Rect
from proxyd.rfb.buffer import Buffer
from proxyd.rfb.decoders import DECODERS
from proxyd.rfb.decoders.base import Screen
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.pixels import PixelFormat, PixelReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.display.ops import Op
    from proxyd.rfb.buffer import Reading

_INIT = Struct(">HH16sI")
_HEAD = Struct(">BxH")
_RECT = Struct(">HHHHi")
UPDATE = 0
UNTIL_LAST_RECT = 65535


class Drawn(NamedTuple):
    """One rectangle."""

    rect: Rect
    encoding: Encoding
    ops: list[Op]


def server_init(width: int, height: int, pixel_format: PixelFormat) -> bytes:
    return _INIT.pack(width, height, pixel_format.encode(), 0)


class Replay:
    """The decoding end of a recording or of a live connection.

    Attributes:
        buffer: bytes not read yet.
        screen: size and pixel format.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = Buffer(data)
        self._decoders = {encoding: make() for encoding, make in DECODERS.items()}
        width, height, pixel_format, _ = self._whole(self.buffer.unpack(_INIT))
        self.screen = Screen(width, height, PixelReader(PixelFormat.parse(pixel_format)))

    def updates(self) -> Iterator[list[Drawn]]:
        """The rectangles of every update that the buffer holds."""
        while len(self.buffer):
            yield self._whole(self.update())

    def update(self) -> Reading[list[Drawn]]:
        """Read one update."""
        kind, count = yield from self.buffer.unpack(_HEAD)
        assert kind == UPDATE, f"a message of type {kind}"
        drawn: list[Drawn] = []
        while len(drawn) < count:
            *place, number = yield from self.buffer.unpack(_RECT)
            if number == Encoding.LAST_RECT:
                assert count == UNTIL_LAST_RECT
                break
            encoding, rect = Encoding(number), Rect(*place)
            drawn.append(
                Drawn(
                    rect,
                    encoding,
                    (yield from self._decoders[encoding].decode(self.buffer, rect, self.screen)),
                )
            )
        return drawn

    def _whole(self, reading: Reading[Any]) -> Any:
        try:
            while True:
                next(reading)
                assert not self.buffer.starved, "the recording is cut off"
        except StopIteration as done:
            return done.value
