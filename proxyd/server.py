"""One connection after another: handshake, then a viewer of a session until either ends. No processes here.

`Server.serve` takes a connected stream, so that a worker can hand it a passed socket and a test a plain one.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import structlog

from proxyd.input import handle
from proxyd.instances.base import Notice
from proxyd.instances.host_keys import HostKeyFiles
from proxyd.instances.parameters import Arguments
from proxyd.instances.table import INSTANCES
from proxyd.recording import Recording
from proxyd.registry import Registry
from proxyd.session import Facilities, Session
from proxyd.transport import Direct
from proxyd.transport.choice import Ways
from proxyd.viewer import Viewer
from proxyd.wire.handshake import ServerHandshake
from proxyd.wire.instruction import Instruction, InstructionParser, encode
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from concurrent.futures import Executor

    from proxyd.instances.base import Instance
    from proxyd.settings import Settings
    from proxyd.wire.handshake import ClientInfo

__all__ = ["Server", "refuse"]

READ_SIZE = 65536
KEEP_ALIVE = 5.0
"""Seconds of silence after which `nop` is sent."""
SILENCE = 15.0
"""Seconds without a byte after which a viewer is given up (sheet section 2.4)."""
RESTARTING = "Fanlight is being restarted."
FAREWELL = 5.0
"""Seconds that a viewer has to take what was sent before its connection is cut."""


class Server:
    """Serves connections and keeps the sessions they belong to."""

    def __init__(
        self,
        settings: Settings,
        pool: Executor,
        instances: Mapping[str, type[Instance]] = INSTANCES,
        *,
        transit: str = "",
    ) -> None:
        self._settings = settings
        self._facilities = Facilities(
            Ways(Direct(settings.connect_timeout), transit, settings.connect_timeout),
            pool,
            HostKeyFiles(settings.known_hosts, settings.host_key_pins, settings.strict_host_keys),
        )
        self._instances = instances
        self.registry = Registry()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ends: float | None = None
        """While it drains, the loop's clock when it is over."""

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection_id: str
    ) -> None:
        """Serve one connection to its end.

        Args:
            reader: the stream's reading half.
            writer: its writing half; closed when this returns.
            connection_id: the id that a session gets if this connection opens one.
        """
        client = _Client(reader, writer)
        try:
            async with asyncio.timeout(self._settings.handshake_timeout):
                admitted = await self._admit(client, connection_id)
            if admitted is not None:
                await self._look(*admitted, client)
        except StatusError as error:
            refuse(writer, error, connection_id)
        except TimeoutError:
            refuse(
                writer,
                StatusError(Status.CLIENT_TIMEOUT, "The handshake did not come in time."),
                connection_id,
            )
        except ConnectionError:
            pass  # the peer is gone; nobody to tell
        finally:
            await _close(writer)

    async def close(self) -> None:
        """End every session and wait until each has closed what it opened."""
        for session in self.registry:
            session.end(StatusError(Status.SESSION_CLOSED, RESTARTING))
        while self._running:
            await asyncio.wait(self._running.values())

    def drain(self, seconds: float) -> None:
        """Begin no more sessions, and tell people that theirs end soon, also those who come back meanwhile."""
        self._ends = asyncio.get_running_loop().time() + seconds
        for session in self.registry:
            session.notice(Notice.RESTARTING, round(seconds))

    async def ended(self, connection_id: str) -> None:
        """Wait until no session with this id runs."""
        running = self._running.get(connection_id)
        if running is not None:
            await asyncio.wait([running])

    async def keep_alive(self) -> None:
        """Send `nop` to viewers that were sent nothing for a while; runs for ever."""
        nop = encode("nop")
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            for session in self.registry:
                for viewer in list(session.viewers):
                    if not viewer.sent_since_tick:
                        viewer.send(nop)
                    viewer.sent_since_tick = False

    # -- handshake ---------------------------------------------------------------------------------------------------

    async def _admit(self, client: _Client, connection_id: str) -> tuple[Session, Viewer] | None:
        """Shake hands; None where the peer wanted no session."""
        match await client.next():
            case Instruction("select", (target,)):
                return await self._select(client, target, connection_id)
            case Instruction("end", (target, reason)):
                self.registry.find(target).end(StatusError(Status.SESSION_CLOSED, reason, Hop.SESSION))
                client.send(encode("disconnect"))
                return None
        raise StatusError(Status.CLIENT_BAD_REQUEST, "The first instruction was not select.")

    async def _select(self, client: _Client, target: str, connection_id: str) -> tuple[Session, Viewer]:
        joined = self.registry.find(target) if target.startswith("$") else None
        kind = type(joined.instance) if joined is not None else self._kind(target)

        handshake = ServerHandshake([row.name for row in kind.PARAMETERS])
        client.send(handshake.args())
        while not handshake.receive(await client.next()):
            pass
        arguments = Arguments(kind.PARAMETERS, handshake.arguments)
        viewer = Viewer(
            handshake.client,
            client.transport,
            owner=joined is None or joined.admits(arguments.text("session-owner")),
            read_only=arguments.flag("read-only"),
        )
        session = joined or self._new_session(connection_id, kind, arguments, handshake.client)
        client.send(encode("ready", session.connection_id))
        session.join(viewer)
        if self._ends is not None:
            left = self._ends - asyncio.get_running_loop().time()
            viewer.tell(Notice.RESTARTING, max(round(left), 0))
        if joined is None:
            self._begin(session, target)
        return session, viewer

    def _kind(self, protocol: str) -> type[Instance]:
        kind = self._instances.get(protocol)
        if kind is None:
            raise StatusError(Status.UNSUPPORTED, f"The protocol {protocol[:32]!r} is not known.")
        return kind

    def _new_session(
        self, connection_id: str, kind: type[Instance], arguments: Arguments, info: ClientInfo
    ) -> Session:
        if self._ends is not None:
            raise StatusError(Status.SERVER_BUSY, RESTARTING)
        if sum(not session.ended for session in self.registry) >= self._settings.max_sessions:
            away = len(self.registry.away())
            if not away:
                raise StatusError(Status.SERVER_BUSY, "Too many sessions are running.")
            self._end_longest_away(keep=away - 1)
        recording = Recording.wanted(arguments, self._facilities.pool, connection_id)
        return Session(connection_id, kind, arguments, info, self._facilities, recording)

    def _begin(self, session: Session, protocol: str) -> None:
        self.registry.add(session)
        session.log.info("session begins", protocol=protocol)
        name = session.connection_id
        self._running[name] = asyncio.create_task(self._run(session), name=f"session {name}")

    async def _run(self, session: Session) -> None:
        try:
            await session.run()
        finally:
            self.registry.remove(session)
            del self._running[session.connection_id]

    # -- session -----------------------------------------------------------------------------------------------------

    async def _look(self, session: Session, viewer: Viewer, client: _Client) -> None:
        try:
            async for instructions in client.batches():
                for instruction in instructions:
                    if not viewer.closed:
                        handle(session, viewer, instruction)
        except StatusError as error:
            session.log.warning("a viewer is cut off", reason=error.message, viewer=viewer.identifier)
            viewer.close(error, session.reference)
        except TimeoutError:
            silent = StatusError(Status.CLIENT_TIMEOUT, "The browser fell silent.")
            session.log.info("a viewer fell silent", viewer=viewer.identifier)
            viewer.close(silent, session.reference)
        except ConnectionError:
            pass  # the browser or the broker is gone
        except Exception:
            session.log.exception("a viewer's input failed in a way nobody foresaw")
            viewer.close(
                StatusError(Status.SERVER_ERROR, "Fanlight had a problem on its side."), session.reference
            )
        finally:
            session.leave(viewer)
            self._end_longest_away(keep=self._settings.max_detached)

    def _end_longest_away(self, keep: int) -> None:
        """End sessions whose owners are away, until so many are left."""
        away = self.registry.away()
        for session in away[: max(len(away) - keep, 0)]:
            session.end(StatusError(Status.SESSION_CLOSED, "Room was needed for others.", Hop.SESSION))


class _Client:
    """Instructions out of a stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = InstructionParser()
        self._ready: list[Instruction] = []

    @property
    def transport(self) -> asyncio.WriteTransport:
        return self._writer.transport

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def next(self) -> Instruction:
        """The next instruction of the handshake."""
        while not self._ready:
            data = await self._reader.read(READ_SIZE)
            if not data:
                raise ConnectionResetError
            self._ready = self._parser.feed(data)
        return self._ready.pop(0)

    async def batches(self) -> AsyncIterator[list[Instruction]]:
        """Instructions as they come, until the peer closes.

        Raises:
            TimeoutError: the peer was silent for too long.
            WireError: it sent nonsense.
        """
        if self._ready:
            yield self._ready
        while True:
            async with asyncio.timeout(SILENCE):
                data = await self._reader.read(READ_SIZE)
            if not data:
                return
            yield self._parser.feed(data)


def refuse(writer: Any, error: StatusError, connection_id: str) -> None:
    """Tell a peer that never became a viewer why not, and log it in one line.

    Args:
        writer: whatever has `write`.
        error: the reason.
        connection_id: for the reference.
    """
    reference = connection_id[1:5].upper()
    structlog.get_logger().warning(
        "connection refused", connection=connection_id, status=error.status.name, reason=error.message
    )
    text = error.message if error.status is Status.RESOURCE_NOT_FOUND else error.wire_text(reference)
    with contextlib.suppress(OSError, RuntimeError):
        writer.write(encode("error", text, error.status.code) + encode("disconnect"))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(FAREWELL):
            await writer.wait_closed()
    writer.transport.abort()
