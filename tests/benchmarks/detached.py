"""What a session costs while its owner is away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.benchmarks.memory import SCREENFUL, WARM_UP
from tests.benchmarks.rows import Benchmark, Options, Row
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

WATCHED = 5.0
"""Seconds for which processor time is counted."""

ROWS = (
    Row("memory", "memory of a detached SSH session (PSS)", "MB", most=0.6),
    Row("cpu", "processor time of a detached SSH session, a second", "ms", most=0.1),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Open shells with a full screen each, lose their networks, and let them rest."""
    with Sshd(options=["MaxStartups 100"]) as server:
        async with AsyncExitStack() as stack:
            for number in range(WARM_UP + options.sessions):
                if number == WARM_UP:
                    before = target.memory()
                meter = await stack.enter_async_context(
                    await target.shell(server, **{"detach-timeout": "600", "session-owner": "bench"})
                )
                meter.type(SCREENFUL)
                await meter.quiet(0.3)
                meter.writer.close()
            await asyncio.sleep(1.0)
            after, spent = target.memory(), target.cpu()
            await asyncio.sleep(WATCHED)
            idle = (target.cpu() - spent) * 1000 / WATCHED / (WARM_UP + options.sessions)
    return {"memory": (after - before) / options.sessions, "cpu": idle}


BENCHMARK = Benchmark("detached", ROWS, measure, peer=False)
