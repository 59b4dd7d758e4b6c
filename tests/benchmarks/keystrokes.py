"""Typing as a person does, and how long each key takes to be seen."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.client import Meter

__all__ = ["echo_delays"]

LINE = "the quick brown fox jumps over the lazy dog"
ENTER = 0xFF0D
PAUSE = (0.02, 0.06)
"""Seconds between keys, at random so that no timer of the daemon falls into step."""


async def echo_delays(meter: Meter, keys: int) -> list[float]:
    """Type so many keys, in lines, at something that echoes.

    Returns:
        The milliseconds from each letter to the frame that shows it.
    """
    moments = random.Random(1)
    delays: list[float] = []
    while len(delays) < keys:
        for character in LINE[: keys - len(delays)]:
            delays.append(await _echo(meter, ord(character)))
            await asyncio.sleep(moments.uniform(*PAUSE))
        await _echo(meter, ENTER)
    return delays


async def _echo(meter: Meter, keysym: int) -> float:
    pressed = time.perf_counter()
    meter.send("key", keysym, 1)
    delay = (await meter.frame() - pressed) * 1000
    meter.send("key", keysym, 0)
    return delay
