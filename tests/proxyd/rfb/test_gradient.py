from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.rfb.gradient import STRIP_ROWS, restore
from proxyd.rfb.pixels import RGB565, RGB888, PixelFormat, PixelReader


def slow(differences: np.ndarray, maxima: list[int]) -> np.ndarray:
    """Pixel by pixel, as it is defined."""
    height, width, _ = differences.shape
    levels = np.zeros((height + 1, width + 1, 3), int)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                guess = levels[y + 1, x, c] + levels[y, x + 1, c] - levels[y, x, c]
                guess = min(max(guess, 0), maxima[c])
                levels[y + 1, x + 1, c] = (guess + differences[y, x, c]) % (maxima[c] + 1)
    return levels[1:, 1:]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    width=st.integers(1, 20),
    height=st.integers(1, 20),
    pixel_format=st.sampled_from([RGB888, RGB565]),
)
def test_any_differences(seed: int, width: int, height: int, pixel_format: PixelFormat) -> None:
    maxima = [maximum for maximum, _ in pixel_format.channels]
    differences = np.random.default_rng(seed).integers(0, [m + 1 for m in maxima], (height, width, 3))
    if pixel_format == RGB888:
        data = differences.astype(np.uint8).tobytes()
    else:
        data = (differences << (11, 5, 0)).sum(-1).astype("<u2").tobytes()
    restored = restore(data, width, height, PixelReader(pixel_format).tpixel)
    expected = np.floor(slow(differences, maxima) * 255 / maxima + 0.5).astype(np.uint8)
    assert restored == expected.tobytes()


@pytest.mark.parametrize("height", [STRIP_ROWS - 1, STRIP_ROWS, STRIP_ROWS + 1, 2 * STRIP_ROWS + 3])
def test_strips_meet(height: int) -> None:
    differences = np.random.default_rng(1).integers(0, 256, (height, 3, 3))
    restored = restore(differences.astype(np.uint8).tobytes(), 3, height, PixelReader(RGB888).tpixel)
    assert restored == slow(differences, [255, 255, 255]).astype(np.uint8).tobytes()


def test_nothing() -> None:
    for width, height in ((0, 5), (5, 0), (0, 0)):
        assert restore(b"", width, height, PixelReader(RGB888).tpixel) == b""
