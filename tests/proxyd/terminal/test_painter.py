from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxyd.display.emit import emit, sync
from proxyd.display.encode import encode
from proxyd.display.ops import Copy, Fill, Indexed, Move, Op, Pixels, Shade, Size
from proxyd.terminal import painter as painter_module
from proxyd.terminal.fonts import PACKAGED
from proxyd.terminal.glyphs import Atlas
from proxyd.terminal.painter import CURSOR_LAYER, GLYPH_BUFFER, Painter, Sheet
from proxyd.terminal.schemes import find_scheme
from proxyd.terminal.terminal import Terminal
from tests.fakes.canvas import Canvas

if TYPE_CHECKING:
    from numpy.typing import NDArray

ATLAS = Atlas(PACKAGED, 12)
COLUMNS, ROWS = 20, 6
SHEET = Sheet(COLUMNS * ATLAS.cell.width + 9, ROWS * ATLAS.cell.height + 5, 4, 3)


class Painted:
    """A terminal, its painter and what a browser would show."""

    def __init__(self, scheme: str = "", columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.terminal = Terminal(columns, rows, scrollback=50)
        self.terminal.screen.set_palette(find_scheme(scheme).palette)
        cell = ATLAS.cell
        self.sheet = Sheet(columns * cell.width + 9, rows * cell.height + 5, 4, 3)
        self.painter = Painter(self.terminal.screen, ATLAS, self.sheet)
        self.canvas = Canvas()
        self.paint()

    def paint(self) -> list[Op]:
        ops = self.painter.paint()
        for op in ops:
            self.canvas.apply(op)
        return ops

    def feed(self, text: str) -> list[Op]:
        self.terminal.feed(text.encode())
        return self.paint()

    def anew(self) -> NDArray[np.uint8]:
        """The picture as a painter would paint it that has painted nothing before."""
        canvas = Canvas()
        for op in Painter(self.terminal.screen, ATLAS, self.sheet).paint():
            canvas.apply(op)
        return canvas.picture()

    def cell(self, column: int, row: int) -> NDArray[np.uint8]:
        """The pixels of a cell of layer 0."""
        cell = ATLAS.cell
        x, y = self.sheet.x + column * cell.width, self.sheet.y + row * cell.height
        return self.canvas.layer(0)[y : y + cell.height, x : x + cell.width, :3]

    def colours(self, column: int, row: int) -> set[int]:
        return {int(r) << 16 | int(g) << 8 | int(b) for r, g, b in self.cell(column, row).reshape(-1, 3)}


def wire_bytes(ops: list[Op]) -> int:
    images = [encode(op, accepts=frozenset()) if isinstance(op, Indexed | Pixels) else op for op in ops]
    return sum(len(emit(op)) for op in images) + len(sync(987654321, 0))


FRAGMENTS = st.one_of(
    st.text(st.sampled_from("abc xyz─│█░⣿é"), max_size=12),
    st.sampled_from(["中文", "한국어", "e\u0301", "😀", "❤️", "\u200d", "\t", "\r\n", "\n", "\b", "\x07"]),
    st.sampled_from(
        ["\x1b[m", "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[4m", "\x1b[4:3m", "\x1b[7m", "\x1b[8m"]
    ),
    st.sampled_from(["\x1b[9m", "\x1b[53m", "\x1b[58;5;196m", "\x1b[31m", "\x1b[44m", "\x1b[38;2;1;200;3m"]),
    st.sampled_from(
        ["\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[J", "\x1b[3X", "\x1b[2P", "\x1b[2@", "\x1b[L", "\x1b[M"]
    ),
    st.sampled_from(
        ["\x1b[S", "\x1b[T", "\x1bM", "\x1b[2;4r", "\x1b[r", "\x1b[?1049h", "\x1b[?1049l", "\x1bc"]
    ),
    st.sampled_from(
        ["\x1b[?25l", "\x1b[?25h", "\x1b[?5h", "\x1b[?5l", "\x1b[4 q", "\x1b[6 q", "\x1b[ q", "\x1b[b"]
    ),
    st.sampled_from(["\x1b]11;#102030\x07", "\x1b]111\x07", "\x1b]4;1;#00ff00\x07", "\x1b]12;red\x07"]),
    st.builds("\x1b[{};{}H".format, st.integers(1, ROWS), st.integers(1, COLUMNS)),
)
STEPS = st.lists(st.one_of(st.lists(FRAGMENTS, max_size=8).map("".join), st.integers(-3, 3)), max_size=8)


@settings(max_examples=100, deadline=None)
@given(STEPS)
@example(["\x1b[6;15Haaaaaaa", 1, "\x1b[4 q", -1])
def test_painting_what_changed_equals_painting_all(steps: list[str | int]) -> None:
    painted = Painted()
    for step in steps:
        if isinstance(step, int):
            painted.terminal.screen.scroll_view(step)
            painted.paint()
        else:
            painted.feed(step)
    assert np.array_equal(painted.canvas.picture(), painted.anew())


def test_the_first_frame_gives_the_picture_its_size_and_paints_all_of_it() -> None:
    painted = Painted()
    assert painted.canvas.layer(0).shape[:2] == (painted.sheet.height, painted.sheet.width)
    assert (painted.canvas.layer(0)[..., 3] == 255).all()


def test_nothing_is_painted_where_nothing_changed() -> None:
    painted = Painted()
    painted.feed("hello\r\n")
    assert painted.paint() == []


def test_an_echoed_key_costs_less_than_150_bytes() -> None:
    painted = Painted(columns=200, rows=60)
    painted.feed("\x1b[58;150H")
    for character in "The quick brown fox, 0-9 (a~z)":
        ops = painted.feed(character)
        assert wire_bytes(ops) <= 120
        assert {type(op) for op in ops} <= {Copy, Move}


def test_an_echoed_key_beside_wide_characters_is_as_cheap() -> None:
    painted = Painted(columns=200, rows=60)
    painted.feed("\x1b[5H日本語 $ ")
    assert wire_bytes(painted.feed("x")) <= 120


def test_a_character_of_another_colour_is_cheap_from_the_second_time_on() -> None:
    painted = Painted(columns=200, rows=60)
    first = painted.feed("\x1b[58;150H\x1b[1;31mx")
    second = painted.feed("x")
    assert any(isinstance(op, Indexed) and op.layer == GLYPH_BUFFER for op in first)
    assert wire_bytes(second) <= 120


def test_the_glyph_buffer_begins_anew_when_it_is_full() -> None:
    painted = Painted()
    for number in range(1100):
        painted.feed(f"\x1b[H\x1b[38;2;{number % 256};{number // 256};7mx")
    assert np.array_equal(painted.canvas.picture(), painted.anew())


def test_scrolling_copies_and_paints_the_new_row_only() -> None:
    painted = Painted()
    painted.feed("".join(f"line {n}\r\n" for n in range(ROWS)))
    ops = painted.feed("next\r\n")
    copies = [op for op in ops if isinstance(op, Copy) and op.layer == 0 and op.source == 0]
    assert copies
    painted_height = sum(op.height for op in ops if isinstance(op, Indexed | Fill) and op.layer == 0)
    assert painted_height <= 2 * ATLAS.cell.height


def test_a_cleared_screen_is_a_fill() -> None:
    painted = Painted()
    painted.feed("text " * 20)
    ops = painted.feed("\x1b[H\x1b[2J")
    assert not any(isinstance(op, Indexed) for op in ops)
    assert wire_bytes(ops) < 250


def test_whoever_joins_gets_everything_again() -> None:
    painted = Painted()
    painted.feed("one\r\n\x1b[32mtwo")
    painted.painter.forget()
    painted.canvas = Canvas()
    painted.paint()
    assert np.array_equal(painted.canvas.picture(), painted.anew())
    painted.feed("three")
    assert np.array_equal(painted.canvas.picture(), painted.anew())


def test_another_place_is_painted_whole() -> None:
    painted = Painted()
    painted.feed("abc")
    painted.sheet = painted.sheet._replace(width=painted.sheet.width + 40, x=20)
    painted.painter.place(painted.sheet)
    painted.paint()
    assert np.array_equal(painted.canvas.picture(), painted.anew())


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ("\x1b[2 q", (0, 0, 7, 15)),
        ("\x1b[4 q", (0, 13, 7, 2)),
        ("\x1b[6 q", (0, 0, 2, 15)),
    ],
)
def test_the_cursor_has_the_shape_that_was_asked_for(shape: str, box: tuple[int, int, int, int]) -> None:
    painted = Painted()
    painted.feed(f"{shape}\x1b[3;5H")
    x, y, width, height = box
    assert painted.canvas.layer(CURSOR_LAYER).shape[:2] == (height, width)
    before = Canvas()
    for op in Painter(painted.terminal.screen, ATLAS, painted.sheet).paint():
        if getattr(op, "layer", 0) != CURSOR_LAYER:
            before.apply(op)
    left = painted.sheet.x + 4 * ATLAS.cell.width + x
    top = painted.sheet.y + 2 * ATLAS.cell.height + y
    rows, columns = np.nonzero((painted.canvas.picture() != before.picture()).any(axis=2))
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (
        left, top, left + width, top + height,
    )  # fmt: skip


def test_the_cursor_shows_the_character_that_it_stands_on() -> None:
    painted = Painted()
    painted.feed("a\x1b[D")
    block = painted.canvas.layer(CURSOR_LAYER)[..., :3]
    assert len(np.unique(block.reshape(-1, 3), axis=0)) > 2
    assert np.array_equal(block[0, 0], painted.canvas.picture()[painted.sheet.y, painted.sheet.x])


def test_the_cursor_differs_from_the_paper_it_stands_on() -> None:
    palette = find_scheme("").palette
    painted = Painted()
    foreground = palette[256]
    red, green, blue = foreground >> 16, foreground >> 8 & 255, foreground & 255
    painted.feed(f"\x1b[48;2;{red};{green};{blue}m\x1b[31m \b")
    corner = painted.canvas.layer(CURSOR_LAYER)[0, 0, :3].tolist()
    assert corner != [red, green, blue]


def test_a_hidden_cursor_is_invisible_and_comes_back() -> None:
    painted = Painted()
    assert Shade(CURSOR_LAYER, 0) in painted.feed("\x1b[?25l")
    assert Shade(CURSOR_LAYER, 255) in painted.feed("\x1b[?25h")


def test_a_wide_character_under_the_cursor_is_covered_whole() -> None:
    painted = Painted()
    painted.feed("中\r")
    assert painted.canvas.layer(CURSOR_LAYER).shape[1] == 2 * ATLAS.cell.width


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[38;2;10;20;30m█", {0x0A141E}),
        ("\x1b[48;2;10;20;30m ", {0x0A141E}),
        ("\x1b[7;38;2;10;20;30m ", {0x0A141E}),
        ("\x1b[8;38;2;1;1;1;48;2;10;20;30m█", {0x0A141E}),
        ("\x1b[2;38;2;100;0;0;48;2;0;0;100m█", {0x320032}),
        ("\x1b[38;2;255;0;0;48;2;0;0;0m▀", {0xFF0000, 0x000000}),
    ],
)
def test_cells_have_exactly_their_colours(text: str, expected: set[int]) -> None:
    painted = Painted()
    painted.feed(text)
    assert painted.colours(0, 0) == expected


def test_an_underline_may_have_its_own_colour() -> None:
    painted = Painted()
    painted.feed("\x1b[4;58;2;9;8;7m \x1b[m")
    assert 0x090807 in painted.colours(0, 0)


def test_more_colours_than_a_palette_holds_are_all_painted() -> None:
    painted = Painted(columns=120, rows=4)
    painted.feed("".join(f"\x1b[48;2;{n};{n // 2};{255 - n % 256}m " for n in range(120 * 3)))
    assert painted.colours(100, 0) == {100 << 16 | 50 << 8 | 155}
    assert np.array_equal(painted.canvas.picture(), painted.anew())


def test_reverse_screen_exchanges_the_default_colours() -> None:
    painted = Painted()
    paper, ink = find_scheme("").palette[257], find_scheme("").palette[256]
    painted.feed(" ")
    assert painted.colours(0, 0) == {paper}
    painted.feed("\x1b[?5h")
    assert painted.colours(0, 0) == {ink}
    corner = painted.canvas.layer(0)[0, 0, :3].tolist()
    assert corner == [ink >> 16, ink >> 8 & 255, ink & 255]


def test_every_operation_stays_on_its_layer() -> None:
    painted = Painted()
    ops = painted.feed("".join(f"\x1b[{n % 8 + 30}mword " for n in range(60)))
    sizes = {op.layer: op for op in ops if isinstance(op, Size)}
    for op in ops:
        if isinstance(op, Fill | Indexed) and op.layer == 0:
            assert op.x + op.width <= painted.sheet.width
            assert op.y + op.height <= painted.sheet.height
    assert 0 not in sizes


def test_text_that_blinks_vanishes_and_comes_back() -> None:
    painted = Painted()
    painted.feed("\x1b[2Hsteady")
    assert not painted.painter.blinks
    painted.feed("\x1b[H\x1b[5mblink\x1b[4m!\x1b[m stays")
    shown = painted.canvas.picture()
    assert painted.painter.blinks
    painted.painter.blink()
    ops = painted.paint()
    assert sum(op.height for op in ops if isinstance(op, Indexed) and op.layer == 0) == ATLAS.cell.height
    assert len(painted.colours(0, 0)) == len(painted.colours(5, 0)) == 1
    assert len(painted.colours(7, 0)) > 1
    painted.painter.blink()
    painted.paint()
    assert np.array_equal(painted.canvas.picture(), shown)
    painted.feed("\x1b[H\x1b[2J")
    painted.painter.blink()
    assert not painted.painter.blinks


def test_a_huge_screen_is_spread_over_several_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter_module, "MAX_CELLS", 3 * COLUMNS)
    painted = Painted()
    for text in ("first ", "second ", "third "):  # no row waits for ever while all of them change
        painted.feed("\x1b[H" + text * 16)
    assert painted.painter.unfinished
    while painted.painter.unfinished:
        painted.paint()
    monkeypatch.setattr(painter_module, "MAX_CELLS", 1000)
    assert np.array_equal(painted.canvas.picture(), painted.anew())


def test_many_new_characters_are_spread_over_several_frames() -> None:
    atlas = Atlas(PACKAGED, 12)
    terminal = Terminal(40, 20)
    painter = Painter(terminal.screen, atlas, SHEET._replace(width=40 * 7 + 9, height=20 * 15 + 5))
    canvas = Canvas()
    rows = [chr(0x4E00 + 40 * row + column) for row in range(20) for column in range(20)]
    terminal.feed("".join(rows).encode())
    frames = 0
    drawn: list[int] = []
    while frames == 0 or painter.unfinished:
        before = len(atlas)
        for op in painter.paint():
            canvas.apply(op)
        drawn.append(len(atlas) - before)
        frames += 1
        if frames == 2:
            terminal.feed(b"\x1b[3S")  # rows that still wait move along
    assert 2 < frames < 10
    assert max(drawn) <= 2 * (painter_module.MAX_EFFORT + 20) + 100
    whole = Canvas()
    other = Painter(terminal.screen, atlas, SHEET._replace(width=40 * 7 + 9, height=20 * 15 + 5))
    for op in other.paint():
        whole.apply(op)
    assert not other.unfinished
    assert np.array_equal(canvas.picture(), whole.picture())
