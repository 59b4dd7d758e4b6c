from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh
import pytest

from broker.gate.host_keys import GATE, OPERATOR, HostKeyError, PinnedKeys

if TYPE_CHECKING:
    from broker.store import Store
    from tests.broker.gate.conftest import Clock


def line(kind: str = "ssh-ed25519") -> str:
    return asyncssh.generate_private_key(kind).export_public_key().decode().strip()


def fingerprint(text: str) -> str:
    return asyncssh.import_public_key(text).get_fingerprint()


ED, OTHER_ED, EC, OTHER_EC = (
    line(),
    line(),
    line("ecdsa-sha2-nistp256"),
    line("ecdsa-sha2-nistp256"),
)


@pytest.fixture
def keys(store: Store, clock: Clock) -> PinnedKeys:
    return PinnedKeys(store, clock)


async def test_the_first_report_pins(keys: PinnedKeys, clock: Clock) -> None:
    found, alarms = await keys.saw("1", [ED, f"{EC} root@vm"], GATE)
    assert alarms == []
    assert not found.blocked
    assert [(pin.algorithm, pin.source, pin.since) for pin in found.pins] == [
        ("ssh-ed25519", GATE, clock.now),
        ("ecdsa-sha2-nistp256", GATE, clock.now),
    ]
    assert found.lines == f"* {ED}\n* {EC}"
    assert await keys.find("1") == found
    clock.now += 600
    assert await keys.saw("1", [EC, ED], GATE) == (found, [])


async def test_another_key_of_a_pinned_type_alarms_once_and_blocks(keys: PinnedKeys) -> None:
    pinned, _ = await keys.saw("1", [ED], GATE)
    found, alarms = await keys.saw("1", [OTHER_ED], GATE, "10.6.6.6")
    (alarm,) = alarms
    assert (alarm.shown.line, alarm.expected, alarm.address) == (
        OTHER_ED,
        pinned.pins[0].fingerprint,
        "10.6.6.6",
    )
    assert found.blocked
    assert found.pins == pinned.pins
    assert await keys.saw("1", [OTHER_ED], GATE) == (found, [])
    assert (await keys.saw("1", [ED], GATE))[0].blocked, "the old key does not undo the alarm"


async def test_a_key_of_another_type_alarms_and_is_not_pinned(keys: PinnedKeys) -> None:
    await keys.saw("1", [ED], GATE)
    found, alarms = await keys.saw("1", [ED, EC], GATE)
    assert [(row.shown.line, row.expected) for row in alarms] == [(EC, "")]
    assert not found.blocked
    assert found.lines == f"* {ED}"


async def test_two_keys_of_one_type_would_contradict_each_other_and_are_refused(keys: PinnedKeys) -> None:
    for _ in range(2):  # before and after there are pins
        with pytest.raises(HostKeyError, match="two host keys of one type"):
            await keys.saw("1", [ED, EC, OTHER_ED], GATE)
        found, alarms = await keys.saw("1", [ED, EC, f"{ED} twice"], GATE)
        assert (len(found.pins), alarms) == (2, [])


async def test_an_operator_decides(keys: PinnedKeys) -> None:
    await keys.saw("1", [ED, EC], GATE)
    await keys.saw("1", [OTHER_ED, EC], GATE)
    kept = await keys.dismiss("1", {fingerprint(OTHER_ED)})
    assert (kept.blocked, [pin.line for pin in kept.pins]) == (False, [ED, EC])
    await keys.saw("1", [OTHER_ED, EC], GATE)
    taken = await keys.accept("1", {fingerprint(OTHER_ED)})
    assert (taken.blocked, {pin.line for pin in taken.pins}) == (False, {OTHER_ED, EC})
    assert {pin.source for pin in taken.pins if pin.line == OTHER_ED} == {OPERATOR}
    assert await keys.all() == {"1": taken}


async def test_an_operator_decides_of_what_was_seen_alone(keys: PinnedKeys) -> None:
    third = line()
    await keys.saw("1", [ED], GATE)
    await keys.saw("1", [OTHER_ED], GATE)
    await keys.saw("1", [third], GATE)  # while the operator reads the first alarm
    taken = await keys.accept("1", {fingerprint(OTHER_ED)})
    assert [pin.line for pin in taken.pins] == [OTHER_ED]
    assert [(row.shown.line, row.expected) for row in taken.mismatches] == [(third, fingerprint(OTHER_ED))]
    assert taken.blocked
    assert (await keys.dismiss("1", {fingerprint(ED)})).blocked
    assert not (await keys.dismiss("1", {fingerprint(third)})).blocked


async def test_a_flood_of_keys_is_bounded_and_does_not_hide_the_block(keys: PinnedKeys) -> None:
    await keys.saw("1", [ED], GATE)
    await keys.saw("1", [OTHER_ED], GATE)
    found = await keys.find("1")
    for _ in range(12):
        found, _ = await keys.saw(
            "1", [OTHER_EC, line("ecdsa-sha2-nistp384"), line("ecdsa-sha2-nistp521")], GATE
        )
    assert len(found.mismatches) <= 8
    assert found.blocked


@pytest.mark.parametrize(
    "wrong", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "x y z", f"{ED}\n{EC}", "ssh-rsa " + "A" * 9000]
)
async def test_what_is_no_key_is_refused_whole(keys: PinnedKeys, wrong: str) -> None:
    with pytest.raises(HostKeyError):
        await keys.saw("1", [ED, wrong], GATE)
    assert not (await keys.find("1")).pins
