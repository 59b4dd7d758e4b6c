"""One connection to a VNC server: the RFB core on an asyncio transport, with its deadlines and its back-pressure."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import CredentialsMissed, KeyMissed
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from proxyd.display.ops import Rect
    from proxyd.rfb.events import Event
    from proxyd.rfb.protocol import RfbClient
    from proxyd.rfb.security.base import Credentials
    from proxyd.wire.status import StatusError

__all__ = ["VncConnection"]

HANDSHAKE_DEADLINE = 15.0
"""Seconds for the handshake, the person's time to type a password not counted."""
STALL_DEADLINE = 30.0
"""Seconds without a byte in the middle of a message."""
PING_AFTER = 30.0
"""Seconds of silence after which the server is asked for a sign of life, where it can give one."""
PING_DEADLINE = 30.0
SETTLED_AFTER = 3.0
"""Seconds of silence after which a server will not draw the rest of what it was asked for."""
KEEP_ALIVE_AFTER = 60
"""Seconds of silence after which the kernel asks for a sign of life."""
CHECK_EVERY = 5.0
CONGESTED = 4096
"""Bytes not yet sent from which pointer motion is merged."""
MAX_UNSENT = 1 << 20
"""Bytes not yet sent at which the server counts as not listening any more."""

Pointer = tuple[int, int, int]


class VncConnection(asyncio.Protocol):
    """Bytes between a transport and an `RfbClient`; events go to `handle`.

    Questions of the server come from `question` and are answered by `give_credentials` and `give_key`.
    """

    def __init__(self, client: RfbClient, handle: Callable[[Event], None]) -> None:
        self.client = client
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._events: deque[Event] = deque()
        self._handling = False
        self._questions: asyncio.Queue[CredentialsMissed | KeyMissed | None] = asyncio.Queue()
        self._failure: StatusError | None = None
        self._congested = False
        self._buttons = 0
        self._motion: Pointer | None = None  # the newest that congestion kept back
        self._heard = self._began = self._loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self._asking = False

    # -- asyncio's side --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=CONGESTED)
        _keep_alive(transport.get_extra_info("socket"))
        self._began = self._heard = self._loop.time()
        self._check()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._heard = self._loop.time()
        self._do(lambda: self.client.receive(data))

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        self._fail(self.client.closed())

    def pause_writing(self) -> None:
        """The server is slower than we are: merge pointer motion."""
        self._congested = True

    def resume_writing(self) -> None:
        """The server keeps up again."""
        self._congested = False
        if self._motion is not None:
            motion, self._motion = self._motion, None
            self.pointer(*motion)

    # -- the instance's side ---------------------------------------------------------------------------------------

    async def question(self) -> CredentialsMissed | KeyMissed:
        """The server's next question.

        Raises:
            StatusError: the connection ended; the text says why.
        """
        question = await self._questions.get()
        if question is None:
            assert self._failure is not None
            raise self._failure
        return question

    @property
    def failed(self) -> bool:
        """Whether the connection ended."""
        return self._failure is not None

    def give_credentials(self, credentials: Credentials) -> None:
        """Answer `CredentialsMissed`."""
        self._answered()
        self._do(lambda: self.client.give_credentials(credentials))

    def give_key(self, key: RSAPrivateKey) -> None:
        """Answer `KeyMissed`."""
        self._answered()
        self._do(lambda: self.client.give_key(key))

    def request_frame(self, region: Rect | None) -> None:
        """Ask for the next frame."""
        self._do(lambda: self.client.request_frame(region))

    def ask_quality(self, level: int | None) -> None:
        """Ask for another JPEG level, None for exact pixels."""
        self.client.ask_quality(level)
        self._flush()

    def key(self, keysym: int, pressed: bool) -> None:
        """A key went down or up."""
        self._flush_motion()
        self.client.key(keysym, pressed)
        self._flush()

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """The pointer; motion that the server is too slow for is merged, button changes never."""
        if self._congested and buttons == self._buttons:
            self._motion = (x, y, buttons)
            return
        self._flush_motion()
        self._buttons = buttons
        self.client.pointer(x, y, buttons)
        self._flush()

    def paste(self, text: str) -> None:
        """Put text on the server's clipboard."""
        self.client.paste(text)
        self._flush()

    def resize(self, width: int, height: int) -> None:
        """Ask for another size of the desktop."""
        self.client.resize(width, height)
        self._flush()

    def close(self) -> None:
        """Let go of keys and buttons, then of the connection."""
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            transport, self._transport = self._transport, None
            if not self.failed:
                self.client.release_keys()
                transport.write(self.client.data_to_send())
            transport.close()

    # -- within ----------------------------------------------------------------------------------------------------

    def _do(self, act: Callable[[], Iterable[Event]]) -> None:
        if self.failed:
            return
        try:
            self._events.extend(act())
        except RfbError as error:
            self._fail(error)
            return
        self._drain()
        self._flush()
        self._steer()

    def _drain(self) -> None:
        """Handle events in order, those that handling causes behind the others."""
        if self._handling:
            return
        self._handling = True
        try:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, CredentialsMissed | KeyMissed):
                    self._asking = True
                    self._questions.put_nowait(event)
                else:
                    self._handle(event)
        finally:
            self._handling = False

    def _flush(self) -> None:
        data = self.client.data_to_send()
        if not data or self._transport is None or self.failed:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._fail(RfbError("The desktop does not take input any more.", Status.UPSTREAM_TIMEOUT))

    def _flush_motion(self) -> None:
        if self._motion is not None:
            motion, self._motion = self._motion, None
            self.client.pointer(*motion)

    def _steer(self) -> None:
        """Read only while bytes are welcome; come back for work that was put off."""
        if self._transport is None:
            return
        if self.client.wants_bytes:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
        if self.client.busy:
            self._loop.call_soon(self._do, lambda: self.client.receive(b""))

    def _answered(self) -> None:
        self._asking = False
        self._began = self._heard = self._loop.time()

    def _check(self) -> None:
        """Deadlines."""
        now = self._loop.time()
        self._watch = self._loop.call_later(CHECK_EVERY, self._check)
        silent = now - self._heard
        if self._asking or not self.client.wants_bytes:
            return
        if not self.client.open:
            if now - self._began > HANDSHAKE_DEADLINE:
                self._fail(RfbError("The desktop did not finish its greeting.", Status.UPSTREAM_TIMEOUT))
        elif self.client.inside:
            if silent > STALL_DEADLINE:
                self._fail(
                    RfbError("The desktop stopped in the middle of a picture.", Status.UPSTREAM_TIMEOUT)
                )
        elif silent > PING_AFTER + PING_DEADLINE and self.client.pings_unanswered:
            self._fail(RfbError("The desktop does not answer any more.", Status.UPSTREAM_TIMEOUT))
        elif silent > PING_AFTER and not self.client.pings_unanswered:
            self.client.ping()
            self._flush()
        elif silent > SETTLED_AFTER:
            self._do(self.client.settle)

    def _fail(self, error: StatusError) -> None:
        if self._failure is None:
            self._failure = error
            self._questions.put_nowait(None)
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            transport, self._transport = self._transport, None
            transport.abort()


def _keep_alive(connection: socket.socket | None) -> None:
    """Let the kernel find out about machines that are gone without a word; a tunnel has no socket of its own."""
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_AFTER)
