"""How long `cat` of a big file takes until its end stands on the screen."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.benchmarks.rows import Benchmark, Options, Row
from tests.benchmarks.texts import write_text
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.client import Meter
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

DEADLINE = 120.0
AT_REST = 1.0
"""Seconds without a new picture after which the last one counts as the end."""

ROWS = (
    Row("plain", "cat of 20 MB plain text", "s", faster=8),
    Row("coloured", "cat of 20 MB coloured text", "s", faster=5),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Show two files in one shell."""
    figures = {}
    with Sshd() as server:
        async with await target.shell(server) as meter:
            for name in ("plain", "coloured"):
                path = server.folder / name
                write_text(path, options.megabytes, coloured=name == "coloured")
                figures[name] = await _show(meter, path)
    return figures


async def _show(meter: Meter, path: Path) -> float:
    """Seconds from Enter to the picture of the prompt that follows."""
    done = path.with_suffix(".done")
    meter.type(f"cat {path}; : >{done}")
    await meter.quiet(0.5)
    begun = time.perf_counter()
    meter.type("\n")
    async with asyncio.timeout(DEADLINE):
        while not done.exists():
            await asyncio.sleep(0.01)
    await meter.quiet(AT_REST)
    return meter.last_drawn - begun


BENCHMARK = Benchmark("flood", ROWS, measure)
