"""A link of limited speed to an instance: `python -m tests.benchmarks.limited PORT BYTES-A-SECOND`.

It prints the port on which it listens, carries one connection after the other to PORT of this machine, and lets no more come
back from there in a second. It is a process of its own, so that it costs nothing where time is measured.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["limited"]

PIECE = 65536
SLACK = 0.002
"""Seconds of rate that may be made up for, where the machine woke it late."""


@contextlib.contextmanager
def limited(port: int, rate: int) -> Iterator[int]:
    """Such a link; yields the port to connect to."""
    command = [sys.executable, "-m", "tests.benchmarks.limited", str(port), str(rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def main() -> None:
    """Carry connections until killed."""
    port, rate = map(int, sys.argv[1:])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for ends in ((near, far, 0), (far, near, rate)):
                threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(source: socket.socket, to: socket.socket, rate: int) -> None:
    """Carry what comes, at a rate where one is given, until there is no more."""
    free = time.monotonic()
    with contextlib.suppress(OSError):
        while data := source.recv(PIECE):
            to.sendall(data)
            if rate:
                now = time.monotonic()
                free = max(free + len(data) / rate, now - SLACK)
                time.sleep(max(0.0, free - now))
        to.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
