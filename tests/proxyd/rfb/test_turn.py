from __future__ import annotations

from proxyd.rfb.turn import ALLOWANCE, MESSAGE, Turn


def test_work_stops_when_the_turn_is_over_and_goes_on_in_the_next() -> None:
    turn = Turn()
    done = sum(
        1 for _ in range(2 * ALLOWANCE // MESSAGE) if next(turn.spend(MESSAGE), "went on") == "went on"
    )
    assert ALLOWANCE // MESSAGE - 2 <= done <= ALLOWANCE // MESSAGE
    assert turn.over
    turn.begin()
    assert not turn.over
    assert next(turn.spend(MESSAGE), "went on") == "went on"


def test_interruptions_count() -> None:
    turn = Turn()
    for _ in range(100):
        turn.interrupted()
    assert turn.over
