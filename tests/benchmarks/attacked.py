"""What a person notices of a neighbour in the same worker whose desktop is hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.keystrokes import echo_delays
from tests.benchmarks.rows import Benchmark, Options, Row, percentile
from tests.fakes.hostile_vnc import ATTACKS, HostileVnc
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK", "delays_beside"]

WARM_UP = 10

ROWS = (
    Row("p50", "neighbour's echo beside hostile desktops, p50", "ms"),
    Row("p95", "neighbour's echo beside hostile desktops, p95", "ms"),
)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Type while one hostile server after the other has a session."""
    delays: list[float] = []
    for found in (await delays_beside(target, options.keys // len(ATTACKS))).values():
        delays += found
    return {"p50": percentile(delays, 50), "p95": percentile(delays, 95)}


async def delays_beside(target: Target, keys: int) -> dict[str, list[float]]:
    """Milliseconds of echo in a shell, by the attack that went on beside it."""
    delays = {}
    with Sshd() as server:
        async with await target.shell(server) as typist:
            typist.type("exec cat >/dev/null\n")
            await typist.quiet(0.5)
            await echo_delays(typist, WARM_UP)
            for attack in ATTACKS:
                async with HostileVnc(attack) as hostile, await target.vnc(hostile.port):
                    await hostile.under_way()
                    delays[attack] = await echo_delays(typist, keys)
    return delays


BENCHMARK = Benchmark("attacked", ROWS, measure)
