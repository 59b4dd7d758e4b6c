from __future__ import annotations

from proxyd.rfb.turn import ALLOWANCE, MESSAGE, Turn


def test_work_stops_when_the_turn_is_over_and_goes_on_in_the_next() -> None:
    turn = Turn()
    turn.spend(ALLOWANCE - 1)
    assert not turn.over
    assert list(turn.rest()) == []
    turn.spend(MESSAGE)
    assert turn.over
    resting = turn.rest()
    next(resting)
    turn.begin()
    assert not turn.over
    assert list(resting) == []


def test_interruptions_count() -> None:
    turn = Turn()
    for _ in range(100):
        turn.interrupted()
    assert turn.over
