from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.gate.instance import Instance
from broker.gate.reports import MAX_ATTRIBUTES, MAX_VALUE, Report, ReportError, Reports

if TYPE_CHECKING:
    from broker.gate.reports import Value
    from broker.store import Store
    from tests.broker.gate.conftest import Clock


@pytest.fixture
def reports(store: Store, clock: Clock) -> Reports:
    return Reports(store, clock)


async def test_what_is_said_is_merged_and_erased(reports: Reports, clock: Clock) -> None:
    assert await reports.find("1") == Report()
    await reports.merge("1", {"READY": "NO", "WEB": {"PORT": "80"}}, "10.1.2.3")
    first = clock.now
    clock.now += 5
    report = await reports.merge("1", {"READY": "YES"}, "10.1.2.4")
    since = {"READY": clock.now}
    assert report == Report({"READY": "YES", "WEB": {"PORT": "80"}}, clock.now, "10.1.2.4", since, first)
    assert report.ready
    assert report.text("WEB") == ""
    assert await reports.erase("1", "WEB")
    assert not await reports.erase("1", "WEB")
    assert (await reports.all())["1"].attributes == {"READY": "YES"}


async def test_it_is_known_since_when_an_instance_is_ready_or_not(reports: Reports, clock: Clock) -> None:
    first = await reports.merge("1", {"READY": "NO", "OTHER": "1"})
    assert (first.since, first.first) == ({}, clock.now)  # the first word is no change
    clock.now += 5
    changed = clock.now
    await reports.merge("1", {"READY": "YES", "OTHER": "2"})
    clock.now += 5
    again = await reports.merge("1", {"READY": "YES", "BROKER_DESKTOP": "NO"})
    added = clock.now
    assert again.since == {"READY": changed, "BROKER_DESKTOP": added}
    clock.now += 5
    await reports.erase("1", "READY")
    assert (await reports.find("1")).since == {"READY": clock.now, "BROKER_DESKTOP": added}
    assert (await reports.find("1")).first == first.first


async def test_what_others_say_is_no_first_word(reports: Reports, clock: Clock) -> None:
    assert (await reports.merge("1", {"READY": "NO"}, own=False)).first == 0
    clock.now += 5
    assert (await reports.merge("1", {"READY": "NO"})).first == clock.now


@pytest.mark.parametrize(
    "too_much",
    [
        {f"A{number}": "x" for number in range(MAX_ATTRIBUTES)},
        {"A": "x" * (MAX_VALUE + 1)},
        {"A": "é" * (MAX_VALUE // 2 + 1)},
        {"A": {"B": "x" * MAX_VALUE}},
        {f"A{number}": "x" * (MAX_VALUE - 2) for number in range(8)} | {"LAST": "x" * 200},
        {"A" * 65: "x"},
    ],
)
async def test_too_much_is_refused_whole(reports: Reports, too_much: dict[str, Value]) -> None:
    before = await reports.merge("1", {"FIRST": "1"})
    with pytest.raises(ReportError):
        await reports.merge("1", too_much)
    assert await reports.find("1") == before


@pytest.mark.parametrize(
    ("report", "age", "waited"),
    [
        (Report(), 10, True),
        (Report(), 601, False),
        (Report({"READY": "YES"}, 1.0), 10, False),
        (Report({"READY": " yes "}, 1.0), 10, False),
        (Report({"READY": "NO"}, 1.0), 10_000, True),
        (Report({"READY": "perhaps"}, 1.0), 10, False),
        (Report({"OTHER": "x"}, 1.0), 10, False),
    ],
)
def test_an_instance_is_waited_for_while_it_starts(report: Report, age: float, *, waited: bool) -> None:
    assert report.waited_for(Instance("1", "vm", booted=1000.0), 1000.0 + age, 600.0) is waited
