from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from proxyd.display import encode as encode_module
from proxyd.display.encode import cost, encode, suits_jpeg
from proxyd.display.ops import Image, Indexed, Mask, Pixels

PNG = frozenset({"image/png"})
PNG_JPEG = frozenset({"image/png", "image/jpeg"})


def shown(image: Image) -> np.ndarray:
    """What a browser shows, shape (height, width, 3)."""
    picture = PillowImage.open(io.BytesIO(image.data))
    picture.load()
    assert picture.size == (image.width, image.height)
    assert image.mimetype == f"image/{picture.format.lower()}"
    return np.asarray(picture.convert("RGB"))


def header(image: Image) -> tuple[int, int]:
    """Depth and colour type of a PNG."""
    return image.data[24], image.data[25]


def random_pixels(width: int, height: int, colours: int, *, seed: int = 1) -> Pixels:
    generator = np.random.default_rng(seed)
    palette = (
        generator.choice(1 << 24, colours, replace=False).astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
    )
    return Pixels(0, 0, width, height, palette[generator.integers(0, colours, width * height)].tobytes())


def photo(width: int, height: int, *, quality: int = 0) -> Pixels:
    noise = np.random.default_rng(2).integers(0, 256, (4, 6, 3), np.uint8)
    smooth = PillowImage.fromarray(noise).resize((width, height), PillowImage.Resampling.BICUBIC)
    return Pixels(3, 4, width, height, smooth.tobytes(), quality)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 64, 200])
@pytest.mark.parametrize("height", [1, 2, 9])
@pytest.mark.parametrize("colours", [1, 2, 3, 4, 5, 16, 17, 256, 257, 4000])
def test_true_colour_comes_out_exact(width: int, height: int, colours: int) -> None:
    op = random_pixels(width, height, colours)
    assert shown(encode(op, accepts=PNG)).tobytes() == op.data


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        (1, (1, 3)),
        (2, (1, 3)),
        (3, (2, 3)),
        (4, (2, 3)),
        (16, (4, 3)),
        (17, (8, 3)),
        (256, (8, 3)),
        (257, (8, 2)),
    ],
)
def test_few_colours_become_the_smallest_palette(colours: int, expected: tuple[int, int]) -> None:
    op = random_pixels(120, 120, colours)
    assert header(encode(op, accepts=PNG)) == expected


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("width", [1, 3, 7, 8, 9, 33])
def test_packed_rows_pass_as_they_are(depth: int, width: int) -> None:
    height = 5
    generator = np.random.default_rng(depth)
    indexes = generator.integers(0, 1 << depth, (height, width))
    palette = generator.integers(0, 256, (1 << depth, 3), np.uint8)
    rows = b"".join(
        int(
            "".join(f"{index:0{depth}b}" for index in row).ljust(-(-width * depth // 8) * 8, "0"), 2
        ).to_bytes(-(-width * depth // 8), "big")
        for row in indexes
    )
    op = Indexed(0, 0, width, height, depth, rows, palette.tobytes())
    image = encode(op, accepts=PNG)
    assert header(image) == (depth, 3)
    assert np.array_equal(shown(image), palette[indexes])


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 11])
@pytest.mark.parametrize(
    ("colours", "depth"), [(1, 1), (2, 1), (3, 2), (4, 2), (7, 4), (16, 4), (17, 8), (200, 8)]
)
def test_bytes_of_few_colours_are_packed(width: int, colours: int, depth: int) -> None:
    generator = np.random.default_rng(colours)
    indexes = generator.integers(0, colours, (4, width), np.uint8)
    palette = generator.integers(0, 256, (colours, 3), np.uint8)
    image = encode(Indexed(0, 0, width, 4, 8, indexes.tobytes(), palette.tobytes()), accepts=PNG)
    assert header(image) == (depth, 3)
    assert np.array_equal(shown(image), palette[indexes])


def test_place_layer_and_mask_are_kept() -> None:
    op = Indexed(5, 6, 2, 1, 1, b"\x40", b"\0\0\0\xff\xff\xff", layer=-3, mask=Mask.SRC)
    image = encode(op, accepts=PNG)
    assert image[:4] == (5, 6, 2, 1)
    assert (image.layer, image.mask) == (-3, Mask.SRC)


def test_photographs_become_jpeg_where_that_is_allowed() -> None:
    op = photo(160, 120, quality=80)
    image = encode(op, accepts=PNG_JPEG)
    assert image.mimetype == "image/jpeg"
    difference = np.abs(shown(image).astype(int) - np.frombuffer(op.data, np.uint8).reshape(120, 160, 3))
    assert difference.mean() < 3


@pytest.mark.parametrize(
    ("op", "accepts"),
    [
        pytest.param(photo(160, 120), PNG_JPEG, id="it shall be exact"),
        pytest.param(photo(160, 120, quality=80), PNG, id="a viewer shows no JPEG"),
    ],
)
def test_everything_else_stays_exact(op: Pixels, accepts: frozenset[str]) -> None:
    image = encode(op, accepts=accepts)
    assert image.mimetype == "image/png"
    assert shown(image).tobytes() == op.data


def test_quality_changes_the_size() -> None:
    coarse, fine = photo(160, 120, quality=20), photo(160, 120, quality=90)
    assert len(encode(coarse, accepts=PNG_JPEG).data) < len(encode(fine, accepts=PNG_JPEG).data)


def flat_with_specks(width: int, height: int, specks: int) -> Pixels:
    """Plain white but for pixels that all differ, as smooth text has them."""
    pixels = np.full((width * height, 3), 255, np.uint8)
    noise = np.random.default_rng(3)
    pixels[noise.choice(width * height, specks, replace=False)] = noise.integers(0, 256, (specks, 3))
    return Pixels(0, 0, width, height, pixels.tobytes())


@pytest.mark.parametrize(
    ("op", "suits"),
    [
        pytest.param(photo(160, 120), True, id="a photograph"),
        pytest.param(photo(20, 20), False, id="too small to pay"),
        pytest.param(random_pixels(160, 120, 200), False, id="few colours"),
        pytest.param(flat_with_specks(160, 120, 900), False, id="many colours, but flat"),
    ],
)
def test_photographs_suit_jpeg(op: Pixels, suits: bool) -> None:
    assert suits_jpeg(op.data) is suits


def test_colours_no_hash_separates_stay_true_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_module, "_MULTIPLIERS", (np.uint32(0),))
    op = random_pixels(40, 40, 9)
    image = encode(op, accepts=PNG)
    assert header(image) == (8, 2)
    assert shown(image).tobytes() == op.data


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 40),
    colours=st.integers(1, 400),
    seed=st.integers(0, 1 << 30),
)
def test_any_picture_is_shown_exactly(width: int, height: int, colours: int, seed: int) -> None:
    op = random_pixels(width, height, colours, seed=seed)
    assert shown(encode(op, accepts=PNG_JPEG)).tobytes() == op.data


def test_cost_grows_with_the_picture_and_is_less_for_palettes() -> None:
    small, large = random_pixels(10, 10, 3), random_pixels(100, 100, 3)
    assert 0 < cost(small) < cost(large)
    assert cost(Indexed(0, 0, 100, 100, 8, bytes(10000), bytes(3))) < cost(large)
