"""The gate's books in a real Redis, as several brokers share them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from broker.gate.host_keys import GATE, PinnedKeys
from broker.gate.instances import Instances
from broker.gate.reports import Reports
from broker.store import open_store
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.store import Store

pytestmark = [pytest.mark.real]

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFRz0Wbq1hOvt2oP0cqbQJfaPzB0QHRlK1vHLNGSWEnN"


@pytest.fixture
async def brokers() -> AsyncIterator[list[Store]]:
    """Two connections to one server."""
    port = processes.free_port()
    server = processes.start(
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
    )
    stores: list[Store] = []
    try:
        processes.wait_for_port(port, server)
        stores = [open_store(f"redis://127.0.0.1:{port}/0", time.time) for _ in range(2)]
        yield stores
    finally:
        for store in stores:
            await store.close()
        processes.stop(server)


async def test_two_brokers_keep_one_book(brokers: list[Store]) -> None:
    here, there = (Instances(store, time.time) for store in brokers)
    made, token = await here.add(
        {"name": "vm", "owner": "alice", "addresses": ["10.1.2.3"], "service": "7", "role": "web"}
    )
    assert await there.authentic(made.id, token, "10.1.2.3") == made
    assert await there.at("portal", "", "10.1.2.3") == made
    assert [row.id for row in await there.of_service("", "7")] == [made.id]
    assert await there.all() == [made]

    books = [Reports(store, time.time) for store in brokers]
    await asyncio.gather(*(books[n % 2].merge(made.id, {f"KEY_{n}": "x"}) for n in range(16)))
    assert len((await books[0].find(made.id)).attributes) == 16

    await PinnedKeys(brokers[0], time.time).saw(made.id, [ONE], GATE)
    assert [pin.line for pin in (await PinnedKeys(brokers[1], time.time).find(made.id)).pins] == [ONE]

    assert await there.remove(made.id)
    assert await here.at("portal", "", "10.1.2.3") is None
    assert (await here.all(), (await books[0].find(made.id)).attributes) == ([], {})
    assert await here.of_service("", "7") == []
