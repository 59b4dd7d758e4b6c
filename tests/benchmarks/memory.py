"""What one more idle session costs in memory."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.benchmarks.rows import Benchmark, Options, Row
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.benchmarks.client import Meter
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

WARM_UP = 10
"""Sessions that have loaded what all share."""
SCREENFUL = "clear; seq -s ' ' 2000\n"

ROWS = (
    Row("ssh", "memory of an idle SSH session (PSS)", "MB", most=0.6),
    Row("vnc", "memory of an idle VNC session (PSS)", "MB", most=1.0),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Open sessions with a full screen each, and let them rest."""
    with Sshd(options=["MaxStartups 100"]) as server:

        async def shell() -> Meter:
            meter = await target.shell(server)
            meter.type(SCREENFUL)
            await meter.quiet(0.3)
            return meter

        ssh = await _marginal(target, options.sessions, shell)
    with Xvnc(1280, 800) as screen:
        screen.run("xsetroot", "-mod", "7", "13", "-fg", "orange", "-bg", "navy")
        screen.spawn("xterm", "-geometry", "120x40+50+50", "-e", "seq 1 500; exec sleep 600")
        vnc = await _marginal(target, options.sessions, lambda: target.desktop(screen))
    return {"ssh": ssh, "vnc": vnc}


async def _marginal(target: Target, count: int, opened: Callable[[], Awaitable[Meter]]) -> float:
    """Megabytes for each session beyond the first ones."""
    async with AsyncExitStack() as stack:
        for number in range(WARM_UP + count):
            if number == WARM_UP:
                before = target.memory()
            await stack.enter_async_context(await opened())
        return (target.memory() - before) / count


BENCHMARK = Benchmark("memory", ROWS, measure)
