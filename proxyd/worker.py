"""A worker process: takes sockets from the supervisor and serves them on one loop with one encoding pool.

Run as `python -m proxyd.worker FD TRANSIT`, where FD is the control socket (see `control`) and TRANSIT the path of the
transit process's socket; the settings come as JSON on standard input.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from proxyd import log
from proxyd.control import Control, Dispatch, Drain, Finished
from proxyd.server import Server
from proxyd.settings import Settings

__all__ = ["main", "run"]

POOL_THREADS = 2
"""Encoding threads of a worker: compression leaves the interpreter lock, two keep two cores busy."""
READ_LIMIT = 65536
"""Bytes that wait between socket and parser before reading stops."""
GARBAGE_EVERY = 10_000
"""New objects after which cycles among them are looked for; a frame of small rectangles makes thousands."""


async def run(end: socket.socket, settings: Settings, transit: str = "") -> None:
    """Serve until the supervisor goes away or a SIGTERM comes; then end every session and return."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    for number in (signal.SIGINT, signal.SIGHUP):  # meant for all of us: the supervisor decides
        loop.add_signal_handler(number, lambda: None)
    with ThreadPoolExecutor(POOL_THREADS, "encode") as pool:
        worker = Worker(Control(end), Server(settings, pool, transit=transit))
        receiving = asyncio.create_task(worker.receive(), name="control")
        receiving.add_done_callback(lambda _: stop.set())
        chatting = asyncio.create_task(worker.server.keep_alive(), name="keep alive")
        await stop.wait()
        receiving.cancel()
        chatting.cancel()
        await worker.close()


class Worker:
    """Connections that came over the control socket."""

    def __init__(self, control: Control, server: Server) -> None:
        self._control = control
        self.server = server
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self) -> None:
        """Take connections and orders until the supervisor is gone."""
        while (message := await self._control.receive()) is not None:
            if isinstance(message, Drain):
                self.server.drain(message.seconds)
                continue
            task = asyncio.create_task(self._serve(*message), name=f"connection {message[0].connection_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, dispatch: Dispatch, connection: socket.socket) -> None:
        try:
            reader, writer = await _stream(connection, dispatch.data)
            await self.server.serve(reader, writer, dispatch.connection_id)
            await self.server.ended(dispatch.connection_id)
        finally:
            await self._control.send(Finished(dispatch.connection_id))

    async def close(self) -> None:
        """End every session, let their goodbyes out, and close the control socket."""
        await self.server.close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._control.close()


async def _stream(
    connection: socket.socket, data: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_LIMIT)
    reader.feed_data(data)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def main() -> None:
    """Entry point of the process."""
    settings = Settings.model_validate_json(sys.stdin.read())
    log.configure(settings)
    # What was imported stays; collecting it again and again costs time and stalls sessions.
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY)
    asyncio.run(run(socket.socket(fileno=int(sys.argv[1])), settings, sys.argv[2]))


if __name__ == "__main__":
    main()
