"""How long a key takes from the browser through a real sshd and back as a picture, and what it costs on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.keystrokes import echo_delays
from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

WARM_UP = 20

ROWS = (
    Row("p50", "keystroke echo through sshd, p50", "ms", most=2),
    Row("p95", "keystroke echo through sshd, p95", "ms", most=4),
    Row("bytes", "bytes on the wire per echoed key", "B", most=150),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Type at a program that the terminal driver echoes for."""
    with Sshd() as server:
        async with await target.shell(server) as meter:
            meter.type("exec cat >/dev/null\n")
            await meter.quiet(0.5)
            await echo_delays(meter, WARM_UP)
            meter.reset()
            delays = await echo_delays(meter, options.keys)
            await meter.quiet(0.2)
            cost = meter.bytes / len(delays)
    return {"p50": percentile(delays, 50), "p95": percentile(delays, 95), "bytes": cost}


BENCHMARK = Benchmark("echo", ROWS, measure)
