"""The transit process: `python -m proxyd.transit FD LISTENER`.

FD is the supervisor's control socket (see `proxyd.control`), LISTENER the Unix socket on which workers call; the settings
come as JSON on standard input.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from proxyd import log
from proxyd.control import Control, Drain
from proxyd.instances.host_keys import HostKeyFiles
from proxyd.settings import Settings
from proxyd.transit.connectors import Connectors
from proxyd.transit.gate import GateDoor
from proxyd.transit.logins import Logins
from proxyd.transit.service import Service

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Serving", "main", "run"]


async def run(end: socket.socket, listener: socket.socket, settings: Settings) -> None:
    """Serve until the supervisor goes away or a SIGTERM comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    for number in (signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: None)
    files = HostKeyFiles(settings.known_hosts, settings.host_key_pins, settings.strict_host_keys)
    connectors = Connectors(GateDoor(settings.gate_address))
    logins = Logins(files, connectors, settings.connect_timeout, time.time)
    serving = Serving(Service(logins, connectors))
    receiving = serving.begin(serving.receive(Control(end)), "control")
    receiving.add_done_callback(lambda _: stop.set())
    serving.begin(serving.accept(listener), "accept")
    await stop.wait()
    await serving.close()
    await logins.close()


class Serving:
    """Tasks, one for each connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        """Keep a task until it ends."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def accept(self, listener: socket.socket) -> None:
        """Take workers' connections."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        while True:
            connection, _ = await loop.sock_accept(listener)
            connection.setblocking(False)
            self.begin(self._service.worker(connection), "worker asks")

    async def receive(self, control: Control) -> None:
        """Take brokers' connections from the supervisor until it is gone."""
        while (message := await control.receive()) is not None:
            if not isinstance(message, Drain):
                dispatch, connection = message
                connection.setblocking(False)
                self.begin(self._service.broker(connection, dispatch.data), "broker asks")

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


def main() -> None:
    """Entry point of the process."""
    settings = Settings.model_validate_json(sys.stdin.read())
    log.configure(settings)
    end, listener = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    asyncio.run(run(end, listener, settings))


if __name__ == "__main__":
    main()
