"""A VNC desktop as an instance: a thin shell between a session's desk and the RFB core."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import structlog

from proxyd.display.ops import Cursor
from proxyd.instances import vnc_parameters
from proxyd.instances.base import Notice
from proxyd.instances.files_beside import serve_files
from proxyd.instances.follow import NEVER, SizeFollower
from proxyd.instances.gateway_asker import GatewayAsker
from proxyd.instances.vnc_connection import VncConnection
from proxyd.instances.vnc_opening import DEFAULT_PORT, connect
from proxyd.instances.wake import wake_up
from proxyd.rfb.events import (
    ClipboardArrived,
    KeyMissed,
    NameChanged,
    PictureDrawn,
    ResizeAnswered,
    SessionOpened,
)
from proxyd.rfb.protocol import RfbClient
from proxyd.rfb.security.base import Credentials
from proxyd.rfb.security.rsa_aes import new_key
from proxyd.rfb.tuning import Tuning
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.display.ops import Op, Rect
    from proxyd.instances.base import Desk
    from proxyd.instances.parameters import Arguments, Parameter
    from proxyd.rfb.events import Event
    from proxyd.streams import Sink

__all__ = ["VncInstance"]

log = structlog.get_logger()

MAX_PASSWORDS = 3
"""How often a person may try."""
RETRY_AFTER = 1.0
"""Seconds between attempts of `autoretry`."""
SOON, LATER = 0.05, 0.5
"""Seconds, at least and at most, before looking again whether something rests."""
CLIPBOARD_EVERY = 0.1
"""Seconds at least between two texts from the desktop; the newest wins."""
QUALITY = "quality-level"
QUALITIES = frozenset(["", *"0123456789"])
IGNORED = ("enable-audio", "disable-server-input")

_DOT_ROWS = (" ### ", "#####", "#####", "#####", " ### ")
_DOT = b"".join(
    b"\xff\xff\xff\xff" if (x, y) == (2, 2) else b"\x00\x00\x00\xff" if mark == "#" else bytes(4)
    for y, row in enumerate(_DOT_ROWS)
    for x, mark in enumerate(row)
)
DOT = Cursor(2, 2, 5, 5, _DOT)
"""Shown where the desktop paints its own pointer."""


class VncInstance:
    """See `proxyd.instances.base.Instance`."""

    PARAMETERS: ClassVar[Sequence[Parameter]] = vnc_parameters.PARAMETERS
    EDITABLE: ClassVar[frozenset[str]] = frozenset({QUALITY})

    def __init__(self, arguments: Arguments, desk: Desk) -> None:
        self._arguments = arguments
        self._desk = desk
        self._log = log.bind(connection=desk.connection_id)
        self._options = vnc_parameters.options_from(arguments)
        self._known = Credentials(arguments.text("username") or None, arguments.text("password") or None)
        self._read_only = arguments.flag("read-only")
        self._copies = not self._read_only and not arguments.flag("disable-copy")
        self._pastes = not self._read_only and not arguments.flag("disable-paste")
        self._connection: VncConnection | None = None
        self._opened = False
        self._wanted = False  # a frame was asked for and is not complete
        level = arguments.number(QUALITY)
        # what the connection says is not the person's to change
        self._quality_is_free = level < 0 and not self._options.lossless
        self._tuning = Tuning(lossless=self._options.lossless, fixed=None if level < 0 else level)
        self._rest_timer: asyncio.TimerHandle | None = None
        self._buttons = 0
        self._follower: SizeFollower | None = None
        self._resize_timer: asyncio.TimerHandle | None = None
        self._dot_due = arguments.text("cursor") == "remote"
        self._clipboard: str | None = None
        self._clipboard_timer: asyncio.TimerHandle | None = None

    # -- life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """See `Instance.run`."""
        self._loop = asyncio.get_running_loop()
        for name in IGNORED:
            if self._arguments.flag(name):
                self._log.warning("a parameter has no effect", parameter=name)
        if not self._arguments.flag("disable-display-resize"):
            self._follower = SizeFollower(self._desk.width, self._desk.height, self._loop.time())
        await self._desk.transport.ready(GatewayAsker(self._desk))
        files = asyncio.create_task(serve_files(self._arguments, self._desk), name="files beside the desktop")
        try:
            await wake_up(self._arguments, self._desk.transport, DEFAULT_PORT)
            await self._serve()
        finally:
            files.cancel()
            await asyncio.wait([files])
            for timer in (self._resize_timer, self._clipboard_timer, self._rest_timer):
                if timer is not None:
                    timer.cancel()

    async def _serve(self) -> None:
        """Serve connections until one was open; before that, `autoretry` and the person get more attempts."""
        given = self._known
        retries, passwords = self._arguments.number("autoretry"), MAX_PASSWORDS
        while True:
            try:
                await self._converse(
                    await connect(self._arguments, self._desk.transport, self._new_connection)
                )
            except StatusError as error:
                if self._opened:
                    await self._come_back(error)
                elif error.status is Status.CLIENT_UNAUTHORIZED:
                    passwords -= 1
                    if not passwords or self._known == given:
                        raise
                    self._known = given
                elif retries:
                    retries -= 1
                    await asyncio.sleep(RETRY_AFTER)
                else:
                    raise

    async def _come_back(self, error: StatusError) -> None:
        """Find the way again where it was the way that was lost; the picture stays meanwhile.

        Raises:
            StatusError: the desktop itself is gone.
        """
        loss = await self._desk.transport.loss()
        if loss is None:
            raise error
        self._log.warning("the way to the desktop was lost", reason=loss.message)
        self._opened = False
        self._desk.notice(Notice.WAY_LOST)
        await self._desk.transport.ready(GatewayAsker(self._desk))

    def _new_connection(self) -> VncConnection:
        client = RfbClient(self._options, self._known)
        client.ask_quality(self._tuning.level)
        return VncConnection(client, self._handle)

    async def _converse(self, connection: VncConnection) -> None:
        """Serve one connection; returns where it was lost while a person typed."""
        self._connection = connection
        try:
            if self._wanted:
                connection.request_frame(None)
            while True:
                question = await connection.question()
                if isinstance(question, KeyMissed):
                    connection.give_key(await asyncio.to_thread(new_key))
                    continue
                self._known = self._known.completed(await self._desk.ask(question.names))
                if connection.failed:
                    return
                connection.give_credentials(self._known)
        finally:
            self._connection = None
            connection.close()

    # -- what the server says --------------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        match event:
            case PictureDrawn(ops, last):
                self._drawn(ops, last)
            case SessionOpened():
                self._session_opened(event)
            case NameChanged(name):
                self._desk.title(name)
            case ClipboardArrived():
                self._clipboard_arrived(event)
            case ResizeAnswered(status) if status:
                self._log.info("the desktop keeps its size", status=status)

    def _drawn(self, ops: list[Op], last: bool) -> None:
        if self._dot_due:
            self._dot_due = False
            ops = [DOT, *ops]
        now = self._loop.time()
        self._tuning.drew(ops, now)
        if last:
            self._wanted = False
            self._tuning.completed(self._desk.lag, now)
            self._apply_level()
        self._desk.draw(ops, last=last, merged=1)
        self._follow()

    def _apply_level(self) -> None:
        if self._connection is not None:
            self._connection.ask_quality(self._tuning.level)

    def _touch_up(self) -> Rect | None:
        """The region to draw exactly now, which is asked for from here on; None if there is none."""
        region = self._tuning.touch_up(self._desk.lag, self._loop.time())
        if region is not None:
            self._apply_level()
        return region

    def _await_rest(self) -> None:
        """While the server has nothing new, look again when something may rest."""
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None
        now = self._loop.time()
        due = self._tuning.due(now)
        if self._wanted and due < NEVER:
            delay = min(max(due - now, SOON), LATER)
            self._rest_timer = self._loop.call_later(delay, self._rest)

    def _rest(self) -> None:
        if self._wanted and self._connection is not None:
            region = self._touch_up()
            if region is not None:
                self._connection.request_frame(region)
            self._await_rest()

    def _session_opened(self, event: SessionOpened) -> None:
        self._opened = True
        self._log.info(
            "desktop opened",
            width=event.width,
            height=event.height,
            security=event.security,
            fingerprint=event.fingerprint,
        )
        if self._quality_is_free:
            self._desk.argument(QUALITY, "")

    def _clipboard_arrived(self, event: ClipboardArrived) -> None:
        if event.truncated:
            self._log.warning("the desktop's clipboard was cut at clipboard-buffer-size")
            self._desk.notice(Notice.CLIPBOARD_CUT)
        if not self._copies:
            return
        self._clipboard = event.text
        if self._clipboard_timer is None:
            self._pass_clipboard()

    def _pass_clipboard(self) -> None:
        """Show the newest text, and no other before some time has passed."""
        self._clipboard_timer = None
        if self._clipboard is not None:
            self._desk.clipboard(self._clipboard)
            self._clipboard = None
            self._clipboard_timer = self._loop.call_later(CLIPBOARD_EVERY, self._pass_clipboard)

    # -- what the session says -------------------------------------------------------------------------------------

    def request_frame(self, region: Rect | None) -> None:
        """See `Instance.request_frame`."""
        self._wanted = True
        if self._connection is None:
            return
        if region is None:
            region = self._touch_up()
        else:
            self._tuning.interrupted(self._desk.lag, self._loop.time())
            self._apply_level()
        self._connection.request_frame(region)
        self._await_rest()

    def key(self, keysym: int, pressed: bool) -> None:
        """See `Instance.key`."""
        if self._connection is not None and not self._read_only:
            self._connection.key(keysym, pressed)
            if pressed:
                self._desk.hurry()

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """See `Instance.pointer`."""
        if self._connection is not None and not self._read_only:
            self._connection.pointer(x, y, buttons)
            if buttons & ~self._buttons:
                self._desk.hurry()
            self._buttons = buttons

    def resize(self, width: int, height: int) -> None:
        """See `Instance.resize`."""
        if self._follower is not None and not self._read_only:
            self._follower.want(width, height, self._loop.time())
            self._follow()

    def paste(self, text: str) -> None:
        """See `Instance.paste`."""
        if self._connection is not None and self._pastes:
            self._connection.paste(text)

    def change(self, name: str, value: str) -> None:
        """Keep to a JPEG level, "0" to "9", or follow the motion again, "". What makes no sense changes nothing."""
        if not self._quality_is_free or value not in QUALITIES:
            return
        self._tuning.fix(int(value) if value else None, self._desk.lag, self._loop.time())
        self._apply_level()
        self._desk.argument(name, value)

    def open_input(self, name: str) -> Sink:
        """See `Instance.open_input`: a desktop reads no streams."""
        raise StatusError(Status.UNSUPPORTED, "Named pipes unsupported")

    def _follow(self) -> None:
        """Ask for the size of the owner's window where that is due."""
        connection, follower = self._connection, self._follower
        if connection is None or follower is None or not connection.client.can_resize:
            return
        if self._resize_timer is not None:
            self._resize_timer.cancel()
            self._resize_timer = None
        now = self._loop.time()
        size = follower.ask(connection.client.size, now)
        if size is not None:
            connection.resize(*size)
        elif follower.due < NEVER:
            self._resize_timer = self._loop.call_later(max(follower.due - now, 0.001), self._follow)
