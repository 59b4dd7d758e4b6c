"""Who is kept out is listed and let in from the command line, beside a running broker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from broker.bans import Bans
from broker.cli.outcome import Exit
from broker.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kept_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Somebody who failed often."""
    address = f"sqlite:///{tmp_path / 'broker.sqlite'}"
    monkeypatch.setenv("FANLIGHT_STORE", address)

    async def work() -> None:
        store = open_store(address, time.time)
        bans = Bans(store, time.time, 2, 3600)
        for _ in range(12):
            await bans.failed("address 192.0.2.9", "bad-signature")
        await store.close()

    asyncio.run(work())
    return "address 192.0.2.9"


def test_listed_and_let_in(fanlight: Any, kept_out: str) -> None:
    (row,) = fanlight("bans", "list", "--json").json
    assert (row["subject"], row["reason"], row["failures"]) == (kept_out, "bad-signature", 12)
    assert kept_out in fanlight("bans", "list").output
    assert fanlight("bans", "lift", kept_out).code == Exit.DONE
    assert fanlight("bans", "list", "--json").json == []
    again = fanlight("bans", "lift", kept_out)
    assert (again.code, again.errors) == (Exit.FAILED, f"fanlight: {kept_out} is not kept out\n")


def test_a_store_that_does_not_answer(
    fanlight: Any, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("FANLIGHT_STORE", f"redis://127.0.0.1:{unused_tcp_port}/0")
    outcome = fanlight("bans", "list")
    assert outcome.code == Exit.FAILED
    assert outcome.errors.startswith("fanlight: store: ")
