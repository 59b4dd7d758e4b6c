"""A session's way through the transit process: what a worker says to it. See docs/decisions/transit.md."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from proxyd.transport import RefusedError
from proxyd.transport.frames import receive_frame, send_frame
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from proxyd.instances.ssh_auth import Asker
    from proxyd.transport.frames import Frame
    from proxyd.wire.route import Route

__all__ = ["Through"]

GRACE_SECONDS = 5.0
"""How long the transit process may take beyond the time that a machine is given."""
BROKEN = StatusError(Status.SERVER_ERROR, "The part of Fanlight that leads to gateways failed.")


@runtime_checkable
class Waiting(Protocol):
    """An asker whose announcements are seen only with a question."""

    def wait(self) -> None:
        """Another session of the person is asked."""


class Through:
    """See `Way`."""

    def __init__(self, path: str, route: Route, timeout: float) -> None:
        """Describe the way; nothing is opened.

        Args:
            path: the transit process's Unix socket.
            route: what stands before the instance.
            timeout: seconds that a machine is given to answer.
        """
        self._path = path
        self._route = route
        self._timeout = timeout
        self._streams: list[str] = []

    async def ready(self, asker: Asker) -> None:
        """See `Way.ready`."""
        async with self._asked("ready") as end:
            reply = await receive_frame(end)
            while "ok" not in reply:
                _check(reply)
                if "ask" in reply:
                    reply = await _answered(end, asker, reply)
                else:
                    _tell(asker, reply)
                    reply = await receive_frame(end)

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[Any, Any]:
        """See `Transport.create_connection`."""
        async with self._asked("open", host=host, port=port, timeout=self._timeout) as end:
            try:
                async with asyncio.timeout(self._timeout + GRACE_SECONDS):
                    reply = await receive_frame(end)
            except TimeoutError:
                raise BROKEN from None
            if reply.get("refused"):
                raise RefusedError(host, port)
            _check(reply)
            self._streams = [*self._streams[-3:], reply["stream"]]
            loop = asyncio.get_running_loop()
            return await loop.create_unix_connection(protocol_factory, sock=end.dup())

    async def loss(self) -> StatusError | None:
        """See `Way.loss`."""
        for stream in reversed(self._streams):
            try:
                async with self._asked("why", stream=stream) as end:
                    _check(await receive_frame(end))
            except StatusError as error:
                return error
        return None

    def known_as(self, host: str) -> str:
        """See `Way.known_as`."""
        return f"{host}%{self._route.scope}"

    @contextlib.asynccontextmanager
    async def _asked(self, what: str, **fields: Any) -> AsyncIterator[socket.socket]:
        """A connection on which something was asked.

        Raises:
            StatusError: it was refused, or the process is gone.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            end.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(end, self._path)
                await send_frame(end, {"op": what, "route": self._route.written(), **fields})
                yield end
            except (OSError, ValueError, KeyError):
                raise BROKEN from None


async def _answered(end: socket.socket, asker: Asker, question: Frame) -> Frame:
    """Ask, and say the answer; returns what comes next. A gateway may hang up while the person thinks."""
    asking = asyncio.create_task(asker.ask(question["ask"], secret=not question["echo"]), name="ask")
    coming = asyncio.create_task(receive_frame(end), name="what comes next")
    try:
        while True:
            await asyncio.wait({asking, coming}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                await send_frame(end, {"answer": asking.result()})
                return await coming
            reply = coming.result()
            if "show" not in reply:
                return reply
            _tell(asker, reply)
            coming = asyncio.create_task(receive_frame(end), name="what comes next")
    finally:
        for task in (asking, coming):
            task.cancel()
        await asyncio.gather(asking, coming, return_exceptions=True)


def _tell(asker: Asker, reply: Frame) -> None:
    """Pass on what is no question."""
    if "show" in reply:
        asker.show(reply["show"])
    elif isinstance(asker, Waiting):
        asker.wait()
    else:
        asker.show(f"Waiting for the sign-in at the gateway {reply['wait']}.\n")


def _check(reply: Frame) -> None:
    """Raise what a reply says, where it is a refusal."""
    if "error" in reply:
        raise StatusError(Status[reply["status"]], reply["error"], Hop(reply["hop"]))
