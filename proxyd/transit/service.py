"""What the transit process does for workers and for brokers: one connection after another."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import structlog

from proxyd.instances.dialogue import shortened
from proxyd.transit.relay import Far, join
from proxyd.transport import RefusedError
from proxyd.transport.frames import receive_frame, send_frame
from proxyd.wire.instruction import InstructionParser, encode
from proxyd.wire.route import Route
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    import socket

    from proxyd.transit.carrier import Carrier
    from proxyd.transit.connectors import Connectors
    from proxyd.transit.logins import Logins
    from proxyd.transport.frames import Frame

__all__ = ["Service"]

HEAD_SECONDS = 10.0
"""How long a worker may take to say what it wants."""
MAX_TEXT = 4096
"""Characters of a server's question or announcement that are passed on."""
MAX_SHOWN = 65536
"""Characters of announcements that one sign-in may make."""
MAX_WAITING = 100
"""Announcements that wait to be passed on; more are dropped."""
MAX_REMEMBERED = 10_000
"""Streams of which it is remembered what carried them."""
MAX_TOLD = 8000
"""Characters of an answer about logins, the newest first; an instruction has an end."""

MAX_OBJECT, MAX_PIECE = 30_000, 8_000
"""Characters of an object in one instruction, and of one argument."""

log = structlog.get_logger()


class Service:
    """Serves workers' sockets, and those that brokers opened for something else than a session."""

    def __init__(self, logins: Logins, connectors: Connectors) -> None:
        self._logins = logins
        self._connectors = connectors
        self._carriers: OrderedDict[str, Carrier] = OrderedDict()

    # -- workers -----------------------------------------------------------------------------------------------------

    async def worker(self, end: socket.socket) -> None:
        """Serve one question of a worker; a stream lives on when this returns."""
        with end:
            try:
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await receive_frame(end)
                await self._answer(end, head)
            except StatusError as error:
                with contextlib.suppress(OSError):
                    await send_frame(end, _refusal(error))
            except (OSError, ValueError, KeyError, TimeoutError) as error:
                log.debug("a worker's question was not understood", error=type(error).__name__)

    async def _answer(self, end: socket.socket, head: Frame) -> None:
        route = Route.read(head["route"])
        match head["op"]:
            case "ready":
                await self._ready(end, route)
            case "open":
                await self._open(end, route, head["host"], head["port"])
            case "why":
                carrier = self._carriers.get(head["stream"])
                lost = StatusError(
                    Status.UPSTREAM_UNAVAILABLE, "The way to the instance was lost.", Hop.GATEWAY
                )
                error = carrier.loss() if carrier is not None else lost
                await send_frame(end, {"ok": True} if error is None else _refusal(error))

    async def _ready(self, end: socket.socket, route: Route) -> None:
        """Make a route ready, as long as the worker stays to be asked."""
        asker = _Asker(end)
        speaking = asyncio.create_task(asker.speak(), name="speak to a worker")
        getting = asyncio.create_task(self._logins.ready(route, asker), name="sign in")
        leaving = asyncio.create_task(asker.left(), name="worker leaves")
        try:
            await asyncio.wait({getting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                await asker.said()
                await getting
                await send_frame(end, {"ok": True})
        finally:
            for task in (speaking, getting, leaving):
                task.cancel()
            await asyncio.wait({speaking, getting, leaving})

    async def _open(self, end: socket.socket, route: Route, host: str, port: int) -> None:
        carrier, far = await self._stream(route, host, port)
        try:
            await send_frame(end, {"ok": True, "stream": self._remember(carrier)})
            await join(end.dup(), far)
        except OSError:
            far.close()

    async def _stream(self, route: Route, host: str, port: int) -> tuple[Carrier, Far]:
        """Open a stream; where a connector is lost at this very moment, by the next one."""
        while True:
            carrier = self._logins.carrier(route)
            carrier.enter(route.session)
            far = Far(functools.partial(carrier.leave, route.session), carrier.turns)
            try:
                await carrier.transport.create_connection(functools.partial(_itself, far), host, port)
            except StatusError:
                far.close()
                if not self._connectors.lost(carrier):
                    raise
            except BaseException:
                far.close()
                raise
            else:
                return carrier, far

    def _remember(self, carrier: Carrier) -> str:
        name = secrets.token_hex(8)
        self._carriers[name] = carrier
        while len(self._carriers) > MAX_REMEMBERED:
            self._carriers.popitem(last=False)
        return name

    # -- brokers -----------------------------------------------------------------------------------------------------

    async def broker(self, end: socket.socket, data: bytes) -> None:
        """Serve a broker's connection whose first instruction the supervisor read."""
        with end:
            try:
                opcode, args = InstructionParser().feed(data)[0]
                if opcode == "connector":
                    await self._connectors.serve(end, *args)
                elif opcode == "connectors":
                    rows = await self._connectors.answer(*args)
                    await _say(end, b"".join(encode(opcode, *_pieces(row)) for row in rows))
                else:
                    await _say(end, encode(opcode, self._told(opcode, args)))
            except StatusError as error:
                log.warning("refused", status=error.status.name, reason=error.message)
                await _say(end, encode("error", error.message, error.status.code) + encode("disconnect"))

    def _told(self, opcode: str, args: tuple[str, ...]) -> str:
        if opcode == "gateway-logout":
            return str(self._logins.end(*args))
        told = [login.told() for login in sorted(self._logins.of(*args), key=lambda login: -login.since)]
        while len(json.dumps(told)) > MAX_TOLD:
            told.pop()
        return json.dumps(told)


class _Asker:
    """The person behind a worker's socket; see `proxyd.instances.ssh_auth.Asker`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._room = MAX_SHOWN
        self._outgoing: asyncio.Queue[Frame] = asyncio.Queue(MAX_WAITING)
        self._answers: asyncio.Queue[str] = asyncio.Queue(1)
        self._expected = False

    async def ask(self, prompt: str, *, secret: bool) -> str:
        self._expected = True
        await self._outgoing.put({"ask": shortened(prompt, MAX_TEXT), "echo": not secret})
        return await self._answers.get()

    def show(self, text: str) -> None:
        text = text[: min(MAX_TEXT, self._room)]
        self._room -= len(text)
        if text and not self._outgoing.full():
            self._outgoing.put_nowait({"show": text})

    def wait(self, gateway: str) -> None:
        if not self._outgoing.full():
            self._outgoing.put_nowait({"wait": gateway})

    async def speak(self) -> None:
        """Say what is to be said, for ever."""
        while True:
            frame = await self._outgoing.get()
            with contextlib.suppress(OSError):  # `left` finds out
                await send_frame(self._end, frame)
            self._outgoing.task_done()

    async def said(self) -> None:
        """Wait until all is said."""
        await self._outgoing.join()

    async def left(self) -> None:
        """Take answers until the worker goes away."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            while True:
                answer = (await receive_frame(self._end))["answer"]
                if self._expected and isinstance(answer, str):
                    self._expected = False
                    await self._answers.put(answer)


def _itself(far: Far) -> Far:
    return far


def _pieces(row: dict[str, Any]) -> list[str]:
    """An object as the arguments of an instruction."""
    text = json.dumps(row)
    if len(text) > MAX_OBJECT:
        text = json.dumps({"error": "the answer is too long"})
    return [text[at : at + MAX_PIECE] for at in range(0, len(text), MAX_PIECE)]


def _refusal(error: StatusError) -> Frame:
    return {
        "error": error.message,
        "status": error.status.name,
        "hop": error.hop.value,
        "refused": isinstance(error, RefusedError),
    }


async def _say(end: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(end, data)
