from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.display.ops import Copy, Cursor, Fill, Image, Indexed, Op, Pixels, Rect
from proxyd.rfb.rest import MAX_TILES, TILE, RestingAreas

WIDTH, HEIGHT = 1280, 800
REST = 0.7


def jpeg(x: int, y: int, width: int, height: int) -> Image:
    return Image(x, y, width, height, "image/jpeg", b"")


def areas() -> RestingAreas:
    made = RestingAreas()
    made.resize(WIDTH, HEIGHT)
    return made


def test_nothing_is_due_where_everything_is_exact() -> None:
    made = areas()
    made.drew([Fill(0, 0, WIDTH, HEIGHT, 1, 2, 3), Image(0, 0, 9, 9, "image/png", b""), Indexed(0, 0, 1, 1, 1, b"\0", bytes(6)), Pixels(0, 0, 1, 1, bytes(3)), Cursor(0, 0, 0, 0, b"")], 0.0)  # fmt: skip
    assert made.due(REST) == math.inf
    assert made.take(REST, 100.0) is None


@pytest.mark.parametrize("op", [jpeg(100, 70, 10, 10), Pixels(100, 70, 10, 10, bytes(300), quality=40)])
def test_what_is_inexact_is_due_after_a_rest(op: Op) -> None:
    made = areas()
    made.drew([op], 5.0)
    assert made.due(REST) == 5.0 + REST
    assert made.take(REST, 5.5) is None
    assert made.take(REST, 5.71) == Rect(64, 64, 64, 64)
    made.exact(Rect(64, 64, 64, 64))
    assert made.due(REST) == math.inf


def test_motion_puts_it_off() -> None:
    made = areas()
    made.drew([jpeg(0, 0, 64, 64), jpeg(640, 0, 64, 64)], 0.0)
    made.drew([Fill(0, 0, 5, 5, 1, 2, 3)], 0.5)
    assert made.take(REST, 0.8) == Rect(640, 0, 64, 64)
    assert made.due(REST) == 0.7
    made.exact(Rect(640, 0, 64, 64))
    assert made.due(REST) == 1.2


def test_copies_carry_inexactness_along() -> None:
    made = areas()
    made.drew([jpeg(0, 0, 10, 10)], 0.0)
    made.drew([Copy(5, 5, 10, 10, 500, 500), Copy(700, 700, 10, 10, 900, 300)], 0.0)
    made.exact(Rect(0, 0, 64, 64))
    assert made.take(REST, 1.0) == Rect(448, 448, 64, 64)


def test_regions_are_whole_tiles_but_end_with_the_picture() -> None:
    made = areas()
    made.drew([jpeg(1270, 790, 10, 10)], 0.0)
    assert made.take(REST, 1.0) == Rect(1216, 768, 64, 32)


def test_a_region_holds_nothing_that_moves() -> None:
    made = areas()
    made.drew([jpeg(0, 0, 256, 256)], 0.0)
    made.drew([jpeg(128, 128, 64, 64)], 0.9)
    assert made.take(REST, 1.0) == Rect(0, 0, 256, 128)


def test_a_whole_picture_takes_several_touch_ups() -> None:
    made = areas()
    made.drew([jpeg(0, 0, WIDTH, HEIGHT)], 0.0)
    covered = 0
    while region := made.take(REST, 1.0):
        assert region.width * region.height <= MAX_TILES * TILE * TILE
        covered += region.width * region.height
        made.exact(region)
    assert covered == WIDTH * HEIGHT


@given(
    st.lists(
        st.tuples(
            st.integers(0, 199),
            st.integers(0, 149),
            st.integers(1, 200),
            st.integers(1, 150),
            st.floats(0, 3),
        ),
        max_size=12,
    )
)
def test_touch_ups_cover_every_inexact_pixel_once_and_then_end(
    drawn: list[tuple[int, int, int, int, float]],
) -> None:
    made = RestingAreas()
    made.resize(200, 150)
    for x, y, width, height, now in drawn:
        made.drew([jpeg(x, y, min(width, 200 - x), min(height, 150 - y))], now)
    inexact = {
        (px, py)
        for x, y, w, h, _ in drawn
        for px in range(x, min(x + w, 200), 7)
        for py in range(y, min(y + h, 150), 7)
    }
    while region := made.take(REST, 10.0):
        made.exact(region)
        inexact -= {
            (x, y)
            for x, y in inexact
            if region.x <= x < region.x + region.width and region.y <= y < region.y + region.height
        }
    assert not inexact
    assert made.due(REST) == math.inf
