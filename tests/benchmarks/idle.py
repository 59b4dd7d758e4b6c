"""How promptly a worker answers while hundreds of sessions rest in it."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from tests.benchmarks.client import Meter
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

SHELLS = 20
"""Of the sessions; the others are desktops, which share one Xvnc: a machine of 2 processors has no room for 300 shells."""
PROBES = 400
AT_ONCE = 10
"""Sessions opened at a time."""

ROWS = (Row("p99", "answer of a worker with 300 idle sessions, p99", "ms", most=5),)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Ask one session for something that it answers at once, the way through its loop included."""
    with Sshd(options=["MaxStartups 100"]) as server, Xvnc(1280, 800) as screen:
        async with AsyncExitStack() as stack:
            wanted = [target.shell(server) for _ in range(SHELLS)]
            wanted += [target.desktop(screen) for _ in range(options.crowd - SHELLS)]
            for start in range(0, len(wanted), AT_ONCE):
                for meter in await asyncio.gather(*wanted[start : start + AT_ONCE]):
                    await stack.enter_async_context(meter)
            delays = await _answers(meter)
    return {"p99": percentile(delays, 99)}


async def _answers(meter: Meter) -> list[float]:
    """Milliseconds until a parameter that cannot be changed is refused."""
    moments = random.Random(1)
    delays = []
    for _ in range(PROBES):
        asked = time.perf_counter()
        meter.send("argv", 0, "text/plain", "nothing")
        await meter.answer()
        delays.append((time.perf_counter() - asked) * 1000)
        await asyncio.sleep(moments.uniform(0.005, 0.02))
    return delays


BENCHMARK = Benchmark("idle", ROWS, measure, peer=False)
