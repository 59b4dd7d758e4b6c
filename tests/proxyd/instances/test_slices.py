from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from proxyd.instances import slices
from proxyd.instances.slices import Slices

if TYPE_CHECKING:
    from collections.abc import Iterator


async def test_short_work_is_done_at_once() -> None:
    done: list[str] = []
    work = Slices()
    work.start("a", iter("abc"), lambda: done.append("a"))
    assert done == ["a"]
    assert not work.runs("a")


async def test_long_work_leaves_turns_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    monkeypatch.setattr(slices, "REST", 0.0)
    order: list[str] = []

    def steps(name: str) -> Iterator[None]:
        for n in range(3):
            order.append(f"{name}{n}")
            yield

    work = Slices()
    finished = asyncio.Event()
    work.start("a", steps("a"), finished.set)
    work.start("b", steps("b"), lambda: None)
    assert work.runs("a")
    assert order == ["a0", "b0"]
    await asyncio.wait_for(finished.wait(), 5)
    assert order[:4] == ["a0", "b0", "a1", "b1"]


async def test_work_is_given_up_for_other_work_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    work, done = Slices(), []
    work.start("a", iter("abc"), lambda: done.append("first"))
    work.start("a", iter(""), lambda: done.append("second"))
    work.start("b", iter("abc"), lambda: done.append("b"))
    work.close()
    await asyncio.sleep(0.02)
    assert done == ["second"]
