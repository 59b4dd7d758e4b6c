"""Whether the broker lives, and whether it can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broker.store import StoreError

if TYPE_CHECKING:
    from tests.broker.conftest import Broker


async def ready(broker: Broker) -> tuple[int, dict[str, Any]]:
    answer = await broker.client.get("/readyz")
    return answer.status, await answer.json()


async def test_alive(broker: Broker) -> None:
    answer = await broker.client.get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_ready(relay: Broker) -> None:
    assert await ready(relay) == (200, {"status": "ok", "proxyd": True, "store": True, "accepting": True})


async def test_no_daemon(broker: Broker) -> None:
    status, body = await ready(broker)
    assert (status, body["status"], body["proxyd"]) == (503, "unavailable", False)


async def test_draining(relay: Broker) -> None:
    relay.parts.gateway.drain()
    status, body = await ready(relay)
    assert (status, body["accepting"]) == (503, False)


async def test_no_store(relay: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(relay.parts.store, "get", fail)
    status, body = await ready(relay)
    assert (status, body["store"]) == (503, False)
    answer = await relay.client.head("/guacamole/api/session", params={"token": "0" * 64})
    assert answer.status == 503
