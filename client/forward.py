"""Named local forwards: ports of this machine that lead to others, through the logins that are needed on the way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import asyncssh

from client.hosts import MAX_PORT, HostError, parse_place
from proxyd.wire.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from client.connecting import Connecting
    from proxyd.transport import Transport

__all__ = ["Forward", "Forwards", "Live", "listed", "parse_forward"]

LOOPBACK = "127.0.0.1"
MAX_LIVE = 256
"""Connections of one process at a time."""
_FORWARD = re.compile(
    r"(?:(?P<bind>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):)?(?P<port>[0-9]{1,5}):"
    r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^:\[\]]+):(?P<target>[0-9]{1,5})"
)


class Forward(NamedTuple):
    """A port that leads elsewhere.

    Attributes:
        name: what it is called, as in /etc/services.
        bind, port: where this machine listens; port 0 is any that is free.
        host: a host of the book, or an address as the last machine on the way knows it.
        target: its port.
    """

    name: str
    bind: str
    port: int
    host: str
    target: int


def parse_forward(text: str, name: str = "") -> Forward:
    """Read `[bind:]port:host:port`, as `ssh -L` has it.

    Raises:
        HostError: it is something else.
    """
    match = _FORWARD.fullmatch(text)
    if match is None or int(match["port"]) > MAX_PORT or not 0 < int(match["target"]) <= MAX_PORT:
        raise HostError(f"{text[:80]!r} is not a forward: it is written 22006:waldo:22.")
    place = parse_place(match["host"])
    bind = (match["bind"] or LOOPBACK).strip("[]")
    return Forward(
        name or f"{place.name}:{match['target']}",
        bind,
        int(match["port"]),
        match["host"],
        int(match["target"]),
    )


@dataclass
class Live:
    """A connection that goes through.

    Attributes:
        peer: who connected here.
        since: Unix seconds.
        sent, received: bytes to the target, and from it.
    """

    peer: str
    since: float
    sent: int = 0
    received: int = 0


@dataclass
class Listener:
    """A forward that listens.

    Attributes:
        port: where it does.
        via: the machines on the way.
    """

    forward: Forward
    port: int
    via: tuple[str, ...]
    live: list[Live] = field(default_factory=list)


class Forwards:
    """Several of them on one set of logins. A context manager: open while it is entered.

    Attributes:
        listeners: in the given order.
    """

    def __init__(
        self,
        connecting: Connecting,
        forwards: Sequence[Forward],
        *,
        via: str = "",
        board: Path | None = None,
        told: Callable[[Listener, Live, str], None] = lambda *_: None,
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            connecting: how machines are reached.
            forwards: what shall lead where.
            via: the machine that streams leave from; else the last one on the book's way to each target.
            board: a folder in which other processes can read what is open here.
            told: called when a connection was opened (an empty text), or ended (`closed`, or why it failed).
        """
        self.listeners: list[Listener] = []
        self._connecting = connecting
        self._forwards = forwards
        self._via = via
        self._board = None if board is None else board / f"{os.getpid()}.json"
        self._told = told
        self._stack = contextlib.AsyncExitStack()
        self._relays: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Sign in on the ways, then listen.

        Raises:
            StatusError: a machine on a way refused.
            HostError: a way cannot be understood, or a port is taken.
        """
        try:
            for forward in self._forwards:
                await self._way(forward)
                await self._listen(forward)
            self._publish()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the ports and what goes through them."""
        for task in self._relays:
            task.cancel()
        if self._relays:
            await asyncio.wait(self._relays)
        await self._stack.aclose()
        if self._board is not None:
            self._board.unlink(missing_ok=True)

    async def _way(self, forward: Forward) -> Transport:
        """Where streams to a target leave from; signed in, if it is not yet or no more."""
        if self._via:
            return await self._connecting.at(self._via)
        return await self._connecting.transport(forward.host)

    async def _listen(self, forward: Forward) -> None:
        book = self._connecting.book
        way = book.way(self._via) if self._via else book.way(forward.host)[:-1]
        listener = Listener(forward, forward.port, tuple(host.alias for host in way))
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: self._arrival(listener), forward.bind, forward.port)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise HostError(
                f"{forward.name}: cannot listen on {forward.bind}:{forward.port}: {reason}."
            ) from None
        self._stack.callback(server.close)
        listener.port = server.sockets[0].getsockname()[1]
        self.listeners.append(listener)

    def _arrival(self, listener: Listener) -> End:
        def begin(end: End) -> None:
            if len(self._relays) >= MAX_LIVE:
                end.transport.abort()
                return
            task = asyncio.create_task(self._relay(listener, end), name=f"forward {listener.forward.name}")
            self._relays.add(task)
            task.add_done_callback(self._relays.discard)

        return End(begin)

    async def _relay(self, listener: Listener, near: End) -> None:
        """Take one connection to its target, until either side is done."""
        live = Live(near.peer_name, time.time())
        near.transport.pause_reading()
        forward = listener.forward
        outcome = "closed"
        try:
            transport = await self._way(forward)
            address = (
                forward.host.strip("[]") if self._via else self._connecting.book.find(forward.host).address
            )
            far = End()
            await transport.create_connection(lambda: far, address, forward.target)
            self._told(listener, live, "")
            listener.live.append(live)
            self._publish()
            try:
                near.join(far)
                await near.lost.wait()
                await far.lost.wait()
            finally:
                far.transport.close()
        except (StatusError, HostError) as error:
            outcome = str(error)
        finally:
            near.transport.abort()
            live.sent, live.received = near.taken, near.given
            if live in listener.live:
                listener.live.remove(live)
            self._publish()
            self._told(listener, live, outcome)

    def _publish(self) -> None:
        """Let other processes read what is open."""
        if self._board is None:
            return
        with contextlib.suppress(OSError):  # a full disk shall not end what works
            self._board.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self._board.with_suffix(".new")
            beside.write_text(json.dumps([_row(listener) for listener in self.listeners]))
            beside.replace(self._board)


def _row(listener: Listener) -> dict[str, Any]:
    forward = listener.forward
    return {
        "name": forward.name,
        "listens": f"{forward.bind}:{listener.port}",
        "target": f"{forward.host}:{forward.target}",
        "via": list(listener.via),
        "live": [{"peer": live.peer, "since": live.since} for live in listener.live],
    }


def listed(board: Path) -> list[dict[str, Any]]:
    """What every process of this person has open; what a dead one left is removed."""
    rows = []
    for file in sorted(board.glob("*.json")):
        try:
            os.kill(int(file.stem), 0)
            rows += [{**row, "process": int(file.stem)} for row in json.loads(file.read_text())]
        except (ProcessLookupError, ValueError):
            file.unlink(missing_ok=True)
        except OSError:
            continue
    return rows


class End(asyncssh.SSHTCPSession[bytes], asyncio.Protocol):
    """One side of a relay, on a socket or on another machine's stream; a side that is slow stops the other one.

    Attributes:
        taken, given: bytes that came from this side, and that it was given.
        finished: nothing more comes from it.
        lost: set when it is closed.
    """

    transport: Any

    def __init__(self, begin: Callable[[End], None] | None = None) -> None:
        self.taken = self.given = 0
        self.lost = asyncio.Event()
        self._begin = begin
        self._other: End | None = None
        self._early: list[bytes] = []
        self.finished = False

    @property
    def peer_name(self) -> str:
        """Who is there."""
        host, port, *_ = self.transport.get_extra_info("peername") or ("", 0)
        return f"{host}:{port}"

    def join(self, other: End) -> None:
        """Begin to pass on what comes from either."""
        self._pass_to(other)
        other._pass_to(self)
        self.transport.resume_reading()

    def _pass_to(self, other: End) -> None:
        self._other = other
        for data in self._early:
            other.write(data)
        self._early.clear()
        if self.finished:
            self.eof_received()
        if self.lost.is_set():
            other.transport.close()

    def write(self, data: bytes) -> None:
        """Give it something."""
        self.given += len(data)
        self.transport.write(data)

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        self.transport = transport
        if self._begin is not None:
            self._begin(self)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """See `asyncio.Protocol`."""
        self.taken += len(data)
        if self._other is None:
            self._early.append(data)  # no more than a window: reading begins when both are there
        else:
            self._other.write(data)

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`: the other direction may go on."""
        self.finished = True
        if self._other is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._other.transport.write_eof()
            if self._other.finished:
                self._other.transport.close()
                self.transport.close()
        return True

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self._other is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self._other is not None:
            self._other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.lost.set()
        if self._other is not None:
            self._other.transport.close()
