from __future__ import annotations

from proxyd.rfb.quality import CALM, FALL_EVERY, LATE, MOVING, RISE_EVERY, STILL, Quality

FILM = 100_000
"""Bytes of JPEG in a frame of a film."""


def play(quality: Quality, start: float, seconds: float, lag: float = 0.0, size: int = FILM) -> int:
    """The level after some time of frames, 30 a second."""
    level = -1
    for frame in range(int(seconds * 30)):
        now = start + frame / 30
        quality.drew(size, now)
        level = quality.level(lag, now)
    return level


def test_the_first_picture_is_quick() -> None:
    assert Quality().level(0.0, 0.0) == CALM
    quality = Quality()
    quality.drew(300_000, 0.0)
    assert quality.level(0.0, 0.0) == MOVING


def test_motion_is_shown_at_a_level_that_it_can_keep_up_with() -> None:
    quality = Quality()
    assert play(quality, 0.0, 2.0) == MOVING
    assert quality.level(0.0, 2.0 + STILL) == CALM


def test_little_motion_is_shown_well() -> None:
    assert play(Quality(), 0.0, 3.0, size=2_000) == CALM


def test_lag_lowers_the_level_step_by_step_and_its_end_raises_it_more_slowly() -> None:
    quality = Quality()
    play(quality, 0.0, 1.0)
    assert play(quality, 1.0, FALL_EVERY * 0.9, lag=LATE * 2) == MOVING - 1
    assert play(quality, 1.35, FALL_EVERY * 0.9, lag=LATE * 2) == MOVING - 2
    assert play(quality, 2.0, 5.0, lag=LATE * 2) == 0
    assert play(quality, 7.0, RISE_EVERY * 0.9, lag=0.0) == 1
    assert play(quality, 8.0, RISE_EVERY * 3, lag=0.0) == MOVING


def test_lag_in_between_changes_nothing() -> None:
    quality = Quality()
    play(quality, 0.0, 1.0, lag=LATE * 2)
    level = quality.level(0.1, 1.0)
    assert play(quality, 1.0, 5.0, lag=0.1) == level


def test_a_fixed_level_is_kept_where_viewers_keep_up_and_never_exceeded() -> None:
    quality = Quality(fixed=6)
    assert play(quality, 0.0, 2.0) == 6
    assert play(quality, 2.0, 1.0, lag=1.0) < 6
    assert play(quality, 3.0, 10.0) == 6
    assert quality.level(0.0, 20.0) == 6
