from __future__ import annotations

import numpy as np
import pytest

from proxyd.terminal.pointers import ARROW, HAND, TEXT, pointer


@pytest.mark.parametrize("shape", [TEXT, ARROW, HAND])
@pytest.mark.parametrize(("dpi", "scale"), [(0, 1), (96, 1), (192, 2), (5000, 4)])
def test_shapes_grow_with_resolution_and_point_at_ink(shape: str, dpi: int, scale: int) -> None:
    small, drawn = pointer(shape, 96), pointer(shape, dpi)
    assert (drawn.width, drawn.height) == (small.width * scale, small.height * scale)
    assert len(drawn.data) == 4 * drawn.width * drawn.height
    pixels = np.frombuffer(drawn.data, np.uint8).reshape(drawn.height, drawn.width, 4)
    assert pixels[drawn.hot_y, drawn.hot_x, 3] == 255


@pytest.mark.parametrize("shape", [TEXT, ARROW, HAND])
def test_shapes_are_seen_on_any_paper(shape: str) -> None:
    drawn = pointer(shape, 96)
    opaque = {bytes(drawn.data[i : i + 3]) for i in range(0, len(drawn.data), 4) if drawn.data[i + 3]}
    assert opaque == {b"\0\0\0", b"\xff\xff\xff"}
