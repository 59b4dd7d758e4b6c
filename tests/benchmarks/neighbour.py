"""What a person notices of somebody else's flood in the same worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.keystrokes import echo_delays
from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.benchmarks.texts import write_text
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

WARM_UP = 10

ROWS = (
    Row("p50", "neighbour's echo during a flood, p50", "ms", most=5),
    Row("p95", "neighbour's echo during a flood, p95", "ms", most=15),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """One session shows a file over and over while another one types."""
    with Sshd() as server:
        path = server.folder / "plain"
        write_text(path, options.megabytes)
        async with await target.shell(server) as typist, await target.shell(server) as flooder:
            typist.type("exec cat >/dev/null\n")
            await typist.quiet(0.5)
            flooder.type(f"while :; do cat {path}; done\n")
            await flooder.frame()
            await echo_delays(typist, WARM_UP)
            delays = await echo_delays(typist, options.keys)
    return {"p50": percentile(delays, 50), "p95": percentile(delays, 95)}


BENCHMARK = Benchmark("neighbour", ROWS, measure)
