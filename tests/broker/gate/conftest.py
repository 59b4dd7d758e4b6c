from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from broker.store import open_store
from tests.broker.gate.gates import Site, site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

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


@pytest.fixture
def serve_gate(clock: Clock, page_folder: Path) -> Any:
    """`async with serve_gate(setting=...) as gate`."""

    def serve(**settings: Any) -> Any:
        return site(clock, page_folder, **settings)

    return serve


@pytest.fixture
async def gate(serve_gate: Any) -> AsyncIterator[Site]:
    """A gate that permits everything."""
    async with serve_gate() as served:
        yield served
