"""One browser's way to one session on proxyd: instructions both ways, and how it ends. No HTTP vocabulary."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from broker.streams import Streams
from proxyd.wire.instruction import Instruction, InstructionParser, WireError, encode
from proxyd.wire.status import EVIDENCE, Hop, Status, StatusError

if TYPE_CHECKING:
    from broker.auth.base import Connection
    from broker.keeping import Kept
    from broker.proxyd_client import Upstream
    from broker.sessions import Session

__all__ = ["GOODBYE", "MAX_MESSAGE", "Tunnel"]

MAX_MESSAGE = 262144
"""Bytes of one message from a browser."""
MESSAGE = 0x4002
"""The code of `msg` under which an operator's words reach the page; browsers that do not know it ignore it."""
NOTICE = 0x4000
"""The code under which proxyd tells notices."""
SILENCE = 15.0
"""Seconds after which a daemon that says nothing is given up; one that lives says `nop` at least."""
VANISHED = "The machine that ran this session has stopped."
EARLY = 65536
"""Bytes from the daemon among which it may tell what host key a machine showed: before anything is drawn."""
MAX_WORDS = 20
"""Messages that wait for a browser which does not read; more are dropped."""
NOP = encode("nop")
_EVIDENCE = encode("msg", EVIDENCE)[:-1]
"""How the instruction begins."""
GOODBYE = encode("disconnect")


class Tunnel:
    """A tunnel that is open.

    `receive` is the pump towards the browser, `send` the one towards the daemon. Both wait when the other side is slow,
    so no queue grows here.

    Attributes:
        identifier: the tunnel's UUID, told to the browser.
        session: whose it is.
        connection: what it shows.
        address: the browser's address.
        opened: Unix seconds.
        received: bytes from the daemon.
        sent: bytes to it.
        streams: file streams that HTTP requests carry.
        daemon: where the daemon is.
        kept: the record of the session, where it outlives this tunnel.
        over: whether the session itself ended, as far as is known here.
        status: how it ended; None while it is open.
        outcome: what became of the command that it ran, if it ran one.
        evidence: the public line of a host key that the instance showed and that is not the known one, or empty.
    """

    def __init__(
        self,
        session: Session,
        connection: Connection,
        upstream: Upstream,
        address: str,
        opened: float,
        *,
        daemon: str = "",
        kept: Kept | None = None,
        identifier: str = "",
    ) -> None:
        self.identifier = identifier or str(uuid.uuid4())
        self.session = session
        self.connection = connection
        self.address = address
        self.opened = opened
        self.received = 0
        self.sent = 0
        self.daemon = daemon
        self.kept = kept
        self.over = False
        self.status: Status | None = None
        self.outcome = ""
        self.evidence = ""
        self.streams = Streams(upstream.write)
        self._upstream = upstream
        self._quiet = False
        self._tail = b""
        self._last_word = b""
        self._words: list[bytes] = []
        self._waiting: asyncio.Timeout | None = None
        self._limit: asyncio.TimerHandle | None = None

    @property
    def connection_id(self) -> str:
        """The daemon's name of the connection: `$` and a UUID."""
        return self._upstream.connection_id

    @property
    def reference(self) -> str:
        """Four characters that stand on the person's screen and in the daemon's log."""
        return self.connection_id[1:5].upper()

    async def receive(self) -> bytes:
        """The daemon's next whole instructions; empty once the tunnel is over, with `status` saying how.

        Only one caller at a time.
        """
        while self.status is None:
            if self._words:
                words, self._words = self._words, []
                return b"".join(words)
            try:
                data = await self._heard()
            except TimeoutError:  # somebody has a word for the person
                continue
            except StatusError as error:
                self.end(error.status)
                break
            if not data:  # a daemon says goodbye; one that vanishes has died
                if self._tail == GOODBYE:
                    self.end(Status.SUCCESS)
                else:
                    self.end(Status.UPSTREAM_ERROR, VANISHED)
                break
            if self.received < EARLY:
                self.evidence = _evidence(data) or self.evidence
            self.received += len(data)
            self._tail = data[-len(GOODBYE) :]
            if self.streams.active:
                data = self.streams.filter(data)
            if data and self.status is None:
                return data
        last_word, self._last_word = self._last_word, b""
        return last_word

    async def _heard(self) -> bytes:
        """What the daemon says; TimeoutError when `say` has something first. Nothing is lost by that."""
        async with asyncio.timeout(None) as self._waiting:
            try:
                return await self._upstream.read()
            finally:
                self._waiting = None

    async def send(self, message: bytes) -> bytes:
        """Pass a browser's message on; returns what the browser is answered at once.

        A message holds whole instructions. Those with an empty opcode are between browser and broker (sheet 1.4).

        Raises:
            StatusError: the message is too large or not a sequence of instructions.
        """
        if len(message) > MAX_MESSAGE:
            raise StatusError(Status.CLIENT_OVERRUN, "The browser sent a message that is too large.")
        instructions = _read(message)
        onward = b"".join(row.encode() for row in instructions if row.opcode)
        if onward:
            self._quiet = False
            self.sent += len(onward)
            await self._upstream.write(onward)
        return b"".join(row.encode() for row in instructions if _is_ping(row))

    def say(self, text: str) -> None:
        """Show the person an operator's words; the session goes on."""
        if len(self._words) < MAX_WORDS:
            self._words.append(encode("msg", MESSAGE, text))
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    def keep_alive(self) -> None:
        """Called at an interval: a browser in the background sleeps, the daemon shall not take it for dead."""
        if self._quiet:
            self._upstream.write_soon(NOP)
        self._quiet = True

    def check_daemon(self, now: float) -> None:
        """Called at an interval with the loop's clock: a daemon that keeps silent has died with its machine."""
        since = self._upstream.waiting_since
        if since is not None and now - since > SILENCE:
            self.end(Status.UPSTREAM_TIMEOUT, VANISHED)

    def tell(self, word: str) -> None:
        """Tell the page a notice, as proxyd does."""
        self._words.append(encode("msg", NOTICE, word))

    def end(self, status: Status, sentence: str = "", *, for_good: bool = False) -> None:
        """Close the tunnel; the first status counts.

        Args:
            status: how it ended.
            sentence: for the person, who is shown it as a daemon's error is shown.
            for_good: end the session as well, if it is one that outlives its tunnels.
        """
        if self.status is None:
            if self._limit is not None:
                self._limit.cancel()
            self.status = status
            self.over = for_good or self._tail == GOODBYE
            if sentence:
                error = StatusError(status, sentence, Hop.SESSION)
                self._last_word = encode("error", error.wire_text(self.reference), status.code) + GOODBYE
            self.streams.close()
            self._upstream.close(GOODBYE if for_good else b"")

    def end_in(self, seconds: float, sentence: str) -> None:
        """Let the tunnel end after a time, whatever happens meanwhile; the person is told why."""
        later = asyncio.get_running_loop().call_later
        self._limit = later(max(seconds, 0.0), self.end, Status.SESSION_CLOSED, sentence)

    def end_session(self) -> None:
        """The token is gone."""
        self.end(Status.SESSION_CLOSED, for_good=True)


def _evidence(data: bytes) -> str:
    """The host key that whole instructions tell of; empty where there is none."""
    for row in InstructionParser().feed(data) if _EVIDENCE in data else ():
        if row.opcode == "msg" and len(row.args) == 2 and row.args[0] == str(EVIDENCE):
            return row.args[1]
    return ""


def _read(message: bytes) -> list[Instruction]:
    """The instructions of one message.

    Where a value seems to go on past the end, its sender may have counted UTF-16 units (guacamole-common-js 1.5.0): the
    parser finds out from what comes next, so something does.

    Raises:
        WireError: not a sequence of whole instructions.
    """
    parser = InstructionParser()
    instructions = parser.feed(message)
    if not parser.pending:
        return instructions
    late = parser.feed(NOP)
    if late[-1:] != [Instruction("nop")]:
        raise WireError("a message ends inside an instruction")
    return instructions + late[:-1]


def _is_ping(instruction: Instruction) -> bool:
    return not instruction.opcode and len(instruction.args) >= 2 and instruction.args[0] == "ping"
