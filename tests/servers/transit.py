"""The transit process's service in this process, and people who answer its questions.

async with LocalTransit() as transit:
    way = transit.way([host], owner="alice")
    await way.ready(Answers("123456"))
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from typing import TYPE_CHECKING, Any

from proxyd.instances.host_keys import HostKeyFiles
from proxyd.transit.__main__ import Serving
from proxyd.transit.connectors import Connectors
from proxyd.transit.logins import Logins
from proxyd.transit.service import Service
from proxyd.transport.through import Through
from proxyd.wire.route import Route
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from proxyd.wire.route import JumpHost

__all__ = ["Answers", "LocalTransit"]

TIMEOUT = 5.0


class Answers:
    """Somebody who says these, one after another, and gives up when asked for more.

    Attributes:
        asked: the questions so far.
        shown: what was said beside them.
    """

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, bool]] = []
        self.shown = ""

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`."""
        self.asked.append((prompt, secret))
        if not self._answers:
            raise StatusError(Status.CLIENT_UNAUTHORIZED, "The person gave up.")
        return self._answers.pop(0)

    def show(self, text: str) -> None:
        """See `Asker.show`."""
        self.shown += text


class LocalTransit:
    """Attributes: logins, connectors."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self.connectors = Connectors()
        self.logins = Logins(HostKeyFiles(), self.connectors, timeout, time.time)
        self._serving = Serving(Service(self.logins, self.connectors))
        self._folder = tempfile.TemporaryDirectory(prefix="transit-")
        self._path = f"{self._folder.name}/transit"
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self._path)
        self._listener.listen()
        self._serving.begin(self._serving.accept(self._listener), "accept")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.close()
        await self.logins.close()
        self._listener.close()
        self._folder.cleanup()

    def way(self, hosts: Sequence[JumpHost], owner: str = "alice", **more: Any) -> Through:
        """A session's way, as a worker has it."""
        limits = {"idle": 60, "longest": 600, "session": f"${time.monotonic_ns()}"}
        return Through(self._path, Route(tuple(hosts), owner, **{**limits, **more}), self._timeout)

    async def until_ended(self) -> None:
        """Wait until no login lives."""
        async with asyncio.timeout(15):
            while self.logins.of(""):
                await asyncio.sleep(0.02)
