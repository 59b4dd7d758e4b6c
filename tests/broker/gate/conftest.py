from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from broker.store import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.store import Store


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(clock: Clock) -> AsyncIterator[Store]:
    opened = open_store("sqlite://", clock)
    yield opened
    await opened.close()
