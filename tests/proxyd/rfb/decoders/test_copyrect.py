from __future__ import annotations

import pytest

from proxyd.display.ops import Copy, Rect
from proxyd.rfb.decoders.copyrect import CopyRect
from proxyd.rfb.errors import RfbError
from tests import rectangles
from tests.cuts import every_cut

RECT = Rect(30, 40, 20, 10)


def test_a_copy_at_every_cut() -> None:
    for pieces in every_cut(b"\0\x05\0\x06"):
        assert rectangles.decode(CopyRect(), pieces, RECT) == [Copy(5, 6, 20, 10, 30, 40)]


def test_the_source_may_touch_the_edge() -> None:
    on = rectangles.screen(width=100, height=80)
    assert rectangles.decode(CopyRect(), b"\0\x50\0\x46", RECT, on) == [Copy(80, 70, 20, 10, 30, 40)]


@pytest.mark.parametrize("data", [b"\0\x51\0\0", b"\0\0\0\x47", b"\xff\xff\xff\xff"])
def test_a_source_outside_of_the_screen_is_refused(data: bytes) -> None:
    with pytest.raises(RfbError, match="outside"):
        rectangles.decode(CopyRect(), data, RECT, rectangles.screen(width=100, height=80))


def test_nothing_is_copied_where_nothing_is() -> None:
    assert rectangles.decode(CopyRect(), bytes(4), Rect(0, 0, 0, 7)) == []
