"""One person on a narrow link, another one beside them in the same session: how old a picture gets, and who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.client import Link
from tests.benchmarks.desktops import REFERENCE, draw
from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

LINK = Link(rate=1_000_000, delay=0.1)

ROWS = (
    Row("age", "slow link (8 Mbit/s, 100 ms): age of the picture, p95", "ms", most=1000),
    Row("slow", "slow link: frames in 8 s", "", more_is_better=True),
    Row("fast", "viewer beside the slow link: frames in 8 s", "", more_is_better=True),
    Row("memory", "slow link: memory gained", "MB"),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Watch the film in two windows."""
    with Xvnc(1280, 800) as server:
        async with await target.desktop(server) as fast, await target.join(fast, LINK) as slow:
            await slow.frame()
            before = target.memory()
            slow.reset()
            fast.reset()
            await draw("video", server.display, options.seconds)
            gained = target.memory() - before
            scale = REFERENCE / options.seconds
            return {
                "age": percentile(slow.ages, 95),
                "slow": slow.frames * scale,
                "fast": fast.frames * scale,
                "memory": gained,
            }


BENCHMARK = Benchmark("slow", ROWS, measure)
