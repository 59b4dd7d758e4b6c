from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broker.networks.registry import FRESH, Connector, NetworkError, PrivateNetworks
from broker.networks.rollouts import Rollout
from broker.networks.shown import shown, state, target_of
from broker.store import open_store
from broker.store.base import Kind
from connector.keyfile import parse_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ENDPOINT = "wss://desk.example.org/guacamole/connector"


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def networks(clock: Clock) -> AsyncIterator[PrivateNetworks]:
    store = open_store("sqlite://", clock)
    yield PrivateNetworks(store, clock)
    await store.close()


async def test_a_key_is_made_shown_once_and_accepted(networks: PrivateNetworks, clock: Clock) -> None:
    network, made = await networks.new_key("lab", [ENDPOINT])
    key = parse_key(await networks.show_once("lab") or "")
    assert (key.network, key.generation, [str(row) for row in key.endpoints]) == ("lab", 1, [ENDPOINT])
    assert network.accepted(clock()) == {key.fingerprint: 1} == {made.fingerprint: 1}
    assert await networks.show_once("lab") is None


async def test_a_new_key_ends_the_one_before_unless_they_overlap(
    networks: PrivateNetworks, clock: Clock
) -> None:
    await networks.new_key("lab", [ENDPOINT])
    network, second = await networks.new_key("lab")
    assert network.accepted(clock()) == {second.fingerprint: 2}
    network, _ = await networks.new_key("lab", overlap=3600)
    assert sorted(network.accepted(clock()).values()) == [2, 3]
    clock.now += 3601
    assert list(network.accepted(clock()).values()) == [3]
    assert network.endpoints == (ENDPOINT,)


async def test_a_key_is_revoked(networks: PrivateNetworks, clock: Clock) -> None:
    await networks.new_key("lab", [ENDPOINT])
    await networks.new_key("lab", overlap=60)
    assert [key.generation for key in await networks.revoke("lab", 1)] == [1]
    assert [key.generation for key in await networks.revoke("lab")] == [2]
    assert await networks.revoke("lab") == []
    assert await networks.show_once("lab") is None
    found = await networks.find("lab")
    assert found is not None
    assert found.accepted(clock()) == {}


@pytest.mark.parametrize(
    ("name", "endpoints", "overlap", "says"),
    [
        ("Lab", [ENDPOINT], 0, "called by"),
        ("../lab", [ENDPOINT], 0, "called by"),
        ("lab", [], 0, "where connectors shall dial"),
        ("lab", ["https://desk.example.org"], 0, "not of the form"),
        ("lab", [ENDPOINT], 86401, "24 hours"),
        ("lab", [ENDPOINT], -1, "24 hours"),
    ],
)
async def test_what_will_not_do(
    networks: PrivateNetworks, name: str, endpoints: list[str], overlap: float, says: str
) -> None:
    with pytest.raises(NetworkError, match=says):
        await networks.new_key(name, endpoints, overlap)
    assert await networks.all() == []


async def test_connectors_are_listed_and_count_as_lost_when_nothing_is_heard(
    networks: PrivateNetworks, clock: Clock
) -> None:
    here = Connector("lab", "one", True, clock(), clock(), daemon="d1:4822", host="gw1")
    await networks.note(here)
    await networks.note(replace(here, machine="two", host="gw2", connected=False, error="the link broke"))
    await networks.note(replace(here, network="laboratory", daemon="d9:4822"))
    assert [(row.host, row.connected) for row in await networks.connectors("lab")] == [
        ("gw1", True),
        ("gw2", False),
    ]
    assert await networks.daemons("lab") == ["d1:4822"]
    assert state(await networks.connectors("lab")) == "degraded"
    clock.now += FRESH + 1
    assert await networks.daemons("lab") == []
    assert "broker" in (await networks.connectors("lab"))[0].error
    assert state([]) == "pending"


async def test_nothing_secret_is_shown(networks: PrivateNetworks, clock: Clock) -> None:
    network, _ = await networks.new_key("lab", [ENDPOINT])
    for text in (repr(network), str(shown(network, [], Rollout(None, None), clock()))):
        assert "PRIVATE" not in text


async def test_a_network_is_removed(networks: PrivateNetworks, clock: Clock) -> None:
    await networks.new_key("lab", [ENDPOINT])
    await networks.note(Connector("lab", "one", True, clock(), clock()))
    assert await networks.remove("lab")
    assert not await networks.remove("lab")
    assert await networks.connectors("lab") == []


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":22", "host:0", "host:65536", "a b:22", "host:22 22", "h\n:22"]
)
def test_no_targets(text: str) -> None:
    with pytest.raises(ValueError):
        target_of(text)


def test_targets() -> None:
    assert target_of("db.lab.example:22") == ("db.lab.example", 22)
    assert target_of("[2001:db8::1]:5900") == ("2001:db8::1", 5900)


async def test_a_key_that_is_revoked_while_another_is_made_stays_revoked(
    networks: PrivateNetworks, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await networks.new_key("lab", [ENDPOINT])
    store = networks._store
    read = store.get

    async def then_revoked(kind: Kind, key: str) -> bytes | None:
        value = await read(kind, key)
        monkeypatch.setattr(store, "get", read)
        await networks.revoke("lab")
        return value

    monkeypatch.setattr(store, "get", then_revoked)
    with pytest.raises(NetworkError, match="somebody else changed the network lab meanwhile"):
        await networks.new_key("lab", overlap=3600)
    network = await networks.find("lab")
    assert network is not None
    assert network.accepted(clock()) == {}
    assert await networks.show_once("lab") is None


async def test_of_two_changes_at_once_one_is_told(networks: PrivateNetworks, clock: Clock) -> None:
    done = await asyncio.gather(
        *(networks.new_key("lab", [ENDPOINT]) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, NetworkError) for one in done) == 4
    network = await networks.find("lab")
    assert network is not None
    key = parse_key(await networks.show_once("lab") or "")
    assert network.accepted(clock()) == {key.fingerprint: 1}
