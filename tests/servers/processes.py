"""Start and stop real programs: what every server in this folder needs."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["free_port", "missing", "require", "start", "stop", "wait_for", "wait_for_port"]

PORTS_FROM, PORTS_TO = 10_000, 32_000
START_SECONDS = 60.0
"""How long a program may take to listen, on a machine that does much else."""


def require(*programs: str) -> str:
    """The path of the first of these that is there; without any the test is skipped, or fails in CI.

    `scripts/packages.txt` says what brings each.
    """
    path = next(filter(None, map(shutil.which, programs)), None)
    if path is None:
        missing(" or ".join(programs))
    return path


def missing(what: str) -> NoReturn:
    """Skip the test for want of something, or fail it where CI promised that."""
    message = f"{what} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A TCP port that is free on loopback, and that nothing takes by chance before it is used.

    Systems give outgoing connections a port of 32768 and above (macOS: 49152), so these are from below.
    """
    while True:
        port = random.randrange(PORTS_FROM, PORTS_TO)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def start(*command: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that stays quiet and dies with `stop`."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([require(command[0]), *command[1:]], **{**quiet, **options})


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program, politely first."""
    process.terminate()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(fact: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait until a fact holds."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.02)


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a program listens; fail if it ended instead."""

    def listens() -> bool:
        if process.poll() is not None:
            pytest.fail(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(listens, f"port {port} listening", START_SECONDS)
