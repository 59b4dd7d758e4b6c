from __future__ import annotations

import math

from proxyd.display.ops import Image, Rect, Size
from proxyd.rfb.quality import CALM, MOVING
from proxyd.rfb.rest import REST_AMID_MOTION
from proxyd.rfb.tuning import Tuning

SCREEN = Size(640, 480)


def jpeg(x: int, y: int, width: int, height: int, size: int = 1000) -> Image:
    return Image(x, y, width, height, "image/jpeg", bytes(size))


def drawn(size: int = 1000) -> Tuning:
    tuning = Tuning(lossless=False)
    tuning.drew([SCREEN, jpeg(0, 0, 64, 64, size)], 0.0)
    tuning.completed(0.0, 0.0)
    return tuning


def test_a_touch_up_is_exact_and_the_next_frame_is_not() -> None:
    tuning = drawn()
    assert tuning.touch_up(0.0, 0.5) is None
    assert tuning.touch_up(0.0, 0.8) == Rect(0, 0, 64, 64)
    assert tuning.level is None
    assert tuning.touch_up(0.0, 0.8) is None  # one at a time
    assert tuning.due(0.8) == math.inf
    tuning.completed(0.0, 0.9)
    assert tuning.level == CALM
    assert tuning.due(0.9) == math.inf


def test_a_server_that_cannot_be_exact_is_not_asked_for_ever() -> None:
    tuning = drawn()
    tuning.touch_up(0.0, 0.8)
    tuning.drew([jpeg(0, 0, 64, 64)], 0.9)
    tuning.completed(0.0, 0.9)
    assert tuning.touch_up(0.0, 5.0) is None


def test_a_larger_wish_puts_the_touch_up_off() -> None:
    tuning = drawn()
    tuning.touch_up(0.0, 0.8)
    tuning.interrupted(0.0, 0.9)
    assert tuning.level == CALM
    tuning.completed(0.0, 1.0)
    assert tuning.touch_up(0.0, 1.0) == Rect(0, 0, 64, 64)


def test_viewers_that_lag_are_not_given_more() -> None:
    assert drawn().touch_up(1.0, 5.0) is None


def test_amid_motion_only_what_rests_long_is_touched_up() -> None:
    tuning = drawn()
    for frame in range(200):
        now = 0.1 + frame / 30
        tuning.drew([jpeg(320, 320, 64, 64, 50_000)], now)
        tuning.completed(0.0, now)
        assert tuning.level == (MOVING if frame > 2 else tuning.level)
        touched = tuning.touch_up(0.0, now)
        assert (touched is not None) == (now >= REST_AMID_MOTION)
        if touched:
            assert touched == Rect(0, 0, 64, 64)
            break


def test_lossless_stays_lossless() -> None:
    tuning = Tuning(lossless=True)
    tuning.drew([SCREEN, jpeg(0, 0, 64, 64)], 0.0)
    tuning.completed(5.0, 0.0)
    assert tuning.level is None
    assert tuning.touch_up(0.0, 5.0) is None


def test_a_new_size_forgets_what_was() -> None:
    tuning = drawn()
    tuning.drew([Size(800, 600)], 0.1)
    assert tuning.due(0.1) == math.inf
