from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from proxyd.terminal import glyphs
from proxyd.terminal.drawn import draw
from proxyd.terminal.fonts import PACKAGED, FontFile, fallbacks
from proxyd.terminal.glyphs import BLANK, BOLD, ITALIC, LEFT, RIGHT, SHADES, Atlas, occurring, shades

EMOJI = [font for font in fallbacks() if font.colour]
HAN = [font for font in fallbacks() if not font.colour and "中" in font]


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas(PACKAGED, 16, fallbacks())


def test_the_cell_is_that_of_the_font(atlas: Atlas) -> None:
    assert atlas.cell == (10, 19, 15)


def test_a_glyph_is_drawn_once(atlas: Atlas) -> None:
    first = atlas.faces[0]["a"]
    count = len(atlas)
    assert atlas.faces[0]["a"] == first
    assert len(atlas) == count


def test_faces_differ(atlas: Atlas) -> None:
    drawn = {atlas.shades_of(atlas.faces[face]["g"]).tobytes() for face in (0, BOLD, ITALIC, BOLD | ITALIC)}
    assert len(drawn) == 4


def test_blanks_are_one_glyph_in_every_face(atlas: Atlas) -> None:
    assert {face[" "] for face in atlas.faces} == {BLANK}
    assert not atlas.shades_of(BLANK).any()


def test_shades_that_occur_are_noted(atlas: Atlas) -> None:
    for character in "aW█░ é":
        glyph = atlas.faces[0][character]
        assert atlas.used[glyph] == occurring(atlas.shades_of(glyph))
        assert atlas.used[glyph] >> SHADES == 0


def test_full_ink_is_the_darkest_shade() -> None:
    assert shades(np.array([0, 128, 255], np.uint8)).tolist() == [0, 8, 15]


def test_lines_and_blocks_are_drawn_not_taken_from_the_font(atlas: Atlas) -> None:
    expected = draw("┼", atlas.cell.width, atlas.cell.height)
    assert expected is not None
    assert np.array_equal(atlas.shades_of(atlas.faces[BOLD]["┼"]), shades(expected))


@pytest.mark.parametrize("pixels", [11, 14, 15, 16, 20, 32])
def test_no_letter_is_cut_off(pixels: int) -> None:
    """What hangs over its cell is moved or made narrower: as much ink is left as the font has, nearly."""
    atlas = Atlas(PACKAGED, pixels)
    wide = Atlas(PACKAGED, pixels)
    wide.cell = wide.cell._replace(width=wide.cell.width * 3)
    wide._begin()
    for face in (0, BOLD, ITALIC, BOLD | ITALIC):
        for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@#$%&{}[]()gjpqy|":
            glyph, wide_glyph = atlas.faces[face][character], wide.faces[face][character]
            here, there = atlas.shades_of(glyph).astype(int), wide.shades_of(wide_glyph).astype(int)
            assert here.any(axis=1).sum() == there.any(axis=1).sum()
            assert here.sum() >= 0.66 * there.sum(), (character, face)


def test_halves_of_a_wide_character_belong_together(atlas: Atlas) -> None:
    left, right = atlas.faces[0]["字" + LEFT], atlas.faces[0]["字" + RIGHT]
    assert right == left + 1
    assert atlas.faces[0]["字" + RIGHT] == right


@pytest.mark.skipif(not HAN, reason="no font with Han characters")
def test_a_character_is_taken_from_another_font(atlas: Atlas) -> None:
    left = atlas.faces[0]["中" + LEFT]
    assert (
        np.hstack([atlas.shades_of(left), atlas.shades_of(left + 1)]).any(axis=1).sum()
        > atlas.cell.height // 2
    )


def test_a_character_that_no_font_has_is_an_empty_frame(atlas: Atlas) -> None:
    first, second = (atlas.shades_of(atlas.faces[0][character]) for character in "\U000e01f0\U0010fffd")
    assert first.any()
    assert np.array_equal(first, second)
    assert not first[first.shape[0] // 2, first.shape[1] // 2]


def test_marks_are_placed_on_their_letter(atlas: Atlas) -> None:
    plain = atlas.shades_of(atlas.faces[0]["x"])
    marked = atlas.shades_of(atlas.faces[0]["x\u0302"])
    assert (marked >= plain).all()
    assert marked[:5].any()
    assert not plain[:5].any()


@pytest.mark.parametrize(
    "cluster", ["q\u0307", "a\u0308\u0323", "x" + "\u0301" * 20, "\u0301", "\ufe0f", "\u200d", "a\u200db"]
)
def test_any_cluster_gives_a_glyph(atlas: Atlas, cluster: str) -> None:
    for face in atlas.faces:
        assert 0 <= face[cluster] < len(atlas)


@pytest.mark.skipif(not EMOJI, reason="no font of emoji")
@pytest.mark.parametrize("cluster", ["😀", "❤\ufe0f", "👩\u200d💻", "🇩🇪", "👍🏽"])
def test_emoji_are_pictures_that_fit_their_cells(atlas: Atlas, cluster: str) -> None:
    glyph = atlas.faces[0][cluster + LEFT]
    picture = atlas.pictures[glyph]
    image = Image.open(io.BytesIO(picture.data))
    assert image.size == (2 * atlas.cell.width, atlas.cell.height)
    assert picture.width == image.width
    box = image.getbbox()
    assert box is not None
    assert max(box[2] - box[0], box[3] - box[1]) >= atlas.cell.height - 3
    assert not atlas.shades_of(glyph).any()


@pytest.mark.skipif(not EMOJI, reason="no font of emoji")
def test_text_symbols_stay_text(atlas: Atlas) -> None:
    assert atlas.faces[0]["✓"] not in atlas.pictures
    assert atlas.faces[0]["❤"] not in atlas.pictures


def test_a_full_atlas_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "MAX_GLYPHS", 300)
    atlas = Atlas(PACKAGED, 8)
    for point in range(0x21, 0x21 + 400):
        assert atlas.faces[0][chr(point)] < len(atlas.used)
    atlas.trim()
    assert len(atlas) == 1
    assert atlas.shades_of(atlas.faces[0]["a"]).any()


def test_a_font_that_cannot_draw_is_passed_over(tmp_path: object) -> None:
    class Liar(FontFile):
        def __contains__(self, character: object) -> bool:
            return True

    atlas = Atlas(PACKAGED, 12, [Liar(PACKAGED.regular.path.parent / "LICENSE-DejaVu.txt")])
    assert atlas.shades_of(atlas.faces[0]["中"]).any()


@pytest.mark.parametrize("pixels", [-5, 0, 1, 100_000])
def test_absurd_sizes_are_made_sane(pixels: int) -> None:
    cell = Atlas(PACKAGED, pixels).cell
    assert 2 <= cell.width <= 200
    assert 2 <= cell.height <= 300
