"""What interpreting output costs: `python -m tests.benchmarks.bench_terminal`.

Megabytes for each second of processor time, by load and by size of the batches that are fed. The best of several rounds
counts: what else the machine does only takes away.
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING

from proxyd.terminal.terminal import Terminal
from tests.benchmarks.rows import Benchmark, Options, Row
from tests.benchmarks.texts import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

COLUMNS, ROWS = 80, 24
BATCHES = (4096, 32768, 262144)
ROUNDS = 3
SIZE = 2_000_000
UNICODE = (
    "héllo",
    "wörld",
    "ñandú",
    "Привет",
    "мир",
    "你好世界",
    "日本語テキスト",
    "┌──┐",
    "│x│",
    "└──┘",
    "ελληνικά",
    "👍🎉",
    "e\u0301te\u0301",
)


def lines(word: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    """Lines of 3 to 14 words."""
    return lambda chosen: " ".join(word(chosen) for _ in range(chosen.randint(3, 14))) + "\r\n"


def plain(chosen: random.Random) -> str:
    """A common word."""
    return chosen.choice(WORDS)


def coloured(chosen: random.Random) -> str:
    """A word in a colour, and a reset."""
    return f"\x1b[{chosen.randint(31, 37)}m{chosen.choice(WORDS)}\x1b[0m"


def unicode(chosen: random.Random) -> str:
    """A word of any script."""
    return chosen.choice(UNICODE)


def repaint(chosen: random.Random) -> str:
    """A full-screen program paints a row: runs of 8 to 30 characters, each in a style of its own."""
    row = f"\x1b[{chosen.randint(1, ROWS)};1H"
    used = 0
    while used < COLUMNS:
        length = min(chosen.randint(8, 30), COLUMNS - used)
        text = " ".join(chosen.choice(WORDS) for _ in range(12))[:length]
        row += f"\x1b[{chosen.randint(0, 1)};{chosen.randint(30, 37)}m{text}"
        used += length
    return row


def cursor(chosen: random.Random) -> str:
    """A program that jumps about: a place, a word, the rest of the row erased."""
    place = f"\x1b[{chosen.randint(1, ROWS)};{chosen.randint(1, COLUMNS)}H"
    return place + chosen.choice(WORDS) + "\x1b[K"


def garbage(chosen: random.Random) -> str:
    """Random bytes, one character each."""
    return chosen.randbytes(100).decode("latin-1")


LOADS = {
    "plain": lines(plain),
    "coloured": lines(coloured),
    "Unicode": lines(unicode),
    "repaint": repaint,
    "cursor": cursor,
    "random": garbage,
}


def load(name: str, size: int = SIZE) -> bytes:
    """The same bytes each time."""
    chosen = random.Random(7)
    data = bytearray()
    while len(data) < size:
        data += LOADS[name](chosen).encode("latin-1" if name == "random" else "utf-8")
    return bytes(data)


def speed(data: bytes, batch: int, rounds: int = ROUNDS) -> float:
    """Megabytes a terminal takes in a second of processor time."""
    best = 0.0
    for _ in range(rounds):
        terminal = Terminal(COLUMNS, ROWS)
        start = time.process_time()
        for offset in range(0, len(data), batch):
            terminal.feed(data[offset : offset + batch])
        best = max(best, len(data) / (time.process_time() - start) / 1e6)
    return best


async def measure(_target: Target, _options: Options) -> dict[str, float]:
    """The figures that have a budget."""
    return {
        "repaint": speed(load("repaint"), BATCHES[-1]),
        "plain": speed(load("plain", 4 * SIZE), BATCHES[-1]),
        "coloured": speed(load("coloured", 4 * SIZE), BATCHES[-1]),
    }


BENCHMARK = Benchmark(
    "terminal",
    (
        Row("repaint", "terminal: full-screen repaints, parser and screen", "MB/s", least=12),
        Row("plain", "terminal: plain flood in batches of 256 KB", "MB/s", least=100),
        Row("coloured", "terminal: coloured flood in batches of 256 KB", "MB/s", more_is_better=True),
    ),
    measure,
    peer=False,
)


def main() -> None:
    """Print the table."""
    sys.stdout.write("MB/s".ljust(12) + "".join(f"{batch // 1024:>8} KB" for batch in BATCHES) + "\n")
    for name in LOADS:
        data = load(name)
        speeds = (speed(data, batch) for batch in BATCHES)
        sys.stdout.write(name.ljust(12) + "".join(f"{figure:>11.1f}" for figure in speeds) + "\n")


if __name__ == "__main__":
    main()
