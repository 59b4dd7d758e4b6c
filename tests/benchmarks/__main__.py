"""`python -m tests.benchmarks [NAME ...]`: the performance table; see docs/reference/performance.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import (
    attacked,
    bench_terminal,
    connectors,
    desktops,
    detached,
    echo,
    flood,
    idle,
    jump,
    memory,
    neighbour,
    relay,
    sftp,
    slow,
)
from tests.benchmarks.rows import Benchmark, Options
from tests.benchmarks.table import Result, as_json, as_table, machine
from tests.benchmarks.target import Guacd, Ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.target import Target

BENCHMARKS: tuple[Benchmark, ...] = (
    echo.BENCHMARK,
    flood.BENCHMARK,
    neighbour.BENCHMARK,
    attacked.BENCHMARK,
    bench_terminal.BENCHMARK,
    *desktops.BENCHMARKS,
    slow.BENCHMARK,
    memory.BENCHMARK,
    detached.BENCHMARK,
    idle.BENCHMARK,
    sftp.BENCHMARK,
    relay.BENCHMARK,
    connectors.BENCHMARK,
    jump.BENCHMARK,
)

Figures = dict[str, dict[str, list[float]]]
"""Row, daemon, figures of the rounds."""


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    defaults = Options()
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Print the performance table."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(names)}")
    parser.add_argument("--guacd", metavar="HOST:PORT", default=os.environ.get("FANLIGHT_GUACD", ""))
    parser.add_argument("--rounds", type=int, default=1, help="how often; the table shows medians")
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of a desktop load")
    parser.add_argument(
        "--parameter",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="of the desktop loads' connections",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if wrong := [row for row in asked.parameter if "=" not in row]:
        parser.error(f"--parameter {wrong[0]}: say NAME=VALUE")
    return asked


async def measure(benchmark: Benchmark, targets: Sequence[Target], options: Options, rounds: int) -> Figures:
    """Measure the daemons in turn, so that what the machine does meanwhile hits them alike."""
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for target in targets:
            try:
                measured = await benchmark.measure(target, options)
            except Exception as error:  # noqa: BLE001 - one row that cannot be measured does not hide the others
                _say(f"{benchmark.name}: {target.name} was not measured: {error!r}")
            except pytest.skip.Exception as error:
                _say(f"{benchmark.name}: not measured: {error}")
            else:
                for name, value in measured.items():
                    figures[name][target.name].append(value)
    return figures


async def run(asked: argparse.Namespace) -> list[Result]:
    """Measure what was asked for."""
    host, _, port = asked.guacd.rpartition(":")
    peers = [Guacd((host or "127.0.0.1", int(port)))] if port else []
    parameters = dict(row.split("=", 1) for row in asked.parameter)
    options = Options(seconds=asked.seconds, parameters=parameters)
    results = []
    for benchmark in BENCHMARKS:
        if asked.names and benchmark.name not in asked.names:
            continue
        _say(f"measuring {benchmark.name}")
        async with Ours() as ours:
            targets = [ours, *peers] if benchmark.peer else [ours]
            figures = await measure(benchmark, targets, options, asked.rounds)
        for row in benchmark.rows:
            by_daemon = figures[row.name]
            results.append(Result(benchmark.name, row, by_daemon["fanlight"], by_daemon["guacd"]))
    return results


def main() -> int:
    """Measure and print; 1 where something of ours could not be measured, 2 where there is no guacd."""
    asked = arguments()
    try:
        results = asyncio.run(run(asked))
    except LookupError as error:
        _say(f"--guacd: {error}")
        return 2
    sys.stdout.write(as_json(results) if asked.json else f"{machine()}\n\n{as_table(results)}\n")
    return int(any(not result.ours for result in results))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
