"""The console and the people at it, with a program that only listens."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from proxyd.display.ops import Cursor, Move, Rect, Size
from proxyd.instances import console as module
from proxyd.instances import slices, text_view
from proxyd.instances.console import TEXT_PIPE, Console, ConsoleOptions
from proxyd.instances.parameters import Arguments
from proxyd.instances.people import SAVED_AS, SEARCH_PIPE, People
from proxyd.instances.ssh_parameters import PARAMETERS
from proxyd.terminal.events import Bell, Event
from proxyd.terminal.highlight import HIGHLIGHT_LAYER
from proxyd.terminal.schemes import find_scheme
from proxyd.terminal.scrollbar import SCROLL_LAYER
from proxyd.terminal.searching import SEARCH_LAYER
from proxyd.wire.status import Hop, StatusError
from tests.fakes.desk import FakeDesk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SHIFT, CONTROL, ALT, META = 0xFFE1, 0xFFE3, 0xFFE9, 0xFFE7
RETURN, ESCAPE, BACKSPACE = 0xFF0D, 0xFF1B, 0xFF08
PAGE_UP, PAGE_DOWN, HOME, END, UP, INSERT = 0xFF55, 0xFF56, 0xFF50, 0xFF57, 0xFF52, 0xFF63
LEFT, MIDDLE, RIGHT, WHEEL_UP, WHEEL_DOWN = 1, 2, 4, 8, 16


@pytest.fixture(autouse=True)
def _quick_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture counts as slow to paint and no work as long, however busy the machine is."""
    monkeypatch.setattr(module, "SLOW_PAINT", 10.0)
    monkeypatch.setattr(slices, "SLICE", 10.0)


class Listener:
    """A program."""

    def __init__(self) -> None:
        self.input = b""
        self.replies = b""
        self.sizes: list[tuple[int, int, int, int]] = []

    def write(self, data: bytes) -> None:
        self.input += data

    def reply(self, data: bytes) -> None:
        self.replies += data

    def resize(self, columns: int, rows: int, width: int, height: int) -> None:
        self.sizes.append((columns, rows, width, height))

    def heard(self) -> bytes:
        heard, self.input = self.input, b""
        return heard


class Place:
    """A console on a desk, with a program; speaks the words of the tests."""

    def __init__(self, width: int = 420, height: int = 210, **given: str) -> None:
        arguments = Arguments(PARAMETERS, {name.replace("_", "-"): value for name, value in given.items()})
        self.desk = FakeDesk(width, height)
        self.events: list[Event] = []
        self.console = Console(self.desk, ConsoleOptions.from_arguments(arguments), self.events.append)
        self.people = People(self.console)
        self.program = Listener()
        self.screen = self.console.terminal.screen

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.console.prepare()
        self.console.open()
        self.console.attach(self.program)
        self.desk.serve(self.console)  # type: ignore[arg-type] - an instance as far as frames go
        try:
            yield
        finally:
            self.console.close()

    def feed(self, text: str) -> None:
        self.console.feed(text.encode())

    def lines(self, count: int) -> None:
        self.feed("".join(f"line {n}\r\n" for n in range(count)))

    def press(self, *keysyms: int) -> None:
        for keysym in keysyms:
            self.people.key(keysym, True)
        for keysym in reversed(keysyms):
            self.people.key(keysym, False)

    def type(self, text: str) -> None:
        for character in text:
            self.press(ord(character) if ord(character) < 256 else 0x1000000 + ord(character))

    def point(self, column: float, row: float, buttons: int = 0) -> None:
        layout = self.console.layout
        x, y = layout.margin + column * layout.cell.width, layout.margin + row * layout.cell.height
        self.people.pointer(int(x), int(y), buttons)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.point(*start, LEFT)
        self.point(*end, LEFT)
        self.point(*end)

    def row(self, y: int) -> str:
        return "".join(self.screen.view_row(y).text).rstrip()

    async def drawn(self) -> None:
        """Let the desk ask for frames until there is nothing new."""
        count = -1
        while count != len(self.desk.frames):
            count = len(self.desk.frames)
            await asyncio.sleep(0.02)


# -- frames ------------------------------------------------------------------------------------------------------------


async def test_values_that_can_be_changed_are_announced() -> None:
    place = Place(font_size="11", color_scheme="gray-black")
    async with place.open():
        assert place.desk.arguments == {"font-size": "11", "color-scheme": "gray-black", "font-name": ""}


async def test_one_request_is_answered_by_one_frame() -> None:
    place = Place()
    place.desk.pulling = False
    async with place.open():
        assert len(place.desk.frames) == 1
        place.feed("a")
        assert len(place.desk.frames) == 1
        place.desk.request()
        assert len(place.desk.frames) == 2
        place.desk.request()
        assert len(place.desk.frames) == 2
        place.feed("b")
        assert len(place.desk.frames) == 3


async def test_a_region_is_answered_at_once_with_everything() -> None:
    place = Place()
    async with place.open():
        place.lines(30)
        place.screen.scroll_view(5)
        await place.drawn()
        before = place.desk.canvas.picture()
        place.desk.canvas = type(place.desk.canvas)()
        place.desk.pulling = False
        count = len(place.desk.frames)
        place.desk.request(Rect(0, 0, 65535, 65535))
        assert len(place.desk.frames) == count + 1
        assert np.array_equal(place.desk.canvas.picture(), before)
        assert any(isinstance(op, Cursor) for op in place.desk.frames[-1])


async def test_a_program_may_hold_back_a_frame_but_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLD", 0.1)
    place = Place()
    async with place.open():
        await place.drawn()
        count = len(place.desk.frames)
        place.feed("\x1b[?2026hhalf")
        assert len(place.desk.frames) == count
        place.feed(" whole\x1b[?2026l")
        assert len(place.desk.frames) == count + 1
        await place.drawn()
        place.feed("\x1b[?2026hnever ends")
        await place.desk.until(lambda: len(place.desk.frames) == count + 2, "a frame in spite of it")


async def test_a_picture_that_is_slow_to_paint_comes_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_PAINT", 0.0)
    monkeypatch.setattr(module, "PAINT_SHARE", 1e9)
    place = Place()
    async with place.open():
        count = len(place.desk.frames)
        await asyncio.sleep(0)
        place.feed("waits")
        assert len(place.desk.frames) == count
        place.people.key(0x61, True)  # whoever types does not
        place.feed("echo")
        assert len(place.desk.frames) == count + 1


async def test_text_blinks_while_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLINK_EVERY", 0.02)
    place = Place()
    async with place.open():
        place.feed("\x1b[5mblink")
        count = len(place.desk.frames)
        await place.desk.until(lambda: len(place.desk.frames) >= count + 4, "frames that blink")
        place.feed("\x1b[H\x1b[2J")
        await asyncio.sleep(0.1)
        count = len(place.desk.frames)
        await asyncio.sleep(0.1)
        assert len(place.desk.frames) == count


async def test_the_terminal_s_answers_go_to_the_program() -> None:
    place = Place()
    async with place.open():
        place.feed("\x1b[5n")
        assert place.program.replies == b"\x1b[0n"
        assert place.program.input == b""


async def test_titles_clipboards_and_the_rest_find_their_way() -> None:
    place = Place()
    async with place.open():
        place.feed("\x1b]0;title\x07\x1b]52;c;aGVsbG8=\x07\x07")
        assert place.desk.titles == ["title"]
        assert place.desk.clipboards == ["hello"]
        assert place.events == [Bell()]


async def test_programs_set_no_clipboard_where_copying_is_off() -> None:
    place = Place(disable_copy="true")
    async with place.open():
        place.feed("\x1b]52;c;aGVsbG8=\x07")
        assert place.desk.clipboards == []


# -- size and looks ----------------------------------------------------------------------------------------------------


async def test_a_storm_of_sizes_is_one_change() -> None:
    place = Place()
    async with place.open():
        await place.drawn()
        columns = place.screen.columns
        for width in range(300, 700, 4):
            place.desk.width = width
            place.console.resize()
        await place.desk.until(lambda: place.program.sizes, "a new size")
        await place.drawn()
        assert len(place.program.sizes) == 1
        assert place.program.sizes[0] == (place.screen.columns, place.screen.rows, *place.console.size[2:])
        assert place.screen.columns > columns
        assert place.desk.canvas.layer(0).shape[1] == 696


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3000, 3000), (65535, 20)])
async def test_absurd_windows_give_a_legal_grid(width: int, height: int) -> None:
    place = Place(width, height)
    async with place.open():
        place.feed("x")
        assert 2 <= place.screen.columns <= 1024
        assert 1 <= place.screen.rows <= 1024


async def test_text_grows_live() -> None:
    place = Place()
    async with place.open():
        rows = place.screen.rows
        place.console.change("font-size", "24")
        await place.desk.until(lambda: place.screen.rows < rows, "fewer rows")
        assert place.desk.arguments["font-size"] == "24"
        assert place.program.sizes[-1][:2] == (place.screen.columns, place.screen.rows)


@pytest.mark.parametrize(
    ("keys", "size"),
    [((CONTROL, ord("+")), "13"), ((CONTROL, SHIFT, ord("+")), "13"), ((CONTROL, ord("-")), "11")],
)
async def test_text_grows_and_shrinks_by_keys(keys: tuple[int, ...], size: str) -> None:
    place = Place()
    async with place.open():
        place.press(*keys)
        await place.desk.until(lambda: place.desk.arguments["font-size"] == size, "another size")
        assert place.program.input == b""


@pytest.mark.parametrize(
    ("value", "becomes"), [("0", "4"), ("99999", "96"), ("-3", "12"), ("big", "12"), ("", "12"), ("²", "12")]
)
async def test_absurd_sizes_of_text_are_made_sane_or_ignored(value: str, becomes: str) -> None:
    place = Place()
    async with place.open():
        place.desk.arguments.clear()
        place.console.change("font-size", value)
        await place.desk.until(lambda: place.desk.arguments.get("font-size") == becomes, becomes)


async def test_colours_change_live_and_a_program_s_own_stay_until_then() -> None:
    place = Place()
    async with place.open():
        place.feed("\x1b]11;#123456\x07")
        await place.drawn()
        assert place.desk.canvas.picture()[0, 0].tolist() == [0x12, 0x34, 0x56]
        place.console.change("color-scheme", "black-white")
        await place.desk.until(lambda: place.desk.arguments["color-scheme"] == "black-white", "the new name")
        await place.drawn()
        assert place.desk.canvas.picture()[0, 0].tolist() == [255, 255, 255]


async def test_a_font_that_is_not_there_changes_nothing() -> None:
    place = Place()
    async with place.open():
        columns = place.screen.columns
        place.console.change("font-name", "No Such Font At All")
        await place.desk.until(lambda: place.desk.arguments["font-name"] == "No Such Font At All", "the name")
        assert place.screen.columns == columns


# -- keys --------------------------------------------------------------------------------------------------------------


async def test_keys_are_typed_and_hurry_the_next_frame() -> None:
    place = Place()
    async with place.open():
        hurried = place.desk.hurried
        place.type("aé中")
        assert place.program.heard() == "aé中".encode()
        assert place.desk.hurried >= hurried + 3


async def test_control_letters() -> None:
    place = Place()
    async with place.open():
        place.press(CONTROL, ord("c"))
        assert place.program.heard() == b"\x03"
        place.type("c")
        assert place.program.heard() == b"c"


async def test_shift_scrolls_back_and_typing_returns() -> None:
    place = Place()
    async with place.open():
        place.lines(100)
        rows = place.screen.rows
        for keys, offset in [((SHIFT, PAGE_UP), rows - 1), ((SHIFT, UP), rows), ((SHIFT, HOME), place.screen.history_rows),
                             ((SHIFT, PAGE_DOWN), place.screen.history_rows - rows + 1), ((SHIFT, END), 0)]:  # fmt: skip
            place.press(*keys)
            assert place.screen.offset == offset
        assert place.program.heard() == b""
        place.press(SHIFT, PAGE_UP)
        place.type("x")
        assert place.screen.offset == 0
        assert place.program.heard() == b"x"


async def test_scroll_keys_belong_to_full_screen_programs() -> None:
    place = Place()
    async with place.open():
        place.feed("\x1b[?1049h")
        place.press(SHIFT, UP)
        assert place.program.heard() == b"\x1b[1;2A"


@pytest.mark.parametrize("keys", [(CONTROL, SHIFT, ord("V")), (META, ord("v")), (SHIFT, INSERT)])
async def test_the_clipboard_is_pasted_by_keys(keys: tuple[int, ...]) -> None:
    place = Place()
    async with place.open():
        place.people.take_clipboard("one\ntwo\x1b[31m\x03")
        assert place.program.heard() == b""
        place.press(*keys)
        assert place.program.heard() == b"one\rtwo[31m"
        place.feed("\x1b[?2004h")
        place.press(*keys)
        assert place.program.heard() == b"\x1b[200~one\rtwo[31m\x1b[201~"


async def test_nothing_is_pasted_where_that_is_off() -> None:
    place = Place(disable_paste="true")
    async with place.open():
        place.people.take_clipboard("secret")
        place.press(CONTROL, SHIFT, ord("V"))
        place.point(3, 3, MIDDLE)
        place.point(3, 3)
        assert place.program.heard() == b""


async def test_the_scrollback_is_cleared_and_saved_by_keys() -> None:
    place = Place()
    async with place.open():
        place.lines(40)
        place.press(CONTROL, SHIFT, ord("S"))
        saved = place.desk.offered[SAVED_AS]
        text = await saved.read(100_000)
        assert text.startswith(b"line 0\nline 1\n")
        assert text.endswith(b"line 39\n")
        assert await saved.read(10) == b""
        place.press(CONTROL, SHIFT, ord("K"))
        assert place.screen.history_rows == 0
        assert place.program.heard() == b""


async def test_nothing_is_saved_where_copying_is_off() -> None:
    place = Place(disable_copy="true")
    async with place.open():
        place.press(CONTROL, SHIFT, ord("S"))
        assert place.desk.offered == {}


async def test_text_is_searched_by_keys() -> None:
    place = Place(600, 210)
    async with place.open():
        place.lines(100)
        place.press(CONTROL, SHIFT, ord("F"))
        place.type("lint 7x")
        place.press(BACKSPACE)
        place.press(BACKSPACE)
        place.press(BACKSPACE)
        place.press(BACKSPACE)
        place.type("e 7")
        search = place.people._console.view.search  # type: ignore[union-attr]
        assert search
        assert (search.text, search.status) == ("line 7", "1 of 11")
        place.press(RETURN)
        assert search.status == "2 of 11"
        place.press(SHIFT, RETURN)
        assert search.status == "1 of 11"
        await place.drawn()
        assert place.desk.canvas.layer(SEARCH_LAYER).any()
        assert place.desk.canvas.layer(HIGHLIGHT_LAYER).any()
        place.people.take_clipboard("9\nmore")
        place.press(CONTROL, SHIFT, ord("V"))
        assert search.text == "line 79"
        place.press(CONTROL, ord("u"))
        assert search.text == ""
        place.press(ESCAPE)
        await place.drawn()
        assert not place.desk.canvas.layer(HIGHLIGHT_LAYER).any()
        assert place.program.heard() == b""
        place.type("x")
        assert place.program.heard() == b"x"


def flood(place: Place, lines: int) -> None:
    """More than a slice of work, for whoever looks back."""
    place.feed("".join(f"line {n}\r\n" for n in range(lines)))
    assert place.screen.history.ready < 200


async def test_a_long_way_back_is_gone_in_slices_and_others_get_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    place = Place(scrollback="5000")
    async with place.open():
        flood(place, 6000)
        place.press(SHIFT, HOME)
        assert 0 < place.screen.offset < 1000
        place.press(SHIFT, PAGE_DOWN)
        turns = 0
        while place.console.slices.runs("scroll"):
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        assert place.screen.offset == place.screen.history.ready == place.screen.history_rows
        place.type("x")
        assert place.screen.offset == 0


async def test_the_bar_is_dragged_while_the_way_back_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    place = Place(scrollback="5000")
    async with place.open():
        flood(place, 6000)
        for offset in (4000, 3000, 2500):
            place.console.scroll_to(offset)
        await place.desk.until(lambda: not place.console.slices.runs("scroll"), "the way back")
        assert place.screen.offset == 2500


async def test_a_key_ends_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    place = Place(scrollback="5000")
    async with place.open():
        flood(place, 6000)
        place.press(SHIFT, HOME)
        place.type("x")
        assert not place.console.slices.runs("scroll")
        assert place.screen.offset == 0


async def test_a_view_that_is_scrolled_back_stays_back_in_another_window() -> None:
    place = Place(scrollback="500")
    async with place.open():
        place.lines(400)
        place.press(SHIFT, HOME)
        before = place.screen.offset
        assert (before, place.screen.columns) == (391, 40)
        place.desk.width += 200
        place.console.resize()
        await place.desk.until(lambda: place.screen.columns == 60, "another width")
        await place.desk.until(lambda: not place.console.slices.runs("scroll"), "the way back")
        assert place.screen.offset >= before - place.screen.rows


# -- what the page's menu asks for -------------------------------------------------------------------------------------


def told(place: Place, name: str) -> str:
    return place.desk.pipes[name].data.decode()


async def test_the_menu_searches_and_is_told_what_was_found() -> None:
    place = Place(600, 210)
    async with place.open():
        place.lines(100)
        place.people.command("search line 7")
        assert told(place, SEARCH_PIPE) == "1 11"
        place.people.command("older")
        assert told(place, SEARCH_PIPE) == "2 11"
        place.people.command("newer")
        assert told(place, SEARCH_PIPE) == "1 11"
        place.people.command("search nothing like it")
        assert told(place, SEARCH_PIPE) == "0 0"
        place.people.command("search")
        assert place.console.view is not None
        assert place.console.view.search is None
        assert place.program.heard() == b""


async def test_a_search_by_keys_tells_nobody() -> None:
    place = Place(600, 210)
    async with place.open():
        place.lines(100)
        place.press(CONTROL, SHIFT, ord("F"))
        place.type("line")
        assert place.desk.pipes == {}


async def test_a_long_search_tells_how_far_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    monkeypatch.setattr(slices, "REST", 0.0)
    place = Place(600, 210, scrollback="500")
    async with place.open():
        flood(place, 2000)
        place.people.command("search line 19")
        assert place.console.slices.runs("search")
        await place.desk.until(lambda: told(place, SEARCH_PIPE) == "1 100", "the whole search")


async def test_the_menu_copies_what_is_selected_or_all_that_is_shown() -> None:
    place = Place()
    async with place.open():
        place.feed("hello world\r\n$ ")
        place.people.command("copy")
        assert place.desk.clipboards == ["hello world\n$"]
        place.drag((0.2, 0.5), (4.6, 0.5))
        place.people.command("copy")
        assert place.desk.clipboards[1:] == ["hello", "hello"]


async def test_the_menu_saves_and_clears() -> None:
    place = Place()
    async with place.open():
        place.lines(40)
        place.people.command("save")
        assert (await place.desk.offered[SAVED_AS].read(100_000)).startswith(b"line 0\n")
        place.people.command("clear")
        assert place.screen.history_rows == 0


@pytest.mark.parametrize("text", ["", " ", "no such thing", "SEARCH x", "\0", "search\n", "older", "text"])
async def test_what_the_menu_cannot_ask_for_does_nothing(text: str) -> None:
    place = Place()
    async with place.open():
        place.people.command(text)
        assert place.desk.pipes == {}
        assert place.program.heard() == b""


async def test_the_text_on_the_screen_is_told_while_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_view, "SOON", 0.0)
    monkeypatch.setattr(text_view, "EVERY", 0.01)
    place = Place()
    async with place.open():
        place.feed("$ one\r\n")
        place.people.command("text on")
        await place.desk.until(lambda: TEXT_PIPE in place.desk.pipes, "a text")
        assert told(place, TEXT_PIPE) == "$ one"
        place.feed("two")
        await place.desk.until(lambda: told(place, TEXT_PIPE) == "$ one\ntwo", "the next text")
        place.people.command("text off")
        place.feed("three")
        await asyncio.sleep(0.05)
        assert told(place, TEXT_PIPE) == "$ one\ntwo"


async def test_no_text_is_made_while_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_view, "SOON", 0.0)
    place = Place()
    async with place.open():
        monkeypatch.setattr(place.desk, "open_pipe", lambda name: None)
        place.people.command("text on")
        await place.desk.until(lambda: place.console._text_view is None, "the end of it")


async def test_no_text_is_told_where_copying_is_off() -> None:
    place = Place(disable_copy="true")
    async with place.open():
        place.people.command("text on")
        await asyncio.sleep(0.1)
        assert place.desk.pipes == {}


# -- pointer -----------------------------------------------------------------------------------------------------------


async def test_a_drag_selects_and_copies() -> None:
    place = Place()
    async with place.open():
        place.feed("hello world")
        place.drag((0.2, 0.5), (4.6, 0.5))
        assert place.desk.clipboards == ["hello"]
        await place.drawn()
        assert place.desk.canvas.layer(HIGHLIGHT_LAYER).any()
        place.people.take_clipboard("else")
        place.press(CONTROL, SHIFT, ord("C"))
        assert place.desk.clipboards == ["hello", "hello"]
        assert place.program.heard() == b""


async def test_two_clicks_select_a_word() -> None:
    place = Place()
    async with place.open():
        place.feed("see /tmp/a.txt now")
        for _ in range(2):
            place.point(6, 0.5, LEFT)
            place.point(6, 0.5)
        assert place.desk.clipboards == ["/tmp/a.txt"]


@pytest.mark.parametrize("button", [MIDDLE, RIGHT])
async def test_what_was_selected_is_pasted_by_the_other_buttons(button: int) -> None:
    place = Place()
    async with place.open():
        place.feed("hello world")
        place.drag((6.2, 0.5), (10.6, 0.5))
        place.point(1, 1, button)
        assert place.program.heard() == b""
        place.point(1, 1)
        assert place.program.heard() == b"world"


async def test_nothing_is_copied_where_that_is_off() -> None:
    place = Place(disable_copy="true")
    async with place.open():
        place.feed("hello world")
        place.drag((0, 0.5), (4.5, 0.5))
        place.point(1, 1, MIDDLE)
        place.point(1, 1)
        assert place.desk.clipboards == []
        assert place.program.heard() == b""


async def test_a_drag_beyond_the_edge_scrolls() -> None:
    place = Place()
    async with place.open():
        place.lines(50)
        place.point(2, 3, LEFT)
        place.people.pointer(40, 0, LEFT)
        place.people.pointer(40, 0, LEFT)
        assert place.screen.offset == 2


async def test_the_wheel_scrolls_back() -> None:
    place = Place()
    async with place.open():
        place.lines(50)
        for buttons, offset in ((WHEEL_UP, 3), (0, 3), (WHEEL_UP, 6), (0, 6), (WHEEL_DOWN, 3), (0, 3)):
            place.point(3, 3, buttons)
            assert place.screen.offset == offset
        await place.drawn()
        assert place.desk.canvas.layer(SCROLL_LAYER).any()


async def test_the_wheel_is_cursor_keys_for_full_screen_programs() -> None:
    place = Place()
    async with place.open():
        place.feed("\x1b[?1049h")
        place.point(3, 3, WHEEL_UP)
        assert place.program.heard() == b"\x1b[A" * 3


async def test_programs_that_ask_get_the_mouse_unless_shift_is_held() -> None:
    place = Place()
    async with place.open():
        place.feed("hello\x1b[?1000h\x1b[?1006h")
        place.point(2.5, 0.5, LEFT)
        place.point(2.5, 0.5)
        assert place.program.heard() == b"\x1b[<0;3;1M\x1b[<0;3;1m"
        place.point(2.5, 0.5, WHEEL_UP)
        assert place.program.heard() == b"\x1b[<64;3;1M"
        place.point(2.5, 0.5)
        place.people.key(SHIFT, True)
        place.drag((0, 0.5), (4.5, 0.5))
        assert place.desk.clipboards == ["hello"]
        assert place.program.heard() == b""


async def test_the_scroll_bar_is_dragged() -> None:
    place = Place()
    async with place.open():
        place.lines(200)
        right = place.desk.width - 3
        place.people.pointer(right, 0, LEFT)
        assert place.screen.offset == place.screen.history_rows
        place.people.pointer(right, place.desk.height, LEFT)
        assert place.screen.offset == 0
        place.people.pointer(right, place.desk.height // 2, LEFT)
        assert 0 < place.screen.offset < place.screen.history_rows
        offset = place.screen.offset
        place.people.pointer(right, place.desk.height // 2, 0)
        place.people.pointer(right, 0, 0)
        assert place.screen.offset == offset
        assert place.desk.clipboards == []


async def test_the_lane_is_text_where_there_is_nothing_to_scroll() -> None:
    place = Place()
    async with place.open():
        place.people.pointer(place.desk.width - 3, 0, LEFT)
        assert place.console.view
        assert not place.console.view.bar.held


async def test_the_pointer_shows_what_it_is_over() -> None:
    place = Place()
    async with place.open():
        place.lines(50)
        place.feed("see https://example.org/x, please")
        row = place.screen.y + 0.5
        shapes = []
        for column, held in ((5, None), (5, CONTROL), (1, None)):
            if held:
                place.people.key(held, True)
            place.point(column, row)
            if held:
                place.people.key(held, False)
            await place.drawn()
            shapes.append(place.desk.canvas.pointer)
        assert place.console.view
        assert place.console.view.link is None
        place.people.key(CONTROL, True)
        place.point(6, row)
        assert place.console.view.link
        assert place.console.view.link.uri == "https://example.org/x"
        place.point(6, row, LEFT)
        place.point(6, row)
        place.people.key(CONTROL, False)
        assert place.desk.links == ["https://example.org/x"]
        assert place.desk.clipboards == []
        place.people.pointer(place.desk.width - 2, 5, 0)
        await place.drawn()
        shapes.append(place.desk.canvas.pointer)
        assert shapes[0] == shapes[2]
        assert len({shape.data for shape in shapes if shape}) == 3


# -- questions ---------------------------------------------------------------------------------------------------------


async def test_a_question_takes_keys_and_pastes_until_it_is_answered() -> None:
    place = Place()
    async with place.open():
        asking = asyncio.create_task(place.console.ask("Password: ", secret=True))
        await asyncio.sleep(0)
        place.type("se")
        place.people.take_clipboard("cret")
        place.press(CONTROL, SHIFT, ord("V"))
        assert place.row(0) == "Password: ******"
        place.press(RETURN)
        assert await asking == "secret"
        assert place.program.heard() == b""
        place.type("x")
        assert place.program.heard() == b"x"


async def test_giving_up_is_an_error_of_signing_in() -> None:
    place = Place()
    async with place.open():
        asking = asyncio.create_task(place.console.ask("Password: ", secret=True))
        await asyncio.sleep(0)
        place.press(CONTROL, ord("c"))
        with pytest.raises(StatusError) as caught:
            await asking
        assert caught.value.hop is Hop.SIGN_IN


async def test_a_closed_console_asks_and_draws_nothing() -> None:
    place = Place()
    async with place.open():
        asking = asyncio.create_task(place.console.ask("Password: ", secret=True))
        await asyncio.sleep(0)
    await asyncio.wait([asking])
    assert asking.cancelled()
    count = len(place.desk.frames)
    place.feed("late")
    place.type("late")
    place.point(1, 1, LEFT)
    assert len(place.desk.frames) == count
    assert place.program.heard() == b""


async def test_before_it_is_open_nothing_is_drawn_and_keys_go_nowhere() -> None:
    place = Place()
    await place.console.prepare()
    place.desk.serve(place.console)  # type: ignore[arg-type]
    place.type("x")
    place.point(1, 1, LEFT)
    place.feed("hidden")
    assert place.desk.frames == []
    place.console.open()
    assert any(isinstance(op, Size) and op.layer == 0 for op in place.desk.frames[0])
    assert any(isinstance(op, Move) for op in place.desk.frames[0])
    assert find_scheme("").palette == place.screen.palette
    place.console.close()
