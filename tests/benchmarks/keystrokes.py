"""Typing as a person does, and how long each key takes to be seen."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.client import Meter

__all__ = ["echo_delays"]

TEXT = "the quick brown fox jumps over the lazy dog "
PAUSE = (0.02, 0.06)
"""Seconds between keys, at random so that no timer of the daemon falls into step."""


async def echo_delays(meter: Meter, keys: int) -> list[float]:
    """Type at something that echoes; the milliseconds from each key to the frame that shows it."""
    moments = random.Random(1)
    delays = []
    for character in itertools.islice(itertools.cycle(TEXT), keys):
        pressed = time.perf_counter()
        meter.send("key", ord(character), 1)
        delays.append((await meter.frame() - pressed) * 1000)
        meter.send("key", ord(character), 0)
        await asyncio.sleep(moments.uniform(*PAUSE))
    return delays
