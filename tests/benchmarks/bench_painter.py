"""What painting costs: `python -m tests.benchmarks.bench_painter`.

Milliseconds of one core for a full screen and for a row, without and with the encoder; bytes on the wire for both and for
an echoed key. The least of several rounds counts: what else the machine does only adds.
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING

from proxyd.display.emit import emit, sync
from proxyd.display.encode import encode
from proxyd.display.ops import Indexed, Op, Pixels
from proxyd.terminal.fonts import PACKAGED
from proxyd.terminal.glyphs import Atlas
from proxyd.terminal.painter import Painter, Sheet
from proxyd.terminal.schemes import find_scheme
from proxyd.terminal.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = ((80, 24), (160, 50), (240, 70))
ROUNDS = 15
WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "lazy",
    "dogs",
    "and",
    "1024",
    "fields",
    "of",
    "ripe",
    "wheat",
)
HEADS = ("text", "size", "paint ms", "row ms", "with encoding ms", "KB", "row B", "key B", "key µs")


def plain(columns: int) -> str:
    """A line of words."""
    words = random.choices(WORDS, k=columns // 3)
    return " ".join(words)[: columns - 1]


def coloured(columns: int) -> str:
    """A line of words, each in a colour."""
    line, length = "", 0
    while length < columns - 12:
        word = random.choice(WORDS)
        line += f"\x1b[{random.randint(31, 36)}m{word}\x1b[0m "
        length += len(word) + 1
    return line


def true_colour(columns: int) -> str:
    """A line of a picture made of half blocks."""
    pixels = (random.choices(range(256), k=6) for _ in range(columns - 1))
    return "".join("\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*pixel) for pixel in pixels) + "\x1b[m"


def wire(ops: list[Op]) -> int:
    """Bytes of a frame."""
    return sum(len(emit(op)) for op in encoded(ops)) + len(sync(987654321, 0))


def encoded(ops: list[Op]) -> list[Op]:
    """What the pump makes of operations."""
    return [encode(op, accepts=frozenset()) if isinstance(op, Indexed | Pixels) else op for op in ops]


def least(work: Callable[[], object], prepare: Callable[[], object]) -> float:
    """Milliseconds of the quickest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        prepare()
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best * 1e3


def measure(line: Callable[[int], str], columns: int, rows: int, atlas: Atlas) -> list[str]:
    """One row of the table."""
    terminal = Terminal(columns, rows)
    terminal.screen.set_palette(find_scheme("").palette)
    cell = atlas.cell
    painter = Painter(terminal.screen, atlas, Sheet(columns * cell.width, rows * cell.height, 0, 0))

    def fill() -> None:
        terminal.feed(b"\x1b[H" + "\r\n".join(line(columns) for _ in range(rows)).encode())

    def change_row() -> None:
        painter.paint()
        terminal.feed(f"\x1b[5H{line(columns)}".encode())

    fill()
    painter.paint()
    full = least(painter.paint, fill)
    row = least(painter.paint, change_row)
    both = least(lambda: encoded(painter.paint()), fill)
    fill()
    size = wire(painter.paint())
    change_row()
    row_size = wire(painter.paint())
    terminal.feed(b"\x1b[m\x1b[3;3H\x1b[K")
    painter.paint()
    terminal.feed(b"x")
    key_size = wire(painter.paint())
    key = least(lambda: wire(painter.paint()), lambda: terminal.feed(b"x"))
    return [
        line.__name__, f"{columns}x{rows}", f"{full:.2f}", f"{row:.3f}", f"{both:.2f}", f"{size / 1024:.1f}", str(row_size),
        str(key_size), f"{key * 1e3:.0f}",
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    random.seed(1)
    table = [list(HEADS)]
    for pixels in (14, 28):
        atlas = Atlas(PACKAGED, pixels)
        table.append([f"{pixels} px", f"cell {atlas.cell.width}x{atlas.cell.height}", *[""] * 7])
        for line in (plain, coloured, true_colour):
            for columns, rows in SIZES:
                table.append(measure(line, columns, rows, atlas))
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADS))]
    for line in table:
        sys.stdout.write(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + "\n"
        )


if __name__ == "__main__":
    main()
