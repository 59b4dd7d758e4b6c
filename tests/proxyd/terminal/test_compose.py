from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.display.ops import Fill, Image, Indexed, Pixels
from proxyd.terminal.cells import DEFAULT, RGB, Flag, Style, Underline
from proxyd.terminal.compose import MAX_COLOURS, Cells, compose
from proxyd.terminal.decorations import lines, underline
from proxyd.terminal.fonts import PACKAGED, fallbacks
from proxyd.terminal.glyphs import Atlas, shades
from proxyd.terminal.looks import Looks, Pair, ramps
from proxyd.terminal.schemes import find_scheme
from tests.fakes.canvas import Canvas

ATLAS = Atlas(PACKAGED, 11)
LOOKS = Looks(find_scheme("").palette, reverse=False, bold_brightens=False)

COLOURS = st.one_of(st.integers(0, 257), st.integers(0, 0xFFFFFF).map(lambda colour: RGB + colour))
STYLES = st.builds(
    Style,
    COLOURS,
    COLOURS,
    st.sampled_from(
        [0, Flag.BOLD, Flag.FAINT, Flag.ITALIC, Flag.INVERSE, Flag.STRIKE, Flag.OVERLINE, Flag.INVISIBLE]
    ),
    st.sampled_from(list(Underline)),
    st.one_of(st.none(), COLOURS),
)
WORDS = st.lists(
    st.sampled_from(["a", "W", " ", "é", "█", "░", "─", "x\u0302", "中"]), min_size=1, max_size=8
)


@st.composite
def rectangles(draw: st.DrawFn) -> Cells:
    styles = draw(st.lists(STYLES, min_size=1, max_size=5))
    text: list[list[str]] = []
    chosen: list[list[Style]] = []
    for _ in range(draw(st.integers(1, 3))):
        row: list[str] = []
        row_styles: list[Style] = []
        for character in draw(WORDS):
            style = draw(st.sampled_from(styles))
            row += [character, ""] if character == "中" else [character]
            row_styles += [style] * (2 if character == "中" else 1)
        text.append([*row, *[" "] * (16 - len(row))])
        chosen.append([*row_styles, *[DEFAULT] * (16 - len(row_styles))])
    return Cells(text, chosen)


def ramp(pair: Pair) -> list[int]:
    return [red << 16 | green << 8 | blue for red, green, blue in ramps([pair])[0].tolist()]


def shown(cells: Cells) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    canvas = Canvas()
    canvas._resize(0, 16 * ATLAS.cell.width, len(cells.text) * ATLAS.cell.height)
    for op in compose(cells, 0, 0, ATLAS, LOOKS):
        canvas.apply(op)
    return canvas.picture()


def by_hand(cells: Cells) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The same picture, a cell at a time and without palettes."""
    cell = ATLAS.cell
    picture = np.zeros((len(cells.text) * cell.height, 16 * cell.width, 3), np.uint8)
    for row, (text, styles) in enumerate(zip(cells.text, cells.styles, strict=True)):
        for column, (cluster, style) in enumerate(zip(text, styles, strict=True)):
            look = LOOKS[style]
            key = cluster
            if not cluster:
                key = text[column - 1] + "\1"
            elif column + 1 < len(text) and not text[column + 1]:
                key = cluster + "\0"
            shade = ATLAS.shades_of(ATLAS.faces[look.face][" " if look.hidden else key])
            if look.lines and not look.hidden:
                shade = np.maximum(shade, shades(lines(look.lines, *cell)))
            below = shades(underline(look.underline, *cell)) if not look.hidden else np.zeros_like(shade)
            if look.underline_pair.ink == look.pair.ink:
                shade, below = np.maximum(shade, below), np.zeros_like(below)
            pixels = np.array(ramp(look.pair))[shade]
            pixels = np.where(below > 0, np.array(ramp(look.underline_pair))[below], pixels)
            if look.lines and not look.hidden:  # drawn last
                stroke = shades(lines(look.lines, *cell))
                over = np.array(ramp(look.pair))[stroke]
                pixels = np.where((stroke > 0) & (below > 0), over, pixels)
            place = picture[
                row * cell.height : (row + 1) * cell.height, column * cell.width : (column + 1) * cell.width
            ]
            place[:] = np.stack([pixels >> 16, pixels >> 8 & 255, pixels & 255], axis=-1)
    return picture


@settings(max_examples=60, deadline=None)
@given(rectangles())
def test_a_rectangle_has_the_pixels_of_its_cells(cells: Cells) -> None:
    assert np.array_equal(shown(cells), by_hand(cells))


def test_what_is_empty_is_filled() -> None:
    (op,) = compose(Cells([[" "] * 5] * 2, [[DEFAULT] * 5] * 2), 3, 4, ATLAS, LOOKS)
    assert op == Fill(3, 4, 5 * ATLAS.cell.width, 2 * ATLAS.cell.height, 0x1A, 0x1D, 0x23)


def test_plain_text_needs_one_image_of_at_most_16_colours() -> None:
    (op,) = compose(Cells([list("plain text")], [[DEFAULT] * 10]), 0, 0, ATLAS, LOOKS)
    assert isinstance(op, Indexed)
    assert len(op.palette) <= 3 * 16


def test_a_palette_holds_no_colour_twice() -> None:
    styles = [Style(foreground=RGB + n, background=4) for n in range(10)]
    (op,) = compose(Cells([list("abcdefghij")], [styles]), 0, 0, ATLAS, LOOKS)
    assert isinstance(op, Indexed)
    colours = [op.palette[i : i + 3] for i in range(0, len(op.palette), 3)]
    assert len(colours) == len(set(colours))


def test_too_many_colours_are_divided_by_rows() -> None:
    styles = [Style(foreground=16 + n) for n in range(40)]
    cells = Cells([list("abcdefghij")] * 4, [styles[10 * row : 10 * row + 10] for row in range(4)])
    ops = compose(cells, 0, 0, ATLAS, LOOKS)
    assert len(ops) > 1
    assert all(isinstance(op, Indexed) and len(op.palette) <= 3 * MAX_COLOURS for op in ops)
    assert [op.y for op in ops if isinstance(op, Indexed)] == sorted(
        op.y for op in ops if isinstance(op, Indexed)
    )


def test_a_picture_of_characters_is_true_colour() -> None:
    styles = [Style(RGB + n * 4000, RGB + 0x800000 + n) for n in range(400)]
    (op,) = compose(Cells([["▀"] * 400], [styles]), 0, 0, ATLAS, LOOKS)
    assert isinstance(op, Pixels)
    row = np.frombuffer(op.data, np.uint8).reshape(op.height, op.width, 3)[0]
    assert row[7 * ATLAS.cell.width].tolist() == [0, 28000 >> 8, 28000 & 255]
    assert not op.quality


def test_emoji_are_pictures_on_their_paper() -> None:
    atlas = Atlas(PACKAGED, 16, fallbacks())
    if not any(font.colour for font in fallbacks()):
        return
    blue = Style(background=4)
    image, picture = compose(Cells([["😀", ""]], [[blue, blue]]), 0, 0, atlas, LOOKS)
    assert isinstance(image, Fill | Indexed)
    assert isinstance(picture, Image)
    assert (picture.width, picture.height) == (2 * atlas.cell.width, atlas.cell.height)
