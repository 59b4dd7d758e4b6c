from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from broker.gate.host_keys import GATE, PinnedKeys
from broker.gate.instance import InstanceError
from broker.gate.instances import Instances
from broker.gate.reports import Reports
from broker.store import Kind

if TYPE_CHECKING:
    from broker.store import Store
    from tests.broker.gate.conftest import Clock

FACTS: dict[str, Any] = {"name": "vm", "owner": "alice", "addresses": ["10.1.2.3"]}


@pytest.fixture
def instances(store: Store, clock: Clock) -> Instances:
    return Instances(store, clock)


async def test_an_instance_is_made_found_and_known_by_its_token(instances: Instances) -> None:
    made, token = await instances.add(FACTS)
    assert (made.id, made.name, made.logins, made.addresses) == ("1", "vm", ("alice",), ("10.1.2.3",))
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", token)
    assert await instances.find("1") == made
    assert await instances.authentic("1", token, "192.0.2.1") == made
    for identifier, shown in (
        ("1", token[:-4] + ("AAA=" if token[-4:] != "AAA=" else "BAA=")),
        ("2", token),
        ("1", ""),
        ("", token),
        ("1", "x" * 5000),
    ):
        assert await instances.authentic(identifier, shown, "") is None


async def test_no_token_is_in_the_store_or_a_repr(instances: Instances, store: Store) -> None:
    made, token = await instances.add(FACTS)
    values = await store.newest(Kind.INSTANCE, 10)
    assert token.encode() not in b"".join(values.values())
    assert made.vnc_password not in repr(made)
    assert made.tokens[0].digest not in repr(made)


async def test_ids_are_chosen_or_counted(instances: Instances) -> None:
    await instances.add(FACTS | {"addresses": []}, identifier="2")
    assert [(await instances.add({"name": "x"}))[0].id for _ in range(3)] == ["1", "3", "4"]
    with pytest.raises(InstanceError, match="already"):
        await instances.add({"name": "x"}, identifier="2")
    assert (await instances.add({"name": "x"}, identifier="0"))[0].id == "0"  # a cloud's first one
    for wrong in ("01", "-1", "1x", "٣", "1" * 19):
        with pytest.raises(InstanceError, match="number"):
            await instances.add({"name": "x"}, identifier=wrong)


async def test_tokens_are_replaced_with_an_overlap_and_revoked(instances: Instances, clock: Clock) -> None:
    _, first = await instances.add(FACTS)
    second = await instances.new_token("1")
    assert await instances.authentic("1", first, "") is None
    third = await instances.new_token("1", overlap=3600)
    assert await instances.authentic("1", second, "") is not None
    clock.now += 3601
    assert await instances.authentic("1", second, "") is None
    assert await instances.authentic("1", third, "") is not None
    assert await instances.revoke("1") == 1
    assert await instances.authentic("1", third, "") is None
    with pytest.raises(InstanceError, match="24 hours"):
        await instances.new_token("1", overlap=86401)
    with pytest.raises(InstanceError, match="no instance"):
        await instances.new_token("9")


async def test_a_pinned_source_is_the_only_one(instances: Instances) -> None:
    _, token = await instances.add(FACTS | {"sources": ["10.1.2.0/24", "2001:db8::1"]})
    for address, taken in (
        ("10.1.2.77", True),
        ("::ffff:10.1.2.77", True),
        ("2001:db8::1", True),
        ("10.1.3.1", False),
        ("2001:db8::2", False),
        ("", False),
        ("unix", False),
    ):
        assert (await instances.authentic("1", token, address) is not None) is taken, address


async def test_tokens_of_older_gates_are_good_only_where_they_are_wanted(instances: Instances) -> None:
    _, token = await instances.add(FACTS)
    await instances.take_over_token("1", "CcbWOgxhjRRJQw8pkWvGrQ==")
    assert await instances.authentic("1", "CcbWOgxhjRRJQw8pkWvGrQ==", "") is None
    assert await instances.authentic("1", "CcbWOgxhjRRJQw8pkWvGrQ==", "", legacy=True) is not None
    assert await instances.authentic("1", token, "") is not None


async def test_a_token_that_is_taken_over_pushes_out_the_oldest_and_never_the_newest(
    instances: Instances,
) -> None:
    await instances.add(FACTS)
    tokens = [await instances.new_token("1", overlap=60) for _ in range(9)]
    await instances.take_over_token("1", "CcbWOgxhjRRJQw8pkWvGrQ==")
    assert await instances.authentic("1", tokens[-1], "") is not None
    assert await instances.authentic("1", "CcbWOgxhjRRJQw8pkWvGrQ==", "", legacy=True) is not None


async def test_an_instance_is_found_at_its_addresses_by_its_own_key(instances: Instances) -> None:
    await instances.add(FACTS | {"addresses": ["10.1.2.3", "2001:DB8::0:7"]}, key_id="portal")
    await instances.add({"name": "op", "addresses": ["10.9.9.9"], "network": "lab"})
    for key_id, network, address, found in (
        ("portal", "", "10.1.2.3", "1"),
        ("portal", "", "::ffff:10.1.2.3", "1"),
        ("portal", "", "2001:db8::7", "1"),
        ("other", "", "10.1.2.3", None),
        ("", "", "10.1.2.3", None),
        ("portal", "lab", "10.1.2.3", None),
        ("portal", "lab", "10.9.9.9", "2"),
        ("other", "lab", "10.9.9.9", "2"),
    ):
        row = await instances.at(key_id, network, address)
        assert (row.id if row else None) == found, (key_id, network, address)
    await instances.change("1", {"addresses": ["10.1.2.4"]})
    assert await instances.at("portal", "", "10.1.2.3") is None
    assert await instances.at("portal", "", "10.1.2.4") is not None
    with pytest.raises(InstanceError, match=r"10\.1\.2\.4 is the address of instance 1"):
        await instances.add(FACTS | {"addresses": ["10.1.2.4"]}, key_id="portal")
    assert await instances.remove("1")
    assert await instances.at("portal", "", "10.1.2.4") is None
    assert not await instances.remove("1")


async def test_a_key_sees_its_own_instances_only(instances: Instances) -> None:
    await instances.add({"name": "a"}, key_id="one")
    await instances.add({"name": "b"}, key_id="two")
    assert [row.name for row in await instances.all()] == ["a", "b"]
    assert [row.name for row in await instances.all("two")] == ["b"]
    assert await instances.find("1", "two") is None
    assert await instances.find("1", "one") is not None


async def test_a_new_instance_begins_with_nothing_whoever_had_its_id(
    instances: Instances, store: Store, clock: Clock
) -> None:
    reports, keys = Reports(store, clock), PinnedKeys(store, clock)
    await reports.merge("7", {"READY": "YES"})  # the last word of one that was being removed
    await keys.saw("7", [KEY], GATE)
    await instances.add(FACTS, identifier="7")
    assert not (await reports.find("7")).attributes
    assert not (await keys.find("7")).pins


async def test_building_anew_forgets_what_was_known(instances: Instances, store: Store, clock: Clock) -> None:
    made, _ = await instances.add(FACTS)
    reports, keys = Reports(store, clock), PinnedKeys(store, clock)
    await reports.merge("1", {"READY": "YES"})
    await keys.saw("1", [KEY], GATE)
    clock.now += 50
    await instances.new_token("1", rebuilt=True)
    after = await instances.find("1")
    assert after is not None
    assert after.booted == made.booted + 50
    assert after.vnc_password != made.vnc_password
    assert not (await reports.find("1")).attributes
    assert not (await keys.find("1")).pins


async def test_changes_at_once_are_all_kept(instances: Instances) -> None:
    await instances.add(FACTS)
    await asyncio.gather(
        *(instances.new_token("1", overlap=60) for _ in range(4)),
        instances.change("1", {"name": "renamed"}),
    )
    row = await instances.find("1")
    assert row is not None
    assert (row.name, len(row.tokens)) == ("renamed", 5)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"tokens": []}, "tokens"),
        ({"id": "7"}, "id"),
        ({"name": 5}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 254}, "name"),
        ({"owner": "../root"}, "owner"),
        ({"users": ["Alice"]}, "users"),
        ({"users": "alice"}, "users"),
        ({"addresses": ["a b"]}, "addresses"),
        ({"addresses": [""]}, "addresses"),
        ({"sources": ["everywhere"]}, "sources"),
        ({"ports": {"ssh": [0, 5]}}, "ports"),
        ({"ports": {"ssh": [True, 5]}}, "ports"),
        ({"ports": {"http": [1, 5]}}, "ports"),
        ({"ports": {"ssh": [9, 5]}}, "ports"),
        ({"nics": [{"ip": "1"}]}, "nics"),
        ({"template": {"A": "x" * 8193}}, "template"),
        ({"template": {"A B": "x"}}, "template"),
    ],
)
async def test_what_will_not_do_is_named(instances: Instances, given: dict[str, Any], names: str) -> None:
    with pytest.raises(InstanceError, match=names):
        await instances.add(FACTS | given)
    assert await instances.all() == []


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFRz0Wbq1hOvt2oP0cqbQJfaPzB0QHRlK1vHLNGSWEnN"


async def test_instances_of_one_service_or_router_are_found_by_it(instances: Instances) -> None:
    for number, described in enumerate(
        [{"service": "7"}, {"service": "7", "router": "3"}, {"router": "3"}, {}], 1
    ):
        await instances.add({"name": f"vm{number}", **described}, identifier=str(number), key_id="portal")
    await instances.add({"name": "theirs", "service": "7"}, identifier="9", key_id="other")

    async def ids() -> tuple[list[str], list[str]]:
        return (
            [row.id for row in await instances.of_service("portal", "7")],
            [row.id for row in await instances.of_router("portal", "3")],
        )

    assert await ids() == (["1", "2"], ["2", "3"])
    await instances.change("2", {"service": "", "router": "4"})
    await instances.change("4", {"service": "7"})
    assert await ids() == (["1", "4"], ["3"])
    await instances.remove("1")
    await instances.remove("3")
    assert await ids() == (["4"], [])
    assert [row.id for row in await instances.of_service("other", "7")] == ["9"]
