"""Flow control as arithmetic: a minute of it in a microsecond."""

from __future__ import annotations

import pytest

from proxyd.display.pacing import MAX_IN_FLIGHT, Pacer


class Link:
    """A path with a fixed delay, carrying one frame at a time where it is narrow."""

    def __init__(self, delay: float, seconds_per_frame: float = 0.0) -> None:
        self.pacer = Pacer()
        self._delay = delay
        self._cost = seconds_per_frame
        self._free = 0.0
        self._echoes: list[tuple[float, int, float]] = []
        self.shown: list[tuple[float, float]] = []
        """When each frame was shown, and how old it was by then."""

    def run(self, seconds: float, tick: float = 0.033) -> None:
        step, frame = 0.001, len(self.shown) + 1000
        next_frame = 0.0
        for now in (i * step for i in range(int(seconds / step))):
            while self._echoes and self._echoes[0][0] <= now:
                due, stamp, sent = self._echoes.pop(0)
                assert self.pacer.shown(stamp, due)
                self.shown.append((due, due - sent))
            if now >= next_frame and self.pacer.ready(now):
                frame += 1
                self.pacer.sent(frame, now)
                self._free = max(self._free, now) + self._cost
                self._echoes.append((self._free + self._delay, frame, now))
                next_frame = now + tick


def test_a_near_viewer_gets_every_tick() -> None:
    link = Link(0.002)
    link.run(10)
    assert len(link.shown) >= 290


@pytest.mark.parametrize("delay", [0.1, 0.2, 0.3])
def test_a_long_path_keeps_its_frame_rate(delay: float) -> None:
    link = Link(delay)
    link.run(10)
    rate = sum(shown > 5 for shown, _ in link.shown) / 5
    assert rate > 25
    assert link.pacer.in_flight <= MAX_IN_FLIGHT


@pytest.mark.parametrize("cost", [0.1, 0.25, 0.5])
def test_a_narrow_link_gets_fewer_newer_frames_and_no_backlog(cost: float) -> None:
    link = Link(0.02, cost)
    link.run(30)
    ages = [age for _, age in link.shown]
    assert max(ages) < 1.0
    assert len(link.shown) >= 0.8 * 30 / (cost + 0.02)


def test_the_window_recovers_after_a_jam() -> None:
    link = Link(0.1)
    link.run(3)
    link._cost = 0.4
    link.run(5)
    link._cost = 0.0
    before = len(link.shown)
    link.run(20)
    assert len(link.shown) - before > 15 * 25


def test_a_silent_viewer_stops_frames() -> None:
    pacer = Pacer()
    for frame in range(100):
        if pacer.ready(frame * 0.03):
            pacer.sent(frame, frame * 0.03)
    assert pacer.in_flight == 1
    assert pacer.lag(2.0) == pytest.approx(2.0)


def test_an_echo_covers_the_frames_before_it() -> None:
    pacer = Pacer()
    for frame in (1, 2, 3):
        pacer.sent(frame, 0.0)
    assert pacer.shown(2, 0.1)
    assert pacer.in_flight == 1


def test_old_and_unknown_echoes_change_nothing() -> None:
    pacer = Pacer()
    pacer.sent(5, 0.0)
    assert not pacer.shown(4, 0.1)
    assert pacer.in_flight == 1
