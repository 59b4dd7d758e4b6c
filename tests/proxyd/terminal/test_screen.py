"""The screen as painters and people see it: damage, view, scrollback, cursor, colours, other sizes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.cells import BACKGROUND, CURSOR, FOREGROUND
from proxyd.terminal.packed import pack
from proxyd.terminal.screen import Cursor, CursorShape, Scroll
from proxyd.terminal.terminal import Terminal
from tests.proxyd.terminal.screens import check_legal, picture, scrollback, shown
from tests.proxyd.terminal.test_properties import STREAM


def fresh(columns: int, rows: int, data: str = "") -> Terminal:
    """A terminal whose damage was taken."""
    terminal = shown(columns, rows, data)
    terminal.screen.take_damage()
    return terminal


# Damage


def test_everything_is_damaged_at_first():
    screen = Terminal(5, 2).screen
    assert screen.take_damage() == ([], [(0, 0, 5), (1, 0, 5)])
    assert screen.take_damage() == ([], [])


@pytest.mark.parametrize(
    ("data", "spans"),
    [
        ("ab", [(0, 0, 2)]),
        ("\x1b[2;3Hx", [(1, 2, 3)]),
        ("a\x1b[5Gb", [(0, 0, 5)]),
        ("\x1b[K", [(0, 0, 5)]),
        ("\x1b[1;3H", []),
        ("\x1b[31m", []),
        ("中", [(0, 0, 2)]),
    ],
)
def test_what_is_written_is_damaged(data, spans):
    terminal = fresh(5, 3)
    terminal.feed(data.encode())
    assert terminal.screen.take_damage() == ([], spans)


def test_a_scroll_moves_pixels_and_damages_the_new_rows():
    terminal = fresh(5, 3, "a\r\nb\r\nc")
    terminal.feed(b"\r\nd")
    assert terminal.screen.take_damage() == ([Scroll(0, 3, 1)], [(2, 0, 5)])
    terminal.feed(b"\r\ne\r\nf")
    assert terminal.screen.take_damage() == ([Scroll(0, 3, 2)], [(1, 0, 5), (2, 0, 5)])


def test_a_scroll_by_more_than_the_screen_is_no_scroll():
    terminal = fresh(5, 3)
    terminal.feed(b"x\r\n" * 9)
    assert terminal.screen.take_damage() == ([], [(0, 0, 5), (1, 0, 5), (2, 0, 5)])


def test_scrolls_of_regions_come_in_order():
    terminal = fresh(5, 4)
    terminal.feed(b"\x1b[1;3r\x1b[S\x1b[S\x1b[2;4r\x1b[T")
    assert terminal.screen.take_damage().scrolls == [Scroll(0, 3, 2), Scroll(1, 4, -1)]


def test_many_different_scrolls_are_a_new_picture():
    terminal = fresh(5, 4)
    terminal.feed(b"\x1b[S\x1b[T" * 20)
    scrolls, spans = terminal.screen.take_damage()
    assert spans == [(y, 0, 5) for y in range(4)]
    assert len(scrolls) <= 16


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STREAM, st.integers(-4, 4)), min_size=1, max_size=5))
def test_painting_damage_alone_gives_the_whole_picture(steps):
    """A picture that only follows scrolls and spans is the same as one taken afresh."""
    terminal = Terminal(9, 5, scrollback=10)
    painted = [[("", None)] * 9 for _ in range(5)]
    for text, scroll in steps:
        terminal.feed(text.encode())
        terminal.screen.scroll_view(scroll)
        screen = terminal.screen
        damage = screen.take_damage()
        for top, bottom, lines in damage.scrolls:
            before = list(painted)
            for y in range(top, bottom):
                if top <= y + lines < bottom:
                    painted[y] = before[y + lines]
        for y, left, right in damage.spans:
            row = screen.view_row(y)
            painted[y] = [*painted[y][:left], *zip(row.text, row.styles, strict=True)][:right] + painted[y][
                right:
            ]
            painted[y][left:right] = list(zip(row.text, row.styles, strict=True))[left:right]
        rows = [screen.view_row(y) for y in range(5)]
        assert painted == [list(zip(row.text, row.styles, strict=True)) for row in rows]
        check_legal(screen)


# The view and scrollback


def test_rows_that_leave_go_to_scrollback():
    terminal = shown(5, 2, "a\r\nb\r\nc\r\nd")
    assert scrollback(terminal) == ["a", "b"]
    assert (terminal.screen.oldest, terminal.screen.top) == (0, 2)
    assert terminal.screen.line(4) is None
    assert terminal.screen.line(-1) is None


def test_scrollback_is_limited():
    terminal = shown(5, 2, "".join(f"{number}\r\n" for number in range(20)), scrollback=3)
    assert scrollback(terminal) == ["16", "17", "18"]
    assert (terminal.screen.oldest, terminal.screen.top) == (16, 19)
    assert scrollback(shown(5, 2, "a\r\n" * 9, scrollback=0)) == []


def test_only_rows_from_the_top_of_the_page_go_to_scrollback():
    assert scrollback(shown(5, 4, "a\r\nb\x1b[2;4r\x1b[4H\r\n\r\n")) == []
    assert scrollback(shown(5, 4, "a\r\nb\x1b[1;3r\x1b[3H\r\n")) == ["a"]
    assert scrollback(shown(5, 4, "a\r\nb\x1b[?69h\x1b[1;3s\x1b[4H\r\n")) == []
    assert scrollback(shown(5, 2, "\x1b[?1049ha\r\nb\r\nc")) == []


def test_the_view_scrolls_back_and_stays_on_its_rows():
    terminal = fresh(5, 2, "a\r\nb\r\nc\r\nd")
    screen = terminal.screen
    screen.scroll_view(1)
    assert picture(terminal) == ["b", "c"]
    assert screen.take_damage() == ([Scroll(0, 2, -1)], [(0, 0, 5)])
    screen.scroll_view(9)
    assert (screen.offset, picture(terminal)) == (2, ["a", "b"])
    terminal.feed(b"\r\ne")
    assert (screen.offset, picture(terminal)) == (3, ["a", "b"])
    screen.scroll_view(-99)
    assert (screen.offset, picture(terminal)) == (0, ["d", "e"])
    screen.scroll_view(-1)
    assert screen.offset == 0


def test_the_alternate_screen_has_no_scrollback():
    screen = shown(5, 2, "a\r\nb\r\nc\x1b[?1049h").screen
    screen.scroll_view(1)
    assert (screen.offset, screen.history_rows, screen.oldest) == (0, 0, screen.top)
    assert screen.line(0) is None


def test_clearing_scrollback_brings_the_view_back():
    terminal = shown(5, 2, "a\r\nb\r\nc")
    terminal.screen.scroll_view(1)
    terminal.feed(b"\x1b[3J")
    assert (terminal.screen.offset, scrollback(terminal)) == (0, [])
    assert terminal.screen.oldest == terminal.screen.top == 1


# Cursor and colours


def test_the_cursor_has_shape_and_place():
    terminal = shown(5, 2, "中\x1b[1G")
    assert terminal.screen.cursor == Cursor(0, 0, CursorShape.BLOCK, blinking=True, visible=True, wide=True)
    terminal.feed(b"\x1b[6 q\x1b[2;4H")
    assert terminal.screen.cursor == Cursor(3, 1, CursorShape.BAR, blinking=False, visible=True, wide=False)
    terminal.feed(b"\x1b[3 q\x1b[?25l")
    assert terminal.screen.cursor == Cursor(
        3, 1, CursorShape.UNDERLINE, blinking=True, visible=False, wide=False
    )
    terminal.feed(b"\x1b[9 q\x1b[?12l\x1b[?25h")
    assert terminal.screen.cursor == Cursor(
        3, 1, CursorShape.UNDERLINE, blinking=False, visible=True, wide=False
    )


def test_the_cursor_leaves_the_view_when_it_scrolls_back():
    screen = shown(5, 2, "a\r\nb\r\nc\x1b[1H").screen
    screen.scroll_view(1)
    assert (screen.cursor.y, screen.cursor.visible) == (1, True)
    screen = shown(5, 2, "a\r\nb\r\nc").screen
    screen.scroll_view(1)
    assert not screen.cursor.visible


def test_colours_change_and_go_back_to_the_scheme():
    terminal = fresh(5, 1)
    scheme = [0x010101 * (index % 256) for index in range(259)]
    terminal.screen.set_palette(scheme)
    assert terminal.screen.take_damage().spans
    terminal.feed(b"\x1b]4;7;#ffffff\x07\x1b]10;red\x07\x1b]11;blue\x07\x1b]12;#00ff00\x07")
    palette = terminal.screen.palette
    assert [palette[index] for index in (7, FOREGROUND, BACKGROUND, CURSOR)] == [
        0xFFFFFF,
        0xFF0000,
        0x0000FF,
        0x00FF00,
    ]
    assert terminal.screen.take_damage().spans
    terminal.feed(b"\x1b]104;7\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07")
    assert terminal.screen.palette == scheme


def test_a_colour_that_stays_damages_nothing():
    terminal = fresh(5, 1, "\x1b]4;1;red\x07")
    terminal.feed(b"\x1b]4;1;red\x07\x1b]4;300;red\x07\x1b]4;2;nonsense\x07\x1b]4;x;red\x07")
    assert terminal.screen.take_damage().spans == []


def test_reverse_damages_all():
    terminal = fresh(5, 1)
    terminal.feed(b"\x1b[?5h")
    assert terminal.screen.reverse
    assert terminal.screen.take_damage().spans == [(0, 0, 5)]
    terminal.feed(b"\x1b[?5h")
    assert terminal.screen.take_damage().spans == []


# Other sizes


@pytest.mark.parametrize(
    ("about", "size", "data", "new", "rows", "back", "cursor"),
    [
        ("wider", (5, 3), "abcdefg", (8, 3), ["abcdefg", "", ""], [], (7, 0)),
        ("narrower", (8, 3), "abcdefg", (5, 3), ["abcde", "fg", ""], [], (2, 1)),
        ("narrower, at the bottom", (8, 2), "x\r\nabcdefg", (5, 2), ["abcde", "fg"], ["x"], (2, 1)),
        ("wider, at the bottom", (5, 2), "x\r\nabcdefg", (8, 2), ["x", "abcdefg"], [], (7, 1)),
        ("lower", (5, 4), "a\r\nb\r\nc\r\nd", (5, 2), ["c", "d"], ["a", "b"], (1, 1)),
        ("lower, with room below", (5, 4), "a\r\nb", (5, 2), ["a", "b"], [], (1, 1)),
        ("higher", (5, 2), "a\r\nb\r\nc\r\nd", (5, 3), ["b", "c", "d"], ["a"], (1, 2)),
        ("higher, with room below", (5, 2), "a\r\nb\r\nc\x1b[2J\x1b[Hd", (5, 3), ["d", "", ""], ["a"], (1, 0)),
        ("a wide character at the edge", (6, 3), "abc中文", (4, 3), ["abc", "中文", ""], [], (3, 1)),
        ("and back again", (4, 3), "abc中文", (6, 3), ["abc中", "文", ""], [], (2, 1)),
        ("a pending wrap", (5, 2), "abcde", (8, 2), ["abcde", ""], [], (5, 0)),
        ("the cursor beyond the text", (9, 2), "ab\x1b[8G", (5, 2), ["ab", ""], [], (4, 0)),
        ("the cursor in the middle", (8, 2), "abcdefg\x1b[4G", (2, 4), ["ab", "cd", "ef", "g"], [], (1, 1)),
        ("text that was styled", (5, 2), "\x1b[44mabcdefg", (7, 2), ["abcdefg", ""], [], (6, 0)),
    ],
)  # fmt: skip
def test_lines_wrap_anew(about, size, data, new, rows, back, cursor):
    terminal = shown(*size, data)
    terminal.resize(*new)
    assert picture(terminal) == rows, about
    assert scrollback(terminal) == back
    assert (terminal.screen.x, terminal.screen.y) == cursor
    check_legal(terminal.screen)


def test_a_pending_wrap_survives_where_the_line_still_ends_at_the_edge():
    terminal = shown(5, 2, "abcde")
    terminal.resize(5, 3)
    terminal.feed(b"f")
    assert picture(terminal) == ["abcde", "f", ""]


def test_the_alternate_screen_is_cut_and_the_normal_one_reflows():
    terminal = shown(5, 3, "abcdefg\x1b[?1049h\x1b[H12345\r\n67890\r\nxyz")
    terminal.resize(4, 2)
    assert picture(terminal) == ["6789", "xyz"]
    assert (terminal.screen.x, terminal.screen.y) == (3, 1)
    terminal.feed(b"\x1b[?1049l")
    assert picture(terminal) == ["abcd", "efg"]
    assert (terminal.screen.x, terminal.screen.y) == (3, 1)


def test_a_resize_resets_margins_and_adds_tab_stops():
    terminal = shown(10, 4, "\x1b[2;3r\x1b[3g")
    terminal.resize(30, 4)
    assert (terminal.screen.margin_top, terminal.screen.margin_bottom) == (0, 4)
    assert terminal.screen.tabs == {16, 24}
    assert terminal.screen.take_damage().spans == [(y, 0, 30) for y in range(4)]


def test_sizes_are_clamped():
    terminal = Terminal(100_000, 0)
    assert (terminal.screen.columns, terminal.screen.rows) == (1024, 1)
    terminal.resize(-1, 100_000)
    assert (terminal.screen.columns, terminal.screen.rows) == (2, 1024)


def test_saved_cursors_follow_the_text():
    terminal = shown(8, 3, "abcdefg\x1b7\r\n")
    terminal.resize(5, 3)
    terminal.feed(b"\x1b8x")
    assert picture(terminal) == ["abcde", "fgx", ""]


def test_erased_cells_have_the_background():
    row = shown(5, 1, "\x1b[44;1;4mab\x1b[K").screen.view_row(0)
    assert [style.background for style in row.styles] == [4] * 5
    assert row.styles[4].flags == row.styles[4].underline == 0


def test_a_wrap_at_the_bottom_brings_in_the_background():
    terminal = shown(3, 2, "\x1b[44m\x1b[2Habcd")
    assert pack(terminal.screen.view_row(1)).styles[0].background == 4
