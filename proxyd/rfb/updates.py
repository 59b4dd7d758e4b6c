"""FramebufferUpdate: its rectangles, and the pseudo-encodings that say something else (sheet section H.6)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.display.ops import Rect
from proxyd.rfb.decoders import DECODERS
from proxyd.rfb.decoders.base import Screen as Framebuffer
from proxyd.rfb.encodings import PIXEL_ENCODINGS, Encoding
from proxyd.rfb.errors import RfbError, printable
from proxyd.rfb.events import NameChanged, ResizeAnswered
from proxyd.rfb.messages import Screen
from proxyd.rfb.pixels import PixelReader
from proxyd.rfb.turn import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxyd.display.ops import Op
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.decoders.base import Decoder
    from proxyd.rfb.events import Event
    from proxyd.rfb.frames import Frames
    from proxyd.rfb.options import Options
    from proxyd.rfb.turn import Turn

__all__ = ["MAX_NAME", "Updates"]

MAX_NAME = 65536
"""Bytes of a desktop's name."""
MAX_SCREENS = 64
MAX_REPETITION = 4
"""How often one update may draw the whole picture."""

_UPDATE = Struct(">xH")
_RECT = Struct(">HHHHi")
_LENGTH = Struct(">I")
_SCREEN_COUNT = Struct(">Bxxx")
_SCREEN = Struct(">IHHHHI")
_UNTIL_LAST_RECT = 65535
_THIS_CLIENT = 1

NOWHERE = Rect(0, 0, 0, 0)
PIXELS = frozenset(PIXEL_ENCODINGS.values())
CURSORS = frozenset({Encoding.CURSOR, Encoding.X_CURSOR, Encoding.CURSOR_WITH_ALPHA, Encoding.VMWARE_CURSOR})


class Updates:
    """Reads updates and keeps what they tell of the server.

    Attributes:
        framebuffer: size and pixel format, shared with the decoders.
        screens: layout of the server's screens; empty until it tells, and then its size can be changed.
        extended_keys: the server takes QEMU key events.
        extended_buttons: the server takes nine pointer buttons.
        leds: lock states, bit 0 scroll, 1 num, 2 caps; None until the server tells.
    """

    def __init__(
        self, options: Options, buffer: Buffer, turn: Turn, frames: Frames, report: Callable[[Event], None]
    ) -> None:
        self._limits = options.limits
        self._buffer = buffer
        self._turn = turn
        self._frames = frames
        self._report = report
        self._decoders: dict[int, Decoder] = {encoding: make() for encoding, make in DECODERS.items()}
        reader = PixelReader(options.pixel_format, swap_red_blue=options.swap_red_blue)
        self.framebuffer = Framebuffer(0, 0, reader)
        self.screens: tuple[Screen, ...] = ()
        self.extended_keys = False
        self.extended_buttons = False
        self.leds: int | None = None
        self._area_left = 0
        self._pseudo: dict[int, Callable[[Rect], Reading[None]]] = {
            Encoding.DESKTOP_SIZE: self._desktop_size,
            Encoding.EXTENDED_DESKTOP_SIZE: self._extended_desktop_size,
            Encoding.DESKTOP_NAME: self._desktop_name,
            Encoding.QEMU_EXTENDED_KEY: self._extended_keys,
            Encoding.EXTENDED_MOUSE_BUTTONS: self._extended_buttons,
            Encoding.LED_STATE: self._led_state,
        }

    def resize(self, width: int, height: int) -> None:
        """The framebuffer has this size now.

        Raises:
            RfbError: it is beyond the limits.
        """
        side, pixels = self._limits.side, self._limits.pixels
        if not (0 < width <= side and 0 < height <= side and width * height <= pixels):
            raise RfbError(f"The desktop wants to be {width}x{height} pixels, which is beyond the limit.")
        if (width, height) != (self.framebuffer.width, self.framebuffer.height):
            self.framebuffer.width, self.framebuffer.height = width, height
            self._area_left = MAX_REPETITION * width * height
            self._frames.resized(width, height)

    def read(self) -> Reading[None]:
        """Read the rest of an update.

        Raises:
            RfbError: a rectangle breaks its encoding or a limit.
        """
        (count,) = yield from self._buffer.unpack(_UPDATE)
        self._frames.began()
        self._area_left = MAX_REPETITION * self.framebuffer.width * self.framebuffer.height
        done = 0
        while done < count or count == _UNTIL_LAST_RECT:
            x, y, width, height, encoding = yield from self._buffer.unpack(_RECT)
            done += 1
            if encoding == Encoding.LAST_RECT:
                break
            yield from self._rectangle(Rect(x, y, width, height), encoding)
            self._turn.spend(MESSAGE + width * height)
            if self._turn.over:
                yield from self._turn.rest()
        self._frames.ended()

    def _rectangle(self, rect: Rect, encoding: int) -> Reading[None]:
        handler = self._pseudo.get(encoding)
        if handler is not None:
            yield from handler(rect)
        elif encoding in PIXELS:
            self._check_inside(rect)
            self._frames.drew((yield from self._decode(encoding, rect)), rect)
        elif encoding in CURSORS:
            self._frames.drew((yield from self._decode(encoding, rect)), NOWHERE)
        else:
            raise RfbError(f"The desktop sent a rectangle of unknown encoding {encoding}.")

    def _decode(self, encoding: int, rect: Rect) -> Reading[Sequence[Op]]:
        decoder = self._decoders.get(encoding)
        if decoder is None:
            raise RfbError(f"The desktop sent a rectangle of encoding {encoding}, which was not offered.")
        return decoder.decode(self._buffer, rect, self.framebuffer)

    def _check_inside(self, rect: Rect) -> None:
        screen = self.framebuffer
        if rect.x + rect.width > screen.width or rect.y + rect.height > screen.height:
            raise RfbError("The desktop sent a rectangle outside of its screen.")
        self._area_left -= rect.width * rect.height
        if self._area_left < 0:
            raise RfbError("The desktop drew the same picture over and over in one update.")

    # -- pseudo-encodings ------------------------------------------------------------------------------------------

    def _desktop_size(self, rect: Rect) -> Reading[None]:
        self.resize(rect.width, rect.height)
        yield from ()

    def _extended_desktop_size(self, rect: Rect) -> Reading[None]:
        (count,) = yield from self._buffer.unpack(_SCREEN_COUNT)
        if count > MAX_SCREENS:
            raise RfbError(f"The desktop has {count} screens.")
        data = yield from self._buffer.exactly(count * _SCREEN.size)
        reason, status = rect.x, rect.y
        if reason == _THIS_CLIENT:
            self._report(ResizeAnswered(status))
        if reason != _THIS_CLIENT or status == 0:
            self.screens = tuple(Screen(*fields) for fields in _SCREEN.iter_unpack(data))
            self.resize(rect.width, rect.height)

    def _desktop_name(self, rect: Rect) -> Reading[None]:
        self._report(NameChanged((yield from read_name(self._buffer))))

    def _extended_keys(self, rect: Rect) -> Reading[None]:
        self.extended_keys = True
        yield from ()

    def _extended_buttons(self, rect: Rect) -> Reading[None]:
        self.extended_buttons = True
        yield from ()

    def _led_state(self, rect: Rect) -> Reading[None]:
        (self.leds,) = yield from self._buffer.exactly(1)


def read_name(buffer: Buffer) -> Reading[str]:
    """A desktop's name with its length before it.

    Raises:
        RfbError: it is longer than `MAX_NAME`.
    """
    (length,) = yield from buffer.unpack(_LENGTH)
    if length > MAX_NAME:
        raise RfbError(f"The desktop has a name of {length} bytes.")
    return printable((yield from buffer.exactly(length)))
