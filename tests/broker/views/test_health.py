"""Whether the broker lives, and whether it can serve."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("path", ["/healthz", "/guacamole/healthz"])
async def test_what_a_front_makes_of_a_request(
    serve: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """In two parts, so that buffering shows."""
    monkeypatch.setattr("broker.views.health.PAUSE", 0.05)
    async with serve(trusted_proxies=["127.0.0.1"]) as broker:
        headers = {
            "Host": "desk.example",
            "Connection": "upgrade",
            "Upgrade": "websocket",
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Proto": "https",
        }
        answer = await broker.client.get(f"{path}?deep=1", headers=headers)
        first = await answer.content.readany()
        assert not first.endswith(b"}")
        assert json.loads(first + await answer.read()) == {
            "status": "ok",
            "time": broker.clock() * 1000,
            "host": "desk.example",
            "scheme": "https",
            "address": "192.0.2.7",
            "forwarded": "believed",
            "upgrade": True,
        }


@pytest.mark.parametrize(("headers", "said"), [({}, "none"), ({"X-Forwarded-For": "192.0.2.7"}, "ignored")])
async def test_headers_of_a_front_that_is_not_named(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], said: str
) -> None:
    monkeypatch.setattr("broker.views.health.PAUSE", 0)
    body = await (await broker.client.get("/healthz?deep=1", headers=headers)).json()
    assert (body["forwarded"], body["address"], body["upgrade"]) == (said, "127.0.0.1", False)


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
