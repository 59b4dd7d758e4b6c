"""The RFB client without I/O: bytes in, events and bytes out.

    client = RfbClient(options, credentials)
    for event in client.receive(data):
        ...
    transport.write(client.data_to_send())

While `wants_bytes` is False the caller feeds nothing; while `busy`, it calls `receive(b"")` again after others had a turn.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.rfb import encodings, messages
from proxyd.rfb.clipboard import Clipboard
from proxyd.rfb.encodings import JPEG_QUALITY, Encoding
from proxyd.rfb.errors import ClosedError, RfbError
from proxyd.rfb.events import (
    ClipboardArrived,
    CredentialsMissed,
    KeyMissed,
    NameChanged,
    ResizeAnswered,
    SessionOpened,
)
from proxyd.rfb.frames import Frames
from proxyd.rfb.handshake import Handshake
from proxyd.rfb.keyboard import Keyboard
from proxyd.rfb.link import Link
from proxyd.rfb.messages import FenceFlag
from proxyd.rfb.turn import MESSAGE, Turn
from proxyd.rfb.updates import Updates

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from proxyd.display.ops import Rect
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.events import Event
    from proxyd.rfb.options import Options
    from proxyd.rfb.security.base import Credentials

__all__ = ["RfbClient"]

MAX_FENCE = 64
MAX_WAITING = 65536
"""Bytes a server may send while it waits for an answer of ours."""

CURSORS = (Encoding.VMWARE_CURSOR, Encoding.CURSOR_WITH_ALPHA, Encoding.CURSOR, Encoding.X_CURSOR)
PSEUDO = (
    Encoding.LAST_RECT,
    Encoding.DESKTOP_SIZE,
    Encoding.EXTENDED_DESKTOP_SIZE,
    Encoding.DESKTOP_NAME,
    Encoding.QEMU_EXTENDED_KEY,
    Encoding.LED_STATE,
    Encoding.EXTENDED_MOUSE_BUTTONS,
    Encoding.FENCE,
    Encoding.EXTENDED_CLIPBOARD,
)
"""What else we understand. No ContinuousUpdates: requests let the viewers' pace throttle the server."""

_COLOUR_MAP = Struct(">xHH")
_COLOUR = Struct(">HHH")
_FENCE = Struct(">xxxIB")


class RfbClient:
    """One connection to a VNC server.

    Attributes:
        open: the handshake is over.
        quality: JPEG level 0..9 asked for; None asks for no JPEG.
        can_fence: the server answers `ping`.
        pings_unanswered: how many it owes.
    """

    def __init__(self, options: Options, known: Credentials) -> None:
        """Make a client that waits for the server's version."""
        self._options = options
        self._link = Link()
        self._turn = Turn()
        self._events: list[Event] = []
        self._newest: dict[type, Event] = {}  # events of which only the last one matters
        self._frames = Frames(self._link.send, self._report)
        self._updates = Updates(options, self._link.buffer, self._turn, self._frames, self._report)
        self._clipboard = Clipboard(options, self._link.buffer, self._link.send, self._report)
        self._handshake = Handshake(self._link, options, known, self._report)
        self._keyboard = Keyboard()
        self._messages: dict[int, Callable[[], Reading[None]]] = {
            0: self._framebuffer_update,
            1: self._set_colour_map_entries,
            2: self._bell,
            3: self._clipboard.read,
            150: self._end_of_continuous_updates,
            248: self._fence,
        }
        self._reading = self._conversation()
        self._failure: RfbError | None = None
        self.open = False
        self._waiting = False
        self._inside = True
        self.quality: int | None = None
        self.can_fence = False
        self.pings_unanswered = 0

    # -- bytes -----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes from the server and return what happened.

        Raises:
            RfbError: the server broke the protocol or a limit, or refused. Every later call raises it again.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._link.feed(data)
            self._advance()
        except RfbError as error:
            self._failure = error
            raise
        return self._taken()

    def closed(self) -> RfbError:
        """The server closed the connection: why that ends the session."""
        when = "ended the session" if self.open else "closed the connection before it let anybody in"
        reason = RfbError(f"The desktop {when}.")
        try:
            self._reading.throw(ClosedError(reason.message))
        except RfbError as error:
            return error
        return reason

    def data_to_send(self) -> bytes:
        """Bytes for the server; they are not kept."""
        return self._link.taken()

    @property
    def wants_bytes(self) -> bool:
        """Whether more bytes are welcome: not while an answer is awaited, an update is held, or work is left."""
        return not (self._waiting or self._frames.held or self.busy)

    @property
    def busy(self) -> bool:
        """Whether `receive(b"")` would go on."""
        return self._turn.over and self._failure is None

    @property
    def inside(self) -> bool:
        """Whether the server owes the rest of a message, or anything of the handshake."""
        return self._inside

    # -- answers ---------------------------------------------------------------------------------------------------

    def give_credentials(self, credentials: Credentials) -> list[Event]:
        """Answer `CredentialsMissed`; see `receive`."""
        self._handshake.known = credentials
        self._waiting = False
        return self.receive(b"")

    def give_key(self, key: RSAPrivateKey) -> list[Event]:
        """Answer `KeyMissed`; see `receive`."""
        self._handshake.give_key(key)
        self._waiting = False
        return self.receive(b"")

    # -- what the session wants ------------------------------------------------------------------------------------

    def request_frame(self, region: Rect | None) -> list[Event]:
        """The next frame is wanted; answered by `PictureDrawn` events up to one with `last`. See `receive`."""
        self._frames.request(region)
        return self.receive(b"")

    def settle(self) -> list[Event]:
        """The server has been silent for seconds: take what it drew for the frame. See `receive`."""
        self._frames.settle()
        return self.receive(b"")

    def key(self, keysym: int, pressed: bool) -> None:
        """A key went down or up."""
        if self.open:
            state = self._updates
            self._link.send(
                self._keyboard.key(keysym, pressed, extended=state.extended_keys, leds=state.leds)
            )

    def release_keys(self) -> None:
        """Let go of every key."""
        self._link.send(self._keyboard.release_all())

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """The pointer, pixels of the framebuffer; it is kept inside. 9 buttons, bits 7 and 8 are back and forward."""
        if self.open:
            screen = self._updates.framebuffer
            x, y = min(max(x, 0), screen.width - 1), min(max(y, 0), screen.height - 1)
            extended = self._updates.extended_buttons
            message = messages.pointer_event_extended if extended else messages.pointer_event
            self._link.send(message(x, y, buttons))

    def paste(self, text: str) -> None:
        """Put text on the server's clipboard."""
        if self.open:
            self._clipboard.paste(text)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the framebuffer; zero before the session is open."""
        return self._updates.framebuffer.width, self._updates.framebuffer.height

    @property
    def can_resize(self) -> bool:
        """Whether the server takes SetDesktopSize."""
        return bool(self._updates.screens)

    def resize(self, width: int, height: int) -> None:
        """Ask for another size of the framebuffer; one screen, its id and flags kept."""
        if self.can_resize:
            first = self._updates.screens[0]
            screen = messages.Screen(first.id, 0, 0, width, height, first.flags)
            self._link.send(messages.set_desktop_size(width, height, [screen]))

    def ask_quality(self, level: int | None) -> None:
        """Ask for another JPEG level for what is drawn from now on, 0 to 9; None asks for no JPEG.

        What a server sends as true colours all the same may be shown as JPEG of that level.
        """
        if level != self.quality:
            self.quality = level
            self._updates.framebuffer.quality = 0 if level is None else JPEG_QUALITY[level]
            if self.open:
                self._link.send(messages.set_encodings(self._offer()))

    def ping(self) -> None:
        """Ask for a sign of life; `pings_unanswered` counts what is outstanding."""
        if self.can_fence:
            self.pings_unanswered += 1
            self._link.send(messages.client_fence(FenceFlag.REQUEST | FenceFlag.BLOCK_BEFORE, b"ping"))

    # -- the conversation ------------------------------------------------------------------------------------------

    def _report(self, event: Event) -> None:
        if isinstance(event, ClipboardArrived | NameChanged | ResizeAnswered):
            self._newest[type(event)] = event
        else:
            self._events.append(event)
            self._waiting |= isinstance(event, CredentialsMissed | KeyMissed)

    def _taken(self) -> list[Event]:
        events = [*self._events, *self._newest.values()]
        self._events.clear()
        self._newest.clear()
        return events

    def _advance(self) -> None:
        self._turn.begin()
        if self._waiting and len(self._link.buffer) > MAX_WAITING:
            raise RfbError("The desktop sent more than it may before anybody was let in.")
        while True:
            next(self._reading)
            if self._link.buffer.starved or self._waiting or self._frames.held or self._turn.over:
                return
            self._turn.interrupted()

    def _conversation(self) -> Reading[None]:
        opening = yield from self._handshake.run()
        self.open = True
        self._link.send(messages.set_pixel_format(self._options.pixel_format))
        self._link.send(messages.set_encodings(self._offer()))
        self._updates.resize(opening.width, opening.height)
        self._events.append(
            SessionOpened(
                opening.width, opening.height, self._handshake.security, self._handshake.fingerprint
            )
        )
        self._report(NameChanged(opening.name))
        while True:
            while self._frames.held:
                yield
            yield from self._message()

    def _message(self) -> Reading[None]:
        self._inside = False
        (number,) = yield from self._link.buffer.exactly(1)
        self._inside = True
        handler = self._messages.get(number)
        if handler is None:
            raise RfbError(f"The desktop sent a message of unknown type {number}.")
        yield from handler()
        self._inside = False
        self._turn.spend(MESSAGE)
        yield from self._turn.rest()

    def _offer(self) -> list[int]:
        """Numbers for SetEncodings, best first."""
        options = self._options
        offered: list[int] = list(options.encodings)
        if self.quality is not None and not options.lossless and not options.swap_red_blue:
            offered.append(encodings.quality(self.quality))
        if options.compression is not None:
            offered.append(encodings.compression(options.compression))
        if options.local_cursor:
            offered.extend(CURSORS)
        return [*offered, *PSEUDO]

    # -- messages of the server ------------------------------------------------------------------------------------

    def _framebuffer_update(self) -> Reading[None]:
        return self._updates.read()

    def _set_colour_map_entries(self) -> Reading[None]:
        first, count = yield from self._link.buffer.unpack(_COLOUR_MAP)
        data = yield from self._link.buffer.exactly(count * _COLOUR.size)
        self._updates.framebuffer.pixels.set_colours(first, list(_COLOUR.iter_unpack(data)))

    def _bell(self) -> Reading[None]:
        yield from ()

    def _end_of_continuous_updates(self) -> Reading[None]:
        yield from ()

    def _fence(self) -> Reading[None]:
        flags, length = yield from self._link.buffer.unpack(_FENCE)
        if length > MAX_FENCE:
            raise RfbError(f"The desktop sent a fence of {length} bytes.")
        payload = yield from self._link.buffer.exactly(length)
        self.can_fence = True
        if flags & FenceFlag.REQUEST:
            known = FenceFlag.BLOCK_BEFORE | FenceFlag.BLOCK_AFTER | FenceFlag.SYNC_NEXT
            self._link.send(messages.client_fence(flags & known, payload))
        else:
            self.pings_unanswered = 0
