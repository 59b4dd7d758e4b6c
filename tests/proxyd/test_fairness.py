"""A worker is one loop for many people: nothing one of them does may keep it for long."""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.benchmarks.attacked import delays_beside
from tests.benchmarks.keystrokes import echo_delays
from tests.benchmarks.target import Target
from tests.benchmarks.texts import write_text
from tests.servers.proxyd import Proxyd
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

pytestmark = pytest.mark.real

SECONDS = 4.0
LONG = 0.25
"""Seconds of one callback; what takes milliseconds is stretched by a machine that does other things as well."""
A_FEW = 2
"""Times that the machine may be worse than on average."""
NOTICEABLE = 100.0
"""Milliseconds of echo."""
BLOCKED = re.compile(r"Executing .* took (\d+\.\d+) seconds")


async def test_no_callback_keeps_the_loop_during_a_flood_and_a_film() -> None:
    async with AsyncExitStack() as stack:
        server, screen = stack.enter_context(Sshd()), stack.enter_context(Xvnc(1280, 800))
        daemon = await stack.enter_async_context(Proxyd(PYTHONASYNCIODEBUG="1"))
        target = Target(daemon.address)
        text = server.folder / "text"
        write_text(text, 5, coloured=True)
        shell = await stack.enter_async_context(await target.shell(server))
        desktop = await stack.enter_async_context(await target.desktop(screen))
        screen.spawn(
            sys.executable, "-m", "tests.benchmarks.vnc_loads", "scroll", "--display", screen.display
        )
        await desktop.frame()
        shell.type(f"while :; do cat {text}; done\n")
        await asyncio.sleep(SECONDS)
        assert shell.frames > 5
        assert desktop.frames > 5
        assert "execute program" in daemon.log, "asyncio does not tell what it does"
        long = LONG * _stretched(daemon.workers()[0].pid)
        blocked = [line for line in daemon.log.splitlines() if _blocked(line) > long]
    assert len(blocked) <= A_FEW, blocked


async def test_a_neighbour_of_a_flood_types_on() -> None:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(Sshd())
        daemon = await stack.enter_async_context(Proxyd())
        target = Target(daemon.address)
        text = server.folder / "text"
        write_text(text, 5)
        typist = await stack.enter_async_context(await target.shell(server))
        flooder = await stack.enter_async_context(await target.shell(server))
        flooder.type(f"while :; do cat {text}; done\n")
        await flooder.frame()
        typist.type("exec cat >/dev/null\n")
        await typist.quiet(0.3)
        delays = await echo_delays(typist, 40)
    assert statistics.median(delays) < NOTICEABLE


async def test_a_neighbour_of_a_hostile_desktop_types_on() -> None:
    async with Proxyd() as daemon:
        delays = await delays_beside(Target(daemon.address), 10)
        noticeable = NOTICEABLE * _stretched(daemon.workers()[0].pid)
    slow = {attack: found for attack, found in delays.items() if statistics.median(found) > noticeable}
    assert not slow


def _blocked(line: str) -> float:
    """Seconds that a callback took, if the loop complains of one."""
    found = BLOCKED.search(line)
    return float(found[1]) if found else 0.0


def _stretched(pid: int) -> float:
    """How many times as long as its work a process took, for want of a processor."""
    schedule = Path(f"/proc/{pid}/schedstat")
    if not schedule.exists():
        return 1.0
    ran, waited, _ = map(int, schedule.read_text().split())
    return (ran + waited) / ran
