"""When a connector updates itself: the window, the attempts, and what is remembered of them. No I/O and no clock."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from connector.release import ReleaseError, number

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = [
    "ATTEMPTS",
    "RETRY_AFTER",
    "Memory",
    "Plan",
    "Window",
    "parse_window",
    "plan",
    "remembered",
    "told",
]

ATTEMPTS = 3
"""Times that one version is tried before a person has to look."""
RETRY_AFTER = 600.0
"""Seconds between two attempts."""
MAX_ERROR = 160
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True)
class Window:
    """A part of the day, in minutes since midnight; the end may be on the next day, and is not within."""

    start: int
    end: int

    def __str__(self) -> str:
        return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.start, self.end))

    def holds(self, now: float, zone: ZoneInfo) -> bool:
        """Whether it is open at a moment (Unix seconds) where the zone's clocks count."""
        local = datetime.fromtimestamp(now, zone)
        minutes = local.hour * 60 + local.minute
        if self.start < self.end:
            return self.start <= minutes < self.end
        return minutes >= self.start or minutes < self.end


def parse_window(text: str) -> Window:
    """Read `03:00-04:00`.

    Raises:
        ValueError: it is not of that form, or has no length.
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not of the form 03:00-04:00")
    hours = [int(part) for part in match.groups()]
    window = Window(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])
    if window.start == window.end:
        raise ValueError("a window has to end at another time than it begins")
    return window


class Plan(StrEnum):
    """What is to be done about a version that is offered."""

    NONE = "none"
    """Nothing newer is offered."""
    REPORT = "report"
    """Tell of it; whatever made the container replaces it."""
    WAIT = "wait"
    """The window is not open, or the last attempt was just now."""
    INSTALL = "install"
    """Put it beside what runs."""
    READY = "ready"
    """It is installed: restart into it when this connector's turn comes."""
    GIVEN_UP = "given up"
    """It failed too often."""


@dataclass(frozen=True)
class Memory:
    """What is kept between restarts.

    Attributes:
        version: that the rest is about.
        attempts: that failed.
        error: of the last one.
        tried: Unix seconds of the last one.
        installed: whether it is beside what runs.
        asked: whether a person asked for it, whatever the window says.
    """

    version: str = ""
    attempts: int = 0
    error: str = ""
    tried: float = 0.0
    installed: bool = False
    asked: bool = False

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Memory:
        """What was kept; nothing where that is not of the form."""
        try:
            kept = {name: type(value)(fields[name]) for name, value in asdict(cls()).items()}
        except (KeyError, TypeError, ValueError):
            return cls()
        return cls(**kept)

    def about(self, version: str) -> Memory:
        """The same for a version; another one begins anew."""
        return self if self.version == version else Memory(version=version, asked=self.asked)

    def failed(self, error: str, now: float) -> Memory:
        """An attempt more that failed."""
        return replace(
            self,
            attempts=self.attempts + 1,
            error=error[:MAX_ERROR],
            tried=now,
            installed=False,
            asked=self.asked and self.attempts + 1 < ATTEMPTS,
        )


def plan(*, running: str, offered: str, memory: Memory, now: float, open_now: bool, container: bool) -> Plan:
    """What to do.

    Args:
        running: the version that runs.
        offered: the version that a release offers; empty for none.
        memory: what is kept, about any version.
        now: Unix seconds.
        open_now: whether the window is open.
        container: whether the connector runs in one.
    """
    try:
        newer = bool(offered) and number(offered) > number(running)
    except ReleaseError:
        return Plan.NONE
    if not newer:
        return Plan.NONE
    if container:
        return Plan.REPORT
    memory = memory.about(offered)
    if memory.attempts >= ATTEMPTS:
        return Plan.GIVEN_UP
    just_now = 0 <= now - memory.tried < RETRY_AFTER  # a clock that was set back does not put it off
    if not (open_now or memory.asked) or just_now:
        return Plan.WAIT
    return Plan.READY if memory.installed else Plan.INSTALL


def remembered(memory: Memory) -> str:
    """What is kept, in words for whoever looks at the host; empty where there is nothing to say."""
    if memory.error:
        again = "update by hand" if memory.attempts >= ATTEMPTS else "it is tried again"
        return f"{memory.version}: attempt {memory.attempts} failed: {memory.error}; {again}"
    if memory.installed:
        return f"{memory.version} is installed and waits for its turn"
    return "asked for" if memory.asked else ""


def told(what: Plan, memory: Memory, window: str) -> str:
    """The same in words, for the broker's page."""
    version = memory.version
    failed = f"; attempt {memory.attempts} failed: {memory.error}" if memory.attempts else ""
    return {
        Plan.NONE: "",
        Plan.REPORT: f"{version} is available: renew the container",
        Plan.WAIT: f"{version} waits for {window}{failed}",
        Plan.INSTALL: f"{version} is being installed{failed}",
        Plan.READY: f"{version} waits for its turn{failed}",
        Plan.GIVEN_UP: f"{version} failed {memory.attempts} times, update by hand: {memory.error}",
    }[what]
