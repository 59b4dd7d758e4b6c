"""Daemons to measure: ours, started for the purpose, and a guacd that listens somewhere."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.benchmarks.client import Meter
from tests.servers.proxyd import Proxyd

if TYPE_CHECKING:
    from typing import Self

    from tests.benchmarks.client import Link
    from tests.servers.sshd import Sshd
    from tests.servers.xvnc import Xvnc

__all__ = ["Guacd", "Ours", "Target"]

GLYPHS = (1024, 768, 96)
PIXELS = (1280, 800, 96)


class Target:
    """A daemon that speaks Guacamole's protocol.

    Attributes:
        name: heads its column.
        address: host and port.
    """

    name = ""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address

    @property
    def pid(self) -> int:
        """The daemon's first process."""
        raise NotImplementedError

    async def shell(self, server: Sshd, **more: str) -> Meter:
        """Open a shell; it waits at its prompt."""
        arguments = {
            "hostname": "127.0.0.1",
            "port": str(server.port),
            "username": server.user,
            "private-key": server.private_key,
            "host-key": "",
            **more,
        }
        meter = await Meter.open(self.address, "ssh", arguments, GLYPHS)
        await meter.quiet(0.5)
        return meter

    async def desktop(self, server: Xvnc, **more: str) -> Meter:
        """Open a desktop of 1280x800."""
        meter = await self.vnc(server.port, **more)
        await meter.quiet(0.5)
        return meter

    async def vnc(self, port: int, **more: str) -> Meter:
        """Open whatever speaks RFB at a port of this machine."""
        arguments = {"hostname": "127.0.0.1", "port": str(port), **more}
        return await Meter.open(self.address, "vnc", arguments, PIXELS)

    async def join(self, other: Meter, link: Link | None = None) -> Meter:
        """Look at the session of another."""
        return await Meter.open(self.address, other.connection_id, {}, PIXELS, link=link)

    def cpu(self) -> float:
        """Seconds of processor time that its living processes used so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes())

    def memory(self) -> float:
        """Memory of its living processes in MB, shared pages split among those who share them (PSS)."""
        return sum(map(_proportional, self._processes())) / 1e6

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]


class Ours(Target):
    """proxyd with one worker, as an async context manager."""

    name = "fanlight"

    def __init__(self) -> None:
        self._daemon = Proxyd(workers=1)
        super().__init__(self._daemon.address)

    async def __aenter__(self) -> Self:
        await self._daemon.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._daemon.__aexit__()

    @property
    def pid(self) -> int:
        """See `Target.pid`."""
        return self._daemon.pid


class Guacd(Target):
    """A guacd on this machine."""

    name = "guacd"

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address)
        self._pid = _listener(address[1])

    @property
    def pid(self) -> int:
        """See `Target.pid`."""
        return self._pid


def _listener(port: int) -> int:
    """The process that listens on a port; its children inherit the socket and come later."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return process.pid
    raise LookupError(f"no process of ours listens on port {port}")


def _proportional(process: psutil.Process) -> int:
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
