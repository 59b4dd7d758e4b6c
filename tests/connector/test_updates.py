"""When a connector updates itself, as arithmetic."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from connector.updates import ATTEMPTS, RETRY_AFTER, Memory, Plan, parse_window, plan, told

ZONE = ZoneInfo("Europe/Brussels")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        ("03:00-04:00", "2026-01-10T02:00:00+00:00", True),  # 03:00 in Brussels, winter
        ("03:00-04:00", "2026-01-10T03:00:00+00:00", False),
        ("03:00-04:00", "2026-07-10T01:00:00+00:00", True),  # the same clock in summer
        ("03:00-04:00", "2026-07-10T02:00:00+00:00", False),
        ("23:30-00:30", "2026-01-10T22:29:59+00:00", False),
        ("23:30-00:30", "2026-01-10T22:30:00+00:00", True),
        ("23:30-00:30", "2026-01-10T23:29:59+00:00", True),
        ("23:30-00:30", "2026-01-10T23:30:00+00:00", False),
        (
            "02:00-03:00",
            "2026-03-29T00:59:59+00:00",
            False,
        ),  # the clocks go from 2 to 3: there is no such hour
        ("02:00-03:00", "2026-03-29T01:00:00+00:00", False),
        ("02:00-03:00", "2026-03-30T00:30:00+00:00", True),  # the next night
        ("01:30-03:30", "2026-03-29T01:15:00+00:00", True),  # a window around it is an hour shorter
        ("02:00-03:00", "2026-10-25T00:30:00+00:00", True),  # the clocks go from 3 to 2: the hour comes twice
        ("02:00-03:00", "2026-10-25T01:30:00+00:00", True),
        ("02:00-03:00", "2026-10-25T02:00:00+00:00", False),
    ],
)
def test_a_window_follows_the_clocks_of_its_zone(window: str, moment: str, is_open: bool) -> None:
    assert parse_window(window).holds(at(moment), ZONE) is is_open
    assert str(parse_window(window)) == window


@pytest.mark.parametrize(
    "text", ["", "3-4", "03:00", "24:00-01:00", "03:60-04:00", "03:00-03:00", "03:00-04:00x"]
)
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(ValueError, match=r"form 03:00|another time"):
        parse_window(text)


MEMORY = Memory(version="1.2.0")
NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Plan.INSTALL),
        ({"offered": ""}, Plan.NONE),
        ({"offered": "1.1.0"}, Plan.NONE),
        ({"offered": "1.0.9"}, Plan.NONE),  # never back
        ({"running": "1.1.0.dev1"}, Plan.NONE),
        ({"container": True}, Plan.REPORT),
        ({"open_now": False}, Plan.WAIT),
        ({"open_now": False, "memory": replace(MEMORY, asked=True)}, Plan.INSTALL),
        ({"memory": replace(MEMORY, installed=True)}, Plan.READY),
        ({"memory": replace(MEMORY, installed=True), "open_now": False}, Plan.WAIT),
        ({"memory": replace(MEMORY, installed=True, version="1.1.5")}, Plan.INSTALL),  # of another version
        ({"memory": replace(MEMORY, attempts=1, tried=NOW - RETRY_AFTER + 1)}, Plan.WAIT),
        ({"memory": replace(MEMORY, attempts=1, tried=NOW - RETRY_AFTER)}, Plan.INSTALL),
        ({"memory": replace(MEMORY, attempts=1, tried=NOW + 86400)}, Plan.INSTALL),  # a clock that was ahead
        ({"memory": replace(MEMORY, attempts=ATTEMPTS)}, Plan.GIVEN_UP),
        ({"memory": replace(MEMORY, attempts=ATTEMPTS, version="1.1.5")}, Plan.INSTALL),
    ],
)
def test_what_is_to_be_done(changed: dict[str, object], expected: Plan) -> None:
    given = {
        "running": "1.1.0", "offered": "1.2.0", "memory": MEMORY, "now": NOW, "open_now": True, "container": False,
    }  # fmt: skip
    assert plan(**{**given, **changed}) is expected  # type: ignore[arg-type]


def test_failures_are_counted_and_told() -> None:
    memory = replace(MEMORY, asked=True)
    for attempt in range(1, ATTEMPTS + 1):
        memory = memory.failed("no space left", NOW)
        assert memory.attempts == attempt
    assert not memory.asked
    assert told(Plan.GIVEN_UP, memory, "") == "1.2.0 failed 3 times, update by hand: no space left"
    assert told(Plan.WAIT, MEMORY, "03:00-04:00 UTC") == "1.2.0 waits for 03:00-04:00 UTC"


def test_memory_is_read_back_or_begun_anew() -> None:
    memory = replace(MEMORY, attempts=2, error="x", tried=NOW)
    assert Memory.read(asdict(memory)) == memory
    for broken in ({}, {"version": "1"}, asdict(memory) | {"attempts": "many"}):
        assert Memory.read(broken) == Memory()
