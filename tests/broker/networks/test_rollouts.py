"""Updates of a network: one connector at a time, and a version that failed at one is tried at no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broker.networks.registry import Connector
from broker.networks.rollouts import AGAIN_AFTER, LOST_AFTER, Rollouts, words
from broker.store import open_store
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.store.base import Store

ONE = Connector("lab", "m1", connected=True, since=0, seen=0, host="gw1", version="1.0.0")
TWO = replace(ONE, machine="m2", host="gw2")
NEW = "2.0.0"


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(clock: Clock) -> AsyncIterator[Store]:
    store = open_store("sqlite://", clock)
    yield store
    await store.close()


@pytest.fixture
def rollouts(store: Store, clock: Clock) -> Rollouts:
    return Rollouts(store, clock)


async def said(rollouts: Rollouts) -> str:
    return words(await rollouts.find("lab"), "lab")


async def test_the_next_one_has_its_turn_when_the_first_is_back_with_the_new_version(
    rollouts: Rollouts,
) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    assert not await rollouts.take_turn(TWO, "p2", NEW)
    assert await rollouts.take_turn(replace(TWO, network="other"), "p2", NEW)
    assert await said(rollouts) == "gw1 restarts into 2.0.0, the others wait for it"
    assert await rollouts.came(TWO, "p3") is None  # it comes for another reason
    assert await rollouts.came(ONE, "p1") is None  # a link that broke before it left
    assert not await rollouts.take_turn(TWO, "p3", NEW)
    assert await rollouts.came(replace(ONE, version="2.0"), "p4") is None
    assert await said(rollouts) == ""
    assert await rollouts.take_turn(TWO, "p3", NEW)


async def test_a_version_from_which_one_went_back_is_held_from_all_but_that_one(rollouts: Rollouts) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    held = await rollouts.came(ONE, "p2")
    assert held is not None
    assert (held.version, held.host, held.gone) == (NEW, "gw1", False)
    assert "2.0.0 is held back: gw1 went back to its old version" in await said(rollouts)
    assert not await rollouts.take_turn(TWO, "p3", NEW)
    assert not await rollouts.take_turn(TWO, "p3", "2.0")  # the same by another name
    assert await rollouts.take_turn(ONE, "p2", NEW)  # its own next attempt, which works
    assert await rollouts.came(replace(ONE, version=NEW), "p4") is None
    assert await said(rollouts) == ""
    assert await rollouts.take_turn(TWO, "p3", NEW)


async def test_an_operator_or_another_release_goes_on(rollouts: Rollouts) -> None:
    assert not await rollouts.retry("lab")
    assert await rollouts.take_turn(ONE, "p1", NEW)
    await rollouts.came(ONE, "p2")
    assert await rollouts.retry("lab")
    assert await rollouts.take_turn(TWO, "p3", NEW)
    await rollouts.came(TWO, "p4")
    assert await rollouts.take_turn(ONE, "p2", "2.0.1")
    await rollouts.came(replace(ONE, version="2.0.1"), "p5")
    assert await said(rollouts) == "", "what is newer than the bad one runs"


async def test_an_older_release_does_not_make_a_bad_one_good(rollouts: Rollouts) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    await rollouts.came(ONE, "p2")
    assert await rollouts.take_turn(TWO, "p3", "1.5.0")
    await rollouts.came(replace(TWO, version="1.5.0"), "p4")
    assert not await rollouts.take_turn(replace(TWO, version="1.5.0"), "p4", NEW)


async def test_one_that_never_comes_back_holds_the_version_and_not_the_others_for_ever(
    rollouts: Rollouts, clock: Clock
) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    clock.now += LOST_AFTER + 1
    assert "2.0.0 is held back: gw1 did not come back from it" in await said(rollouts)
    assert not await rollouts.take_turn(TWO, "p2", NEW)
    assert not await rollouts.take_turn(TWO, "p2", NEW)
    assert await rollouts.take_turn(TWO, "p2", "2.0.1")
    await rollouts.give_back(TWO)
    await rollouts.came(ONE, "p3")
    assert "gw1 went back to its old version" in await said(rollouts)
    await rollouts.came(replace(ONE, version=NEW), "p4")
    assert await said(rollouts) == "", "it runs after all"


async def test_an_operator_who_knows_that_a_host_is_gone_goes_on(rollouts: Rollouts, clock: Clock) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    assert not await rollouts.retry("lab"), "it is on its way"
    clock.now += LOST_AFTER + 1
    assert await rollouts.retry("lab")
    assert await rollouts.take_turn(TWO, "p2", NEW)


async def test_one_that_did_not_hear_of_its_turn_is_told_again(rollouts: Rollouts, clock: Clock) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    assert not await rollouts.take_turn(ONE, "p1", NEW)
    clock.now += AGAIN_AFTER + 1
    assert await rollouts.take_turn(ONE, "p1", NEW)
    assert not await rollouts.take_turn(TWO, "p2", NEW)


async def test_a_turn_is_given_back_by_whose_it_is(rollouts: Rollouts) -> None:
    assert await rollouts.take_turn(ONE, "p1", NEW)
    await rollouts.give_back(TWO)
    assert not await rollouts.take_turn(TWO, "p2", NEW)
    await rollouts.give_back(ONE)
    assert await rollouts.take_turn(TWO, "p2", NEW)


async def test_records_of_another_broker_version_stop_nobody_who_looks(
    rollouts: Rollouts, store: Store, clock: Clock
) -> None:
    await store.put(Kind.TURN, "lab", b"m1", clock.now + 60)
    assert await said(rollouts) == ""
    assert not await rollouts.take_turn(ONE, "p1", NEW)
    clock.now += 61
    assert await rollouts.take_turn(ONE, "p1", NEW)


async def test_what_is_no_version_is_compared_as_text(rollouts: Rollouts) -> None:
    assert await rollouts.take_turn(ONE, "p1", "next")
    await rollouts.came(replace(ONE, version="next"), "p2")
    assert await said(rollouts) == ""
