"""Files to flood a terminal with."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_text"]

WORDS = """the of and to in is you that it he was for on are as with his they at be this have from or one had by word
but not what all were we when your can said there use an each which she do how their if will up other about out many
then them these so some her would make like him into time has look two more write go see number no way could people""".split()  # noqa: SIM905 - eighty literals read worse
BLOCK = 2000
"""Lines that are different; the file repeats them."""


def write_text(path: Path, megabytes: float, *, coloured: bool = False) -> None:
    """Write lines of 3 to 14 common words; `coloured` wraps each word in a colour and a reset."""
    chosen = random.Random(7)

    def word() -> str:
        text = chosen.choice(WORDS)
        return f"\033[{chosen.randint(31, 37)}m{text}\033[0m" if coloured else text

    lines = [" ".join(word() for _ in range(chosen.randint(3, 14))) + "\n" for _ in range(BLOCK)]
    block = "".join(lines).encode()
    size = int(megabytes * 1e6)
    path.write_bytes((block * (size // len(block) + 1))[:size])
