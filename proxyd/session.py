"""One running instance and the viewers who look at it. Knows no sockets and no protocol of the instance."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from proxyd.display.emit import stream
from proxyd.display.pump import Pump
from proxyd.instances.base import Notice
from proxyd.viewer import MSG_SINCE, plain
from proxyd.wire.instruction import encode
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor

    from proxyd.display.ops import Op
    from proxyd.files import BinaryReader, Filesystem, Pipe
    from proxyd.instances.base import Instance, Prompt
    from proxyd.instances.host_keys import HostKeyFiles
    from proxyd.instances.parameters import Arguments
    from proxyd.recording import Recording
    from proxyd.transport.choice import Ways
    from proxyd.viewer import Viewer
    from proxyd.wire.handshake import ClientInfo

__all__ = ["Facilities", "Session"]

USER_JOINED, USER_LEFT = 1, 2
"""Codes of `msg`."""
LINK = 0x4001
"""Ours: a URI follows that a person clicked."""
PROMPT = 0x4003
"""Ours: the words of the question that `required` asks next follow, and whether the answer is secret."""
MAX_PROMPT = 4096
"""Characters of a question that are passed on."""
MAX_LINK = 2048
"""Characters of a URI that are passed on; a longer one is not."""
TIDY_SECONDS = 2.0
"""How long stopped transfers have to remove what they left."""
MAX_TITLE = 1024
"""Characters of a title that are passed on."""
REQUIRED_SINCE = (1, 3, 0)
OWNER_AWAY = StatusError(Status.SESSION_CLOSED, "The person who shared this session left.", Hop.SESSION)
NOBODY_CAME = StatusError(Status.SESSION_TIMEOUT, "Nobody came back to this session.", Hop.SESSION)


@dataclass(frozen=True)
class Facilities:
    """What all sessions of a worker share.

    Attributes:
        ways: how instances are reached.
        pool: encoding threads.
        host_key_files: what is known of instances' host keys.
    """

    ways: Ways
    pool: Executor
    host_key_files: HostKeyFiles


class Session:
    """One connection to an instance; the `Desk` that the instance works at.

    It lives until the instance ends it or the last viewer leaves. Where `detach-timeout` says so it outlives its viewers:
    it is kept for so long while its owner is away, and ends when the owner says `disconnect`.

    Attributes:
        detached_since: when its owner left, seconds of the loop's clock; None while an owner looks.
    """

    def __init__(
        self,
        connection_id: str,
        kind: type[Instance],
        arguments: Arguments,
        client: ClientInfo,
        facilities: Facilities,
        recording: Recording | None = None,
    ) -> None:
        """Make a session that has not begun: `run` begins it.

        Args:
            connection_id: `$` and a UUID.
            kind: what to connect to.
            arguments: the owner's connection parameters.
            client: what the owner's browser said of itself.
            facilities: what the worker lends.
            recording: where to write what happens, if anywhere.
        """
        self.connection_id = connection_id
        self.width, self.height, self.dpi = client.width, client.height, client.dpi
        self.timezone = client.timezone
        self.transport = facilities.ways.choose(arguments, connection_id)
        self.host_key_files = facilities.host_key_files
        self.viewers: list[Viewer] = []
        self.arguments = arguments
        self.log = structlog.get_logger().bind(connection=connection_id)
        self.detached_since: float | None = None
        self._keep = arguments.number("detach-timeout")
        self._word = arguments.text("session-owner").encode()
        self._given_up: asyncio.TimerHandle | None = None
        self._opened = False
        self._filesystem: Filesystem | None = None
        self._unseen_clipboard: str | None = None
        self._title = ""
        self._announced: dict[str, str] = {}
        self._ending: set[asyncio.Task[None]] = set()  # transfers that were stopped
        self._questions: dict[str, asyncio.Future[str]] = {}
        self._prompt: Prompt | None = None
        self._ended = asyncio.Event()
        self._failure: StatusError | None = None
        self.instance = kind(arguments, self)
        self._recording = recording
        tap = None if recording is None or arguments.flag("recording-exclude-output") else recording.write
        self.pump = Pump(self.instance.request_frame, facilities.pool, self._broken, tap)

    @property
    def reference(self) -> str:
        """Four characters that stand on the person's screen and in every log line about this session."""
        return self.connection_id[1:5].upper()

    # -- life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the instance until it ends or nobody looks any more, then say goodbye to everybody."""
        serving = asyncio.create_task(self.instance.run(), name=f"instance {self.connection_id}")
        ending = asyncio.create_task(self._ended.wait(), name=f"end of {self.connection_id}")
        recording = asyncio.create_task(self._record(), name=f"recording of {self.connection_id}")
        try:
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ended.set()
            self._stop_waiting()
            self.pump.close()
            await self._end_transfers()
            for task in (serving, ending, recording):
                task.cancel()
            await asyncio.wait({ending, recording})
            self._failure = await self._outcome(serving) or self._failure
            self._goodbye()

    async def _end_transfers(self) -> None:
        """Stop what viewers have under way, while there is an instance to tidy up on."""
        for viewer in self.viewers:
            self._ending |= viewer.transfers.close()
        if self._ending:
            await asyncio.wait(self._ending, timeout=TIDY_SECONDS)

    async def _record(self) -> None:
        if self._recording is not None:
            await self._recording.run()
            self.notice(Notice.RECORDING_STOPPED)

    async def _outcome(self, serving: asyncio.Task[None]) -> StatusError | None:
        try:
            await serving
        except asyncio.CancelledError:
            return None
        except StatusError as error:
            return error
        except Exception:
            self.log.exception("the instance failed in a way nobody foresaw")
            return StatusError(Status.SERVER_ERROR, "Fanlight had a problem on its side.")
        return None

    def _goodbye(self) -> None:
        for viewer in list(self.viewers):
            viewer.close(self._failure, self.reference)
        if self._failure is None:
            self.log.info("session ended")
        else:
            failure = self._failure
            self.log.warning(
                "session failed", hop=failure.hop.value, status=failure.status.name, reason=failure.message
            )

    def end(self, reason: StatusError | None = None) -> None:
        """End the session for everybody."""
        self._failure = self._failure or reason
        self._ended.set()

    def _broken(self, error: BaseException) -> None:
        self.log.warning("a picture cannot be drawn", error=type(error).__name__)
        self.end(StatusError(Status.UPSTREAM_ERROR, "The instance sent a picture that cannot be drawn."))

    # -- viewers ---------------------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the session is over or ending."""
        return self._ended.is_set()

    def join(self, viewer: Viewer) -> None:
        """A viewer completed its handshake."""
        self.viewers.append(viewer)
        if self._title:
            viewer.send(encode("name", self._title))
        for name, value in self._announced.items():
            viewer.send(_argv(viewer, name, value))
        if viewer.owner:
            self._welcome(viewer)
        self.pump.add(viewer)
        self._tell_owners(USER_JOINED, viewer)

    def _tell_owners(self, what: int, guest: Viewer) -> None:
        """Every window of the owner's hears who came or went; another window of theirs is no guest."""
        for viewer in self.viewers:
            if viewer.owner and not guest.owner:
                _tell_of(viewer, what, guest)

    def _welcome(self, viewer: Viewer) -> None:
        """The owner looks from this window on: say what happened meanwhile, and take the window's size."""
        if self._opened:
            away = 0.0 if self.detached_since is None else self.pump.seconds - self.detached_since
            self.log.info("session resumed", away=round(away))
            viewer.tell(Notice.RESUMED, round(away))
            for other in self.viewers:
                if not other.owner:
                    _tell_of(viewer, USER_JOINED, other)
        self._opened = True
        self.detached_since = None
        self._stop_waiting()
        if self._filesystem is not None:
            viewer.transfers.expose(self._filesystem)
        if self._unseen_clipboard is not None:
            viewer.send(_clipboard(viewer, self._unseen_clipboard))
            self._unseen_clipboard = None
        open_questions = [name for name, answer in self._questions.items() if not answer.done()]
        if open_questions:
            self._question(viewer, open_questions)
        self.follow_size()

    def leave(self, viewer: Viewer, *, on_purpose: bool = False) -> None:
        """A viewer's connection is gone; `on_purpose` if it said so."""
        if viewer not in self.viewers:
            return
        self.viewers.remove(viewer)
        self._let_go(viewer)
        self._ending |= viewer.transfers.close()
        self.pump.remove(viewer)
        self._tell_owners(USER_LEFT, viewer)
        if not self._keep:
            if not self.viewers:
                self.end()
        elif viewer.owner:
            if on_purpose:
                self.end()
            elif self.owner is None:
                self._detach()
            else:
                self.follow_size()

    def _let_go(self, viewer: Viewer) -> None:
        """Release what a viewer held down."""
        if self.ended:
            return
        for keysym in viewer.pressed:
            self.instance.key(keysym, False)
        x, y, mask = viewer.pointer
        if mask:
            self.instance.pointer(x, y, 0)

    def _detach(self) -> None:
        """The owner is away: nobody else looks meanwhile, and after a while nobody is waited for."""
        if self.ended:
            return
        self.detached_since = self.pump.seconds
        self.log.info("session detached", seconds=self._keep)
        for viewer in list(self.viewers):
            viewer.close(OWNER_AWAY, self.reference)
            self.leave(viewer)
        self._given_up = asyncio.get_running_loop().call_later(self._keep, self.end, NOBODY_CAME)

    def _stop_waiting(self) -> None:
        if self._given_up is not None:
            self._given_up.cancel()
            self._given_up = None

    def admits(self, word: str) -> bool:
        """Whether it is the owner who comes, judged by their word; a guest has none.

        Raises:
            StatusError: the session is over or somebody else's (RESOURCE_NOT_FOUND), or its owner is away and a guest
                comes (RESOURCE_CLOSED).
        """
        if self.ended:
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such connection.")
        if not word:
            if self.detached_since is not None:
                raise StatusError(
                    Status.RESOURCE_CLOSED, "The person who shares this session is away.", Hop.SESSION
                )
            return False
        if not self._word or not hmac.compare_digest(self._word, word.encode()):
            self.log.warning("somebody else's session was asked for")
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such connection.")
        return True

    @property
    def owner(self) -> Viewer | None:
        """Who opened the session, while there: the window that came last."""
        return next((viewer for viewer in reversed(self.viewers) if viewer.owner), None)

    def follow_size(self) -> None:
        """Give the instance the size of the window that decides: the owner's, else that of the first who may touch."""
        first = next((viewer for viewer in self.viewers if not viewer.read_only), None)
        viewer = self.owner or first
        if viewer is None:
            return
        if viewer.size != (self.width, self.height):
            self.width, self.height = viewer.size
            self.instance.resize(self.width, self.height)
        if viewer.info.dpi != self.dpi:
            self.dpi = viewer.info.dpi
            if "font-size" in self._announced:  # points stay, pixels change
                self.instance.change("font-size", self._announced["font-size"])

    # -- what viewers do -----------------------------------------------------------------------------------------------

    def key(self, viewer: Viewer, keysym: int, pressed: bool) -> None:
        """A viewer pressed or released a key."""
        (viewer.pressed.add if pressed else viewer.pressed.discard)(keysym)
        self.instance.key(keysym, pressed)
        if self._recording is not None and self.arguments.flag("recording-include-keys"):
            self._recording.write(encode("key", keysym, int(pressed), self.pump.now))

    def paste(self, text: str) -> None:
        """A viewer put text on the clipboard."""
        self.instance.paste(text)
        if self._recording is not None and self.arguments.flag("recording-include-clipboard"):
            data = text.encode("utf-8", "replace")
            self._recording.write(encode("clipboard", 0, "text/plain") + stream(0, data))

    def pointer(self, viewer: Viewer, x: int, y: int, buttons: int) -> None:
        """A viewer moved the pointer or a button; the others see where it points."""
        viewer.pointer = x, y, buttons
        self.instance.pointer(x, y, buttons)
        if self._recording is not None and not self.arguments.flag("recording-exclude-mouse"):
            self._recording.write(encode("mouse", x, y, buttons, self.pump.now))
        if len(self.viewers) > 1:
            shown = encode("mouse", x, y)
            for other in self.viewers:
                if other is not viewer:
                    other.send(shown)

    # -- Desk: what the instance calls -------------------------------------------------------------------------------

    @property
    def lag(self) -> float:
        """See `Desk.lag`."""
        return self.pump.lag

    def draw(self, ops: Iterable[Op], *, last: bool = True, merged: int = 0) -> None:
        """See `Desk.draw`."""
        self.pump.draw(ops, last=last, merged=merged)

    def accepts(self, mimetype: str) -> bool:
        """See `Desk.accepts`."""
        return self.pump.accepts(mimetype)

    def hurry(self) -> None:
        """See `Desk.hurry`."""
        self.pump.hurry()

    def title(self, text: str) -> None:
        """See `Desk.title`."""
        self._title = plain(text[:MAX_TITLE])
        self._broadcast(encode("name", self._title))

    def clipboard(self, text: str) -> None:
        """See `Desk.clipboard`."""
        if self.detached_since is not None:
            self._unseen_clipboard = text
        for viewer in self.viewers:
            viewer.send(_clipboard(viewer, text))

    def notice(self, what: Notice, *details: int) -> None:
        """See `Desk.notice`."""
        for viewer in self.viewers:
            viewer.tell(what, *details)

    def link(self, uri: str) -> None:
        """See `Desk.link`: whoever may only look did not click."""
        for viewer in self.viewers:
            if viewer.info.version >= MSG_SINCE and not viewer.read_only and len(uri) <= MAX_LINK:
                viewer.send(encode("msg", LINK, plain(uri)))

    def argument(self, name: str, value: str) -> None:
        """See `Desk.argument`."""
        self._announced[name] = value
        for viewer in self.viewers:
            viewer.send(_argv(viewer, name, value))

    def expose(self, filesystem: Filesystem) -> None:
        """See `Desk.expose`."""
        self._filesystem = filesystem
        for viewer in self.viewers:
            if viewer.owner:
                viewer.transfers.expose(filesystem)

    def offer(self, reader: BinaryReader, name: str) -> bool:
        """See `Desk.offer`."""
        owner = self.owner
        return owner is not None and owner.transfers.send_file(reader, plain(name))

    def open_pipe(self, name: str) -> Pipe | None:
        """See `Desk.open_pipe`."""
        owner = self.owner
        return owner.transfers.open_pipe(plain(name)) if owner is not None else None

    async def ask(self, names: Sequence[str], prompt: Prompt | None = None) -> dict[str, str]:
        """See `Desk.ask`."""
        owner = self.owner
        if not self._keep if owner is None else owner.info.version < REQUIRED_SINCE:
            raise StatusError(Status.CLIENT_UNAUTHORIZED, f"The instance asks for {' and '.join(names)}.")
        loop = asyncio.get_running_loop()
        self._questions = {name: loop.create_future() for name in names}
        self._prompt = prompt
        try:
            if owner is not None:
                self._question(owner, names)
            return {name: await answer for name, answer in self._questions.items()}
        finally:
            self._questions = {}

    def _question(self, viewer: Viewer, names: Sequence[str]) -> None:
        if self._prompt is not None and viewer.info.version >= MSG_SINCE:
            text, secret = self._prompt
            viewer.send(encode("msg", PROMPT, plain(text[:MAX_PROMPT]), int(secret)))
        viewer.send(encode("required", *names))

    # -- what viewers change -----------------------------------------------------------------------------------------

    def may_change(self, name: str) -> bool:
        """Whether a parameter can be set now: it is editable, or the instance waits for it."""
        return name in self._questions or name in self.instance.EDITABLE

    def change(self, name: str, value: str) -> None:
        """Set a parameter during the session."""
        question = self._questions.get(name)
        if question is not None:
            if not question.done():
                question.set_result(value)
        elif name in self.instance.EDITABLE:
            self.instance.change(name, value)

    def _broadcast(self, data: bytes) -> None:
        for viewer in self.viewers:
            viewer.send(data)


def _tell_of(viewer: Viewer, what: int, guest: Viewer) -> None:
    if viewer.info.version >= MSG_SINCE:
        viewer.send(encode("msg", what, guest.identifier, plain(guest.info.name)))


def _argv(viewer: Viewer, name: str, value: str) -> bytes:
    return viewer.outbound.push(("argv",), value.encode(), ("text/plain", name))


def _clipboard(viewer: Viewer, text: str) -> bytes:
    return viewer.outbound.push(("clipboard",), text.encode("utf-8", "replace"), ("text/plain",))
