"""The terminal as its instance uses it: events, titles, pipes, paste, focus, wheel, resets, limits."""

from __future__ import annotations

import pytest

from proxyd.terminal.events import (
    Bell,
    ClipboardSet,
    DownloadAsked,
    PipeClosed,
    PipeData,
    PipeFlag,
    PipeOpened,
    TitleChanged,
    UploadDirectorySet,
)
from proxyd.terminal.terminal import EVENT_LIMIT, REPLY_LIMIT, Terminal
from tests.cuts import every_cut
from tests.proxyd.terminal.screens import picture, scrollback, shown


def events(data: str) -> list[object]:
    return list(shown(10, 3, data).take_events())


def test_events_come_in_order_and_once():
    terminal = shown(10, 3, "\x07\x1b]2;t\x07\x1b]482200;/x\x07")
    assert terminal.take_events() == [Bell(), TitleChanged("t"), DownloadAsked("/x")]
    assert terminal.take_events() == []


def test_of_bells_and_titles_the_newest_is_enough():
    assert events("\x07\x07\x1b]2;a\x07\x07\x1b]0;b\x07") == [Bell(), TitleChanged("b")]


def test_titles_are_told_when_they_change_and_are_limited():
    assert events("\x1b]2;a\x07") == [TitleChanged("a")]
    terminal = shown(10, 3, "\x1b]2;a\x07")
    terminal.take_events()
    terminal.feed(b"\x1b]2;a\x07")
    assert terminal.take_events() == []
    terminal.feed(b"\x1b]2;" + b"x" * 5000 + b"\x07")
    assert terminal.screen.title == "x" * 1024


def test_titles_can_be_pushed_and_popped():
    terminal = shown(10, 3, "\x1b]2;a\x07\x1b[22;0t\x1b]2;b\x07\x1b[23;0t\x1b[23t")
    assert terminal.screen.title == "a"
    terminal.feed(b"\x1b[22t\x1b]2;x\x07" * 50 + b"\x1b[23t" * 50)
    assert terminal.screen.title == "x"


def test_guacctl_asks_for_files_and_directories():
    asked = events("\x1b]482200;/home/a b.txt\x07\x1b]482201;/tmp\x1b\\\x1b]482200;\x07")
    assert asked == [DownloadAsked("/home/a b.txt"), UploadDirectorySet("/tmp")]
    assert events("\x1b]482200;" + "x" * 2048 + "\x07") == []


def test_guacctl_limits_the_scrollback_up_to_what_the_connection_allows():
    terminal = shown(10, 2, "a\r\nb\r\nc\r\nd\r\n\x1b]482204;1\x07", scrollback=10)
    assert scrollback(terminal) == ["c"]
    terminal.feed(b"\x1b]482204;99\x07\x1b]482204;x\x07")
    assert terminal.screen.history.limit == 10
    terminal.feed(b"\x1b]482204;0\x07")
    assert scrollback(terminal) == []


def test_a_pipe_takes_the_output():
    data = b"a\x1b]482202;out\x07b\r\nc\x1b[31md\x1b]482203;\x07e"
    for pieces in every_cut(data):
        terminal = shown(10, 3, *pieces)
        assert terminal.take_events() == [PipeOpened("out", PipeFlag(0)), PipeData(b"b\r\ncd"), PipeClosed()]
        assert picture(terminal) == ["ae", "", ""]


def test_a_pipe_may_be_shown_as_well():
    terminal = shown(10, 3, "\x1b]482202;1;2;out\x07b\r\nä")
    assert terminal.take_events() == [
        PipeOpened("out", PipeFlag.INTERPRET | PipeFlag.AUTOFLUSH),
        PipeData("b\r\nä".encode()),
    ]
    assert picture(terminal) == ["b", "ä", ""]


def test_another_pipe_closes_the_first():
    asked = events("\x1b]482202;a\x07x\x1b]482202;b\x07y")
    assert asked == [
        PipeOpened("a", PipeFlag(0)),
        PipeData(b"x"),
        PipeClosed(),
        PipeOpened("b", PipeFlag(0)),
        PipeData(b"y"),
    ]
    assert events("\x1b]482203;\x07\x1b]482202;\x07\x1b]482202;x;name\x07") == []


def test_pipes_pass_floods_on_whole():
    terminal = shown(80, 24, "\x1b]482202;out\x07")
    flood = b"line of text\r\n" * 2000
    terminal.feed(flood)
    assert terminal.take_events()[1] == PipeData(flood)


def test_programs_may_set_the_clipboard_where_that_is_allowed():
    assert events("\x1b]52;c;w6Q=\x07") == [ClipboardSet("ä")]
    assert events("\x1b]52;c;!\x07\x1b]52\x07") == [ClipboardSet("")]
    terminal = Terminal(10, 3)
    terminal.clipboard_allowed = False
    terminal.feed(b"\x1b]52;c;w6Q=\x07")
    assert terminal.take_events() == []


def test_events_and_replies_have_a_limit():
    terminal = shown(10, 3, "\x1b]482200;/x\x07" * 1000 + "\x1b[c" * 10_000)
    assert len(terminal.take_events()) == EVENT_LIMIT
    assert len(terminal.take_replies()) < REPLY_LIMIT + 100
    assert terminal.take_replies() == b""


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("ls\n", b"ls\r"),
        ("a\r\nb\rc", b"a\rb\rc"),
        ("tab\there", b"tab\there"),
        ("ä中", "ä中".encode()),
        ("\x1b[201~rm\x00\x03\x7f\x9b", b"[201~rm"),
        ("\ud800", b"?"),
    ],
)
def test_paste_is_text_that_cannot_act(text, data):
    terminal = Terminal(10, 3)
    assert terminal.paste(text) == data
    terminal.feed(b"\x1b[?2004h")
    assert terminal.paste(text) == b"\x1b[200~" + data + b"\x1b[201~"


def test_focus_is_told_to_those_who_ask():
    terminal = Terminal(10, 3)
    assert terminal.focus(True) == b""
    terminal.feed(b"\x1b[?1004h")
    assert (terminal.focus(True), terminal.focus(False)) == (b"\x1b[I", b"\x1b[O")


def test_the_wheel_scrolls_programs_on_the_alternate_screen():
    terminal = Terminal(10, 3)
    assert terminal.wheel(1) == b""
    terminal.feed(b"\x1b[?1049h")
    assert terminal.wheel(1) == b"\x1b[A" * 3
    assert terminal.wheel(-2) == b"\x1b[B" * 6
    terminal.feed(b"\x1b[?1h")
    assert terminal.wheel(1) == b"\x1bOA" * 3
    assert len(terminal.wheel(10**9)) < 1000
    terminal.feed(b"\x1b[?1007l")
    assert terminal.wheel(1) == b""


def test_a_resize_is_reported_to_those_who_ask():
    terminal = shown(10, 3, "\x1b[?2048h")
    terminal.take_replies()
    terminal.cell_size = (9, 18)
    terminal.resize(20, 5)
    assert terminal.take_replies() == b"\x1b[48;5;20;90;180t"


COSTLY = ["\x1b[2J", "\x1b#8", "\x1b[9999b", "\x1b[99S", "\x1b[99T", "\x1b[99L", "\x1b[99M", "\x1b[99P", "\x1b[99'}", "\n",
    "\x1bM", "\x1bD", "\x1b6", "\x1b[88$x", "\x1b[$z", "\x1b[2;1$v", "\x1b[2*x\x1b[$r", "\x1b[?1049h\x1b[?1049l",
    "\x1b[?69h\x1b[2;9s\x1b[S", "\u0085"]  # fmt: skip


@pytest.mark.parametrize("costly", COSTLY)
def test_no_few_bytes_can_take_long(costly):
    """What a batch of output may cost is bounded, whatever it asks for; the rest is kept."""
    terminal = Terminal(200, 60)
    terminal.feed(b"x\x1b[60H" if costly in ("\n", "\x1bD", "\u0085") else b"x")
    before = terminal.screen.grid.work
    assert terminal.feed(b"y" + costly.encode() * 50_000, 100_000)
    assert terminal.screen.grid.work - before < 100_000 + 3 * 200 * 60 * 20
    assert terminal.feed(b"", 100_000)


def test_what_is_kept_comes_before_what_follows():
    terminal = shown(10, 3)
    assert terminal.feed(b"\x1b[2Ja\x1b[2Jb", 1)
    assert terminal.feed(b"c", 1)
    while terminal.feed(b"", 1):
        pass
    assert picture(terminal) == [" bc", "", ""]


def test_a_full_reset_forgets_all_but_scrollback():
    terminal = shown(
        10,
        2,
        "a\r\nb\r\nc\x1b[?1000;1004;2004;1;66h\x1b=\x1b[>1u\x1b[>4;2m\x1b[?5h\x1b]4;1;#111111\x07\x1b[3 q\x1b[?1049h",
    )
    palette = Terminal(10, 2).screen.palette
    terminal.feed(b"\x1bc")
    assert terminal.modes == Terminal(10, 2).modes
    assert terminal.screen.palette == palette
    assert (terminal.screen.alternate, terminal.screen.reverse, terminal.keyboard.flags) == (False, False, 0)
    assert (picture(terminal), scrollback(terminal)) == (["", ""], ["a"])


def test_a_soft_reset_leaves_cells_cursor_tabs_and_title():
    terminal = shown(10, 3, "ab\x1b]2;t\x07\x1b[3g\x1b[?25l\x1b[?1;66h\x1b[31m\x1b(0\x1b[!pq")
    assert picture(terminal) == ["abq", "", ""]
    assert not terminal.modes.application_cursor
    assert not terminal.modes.application_keypad
    assert terminal.screen.cursor_shown
    assert terminal.screen.tabs == set()
    assert terminal.screen.title == "t"


def test_synchronized_output_is_a_flag_for_the_painter():
    terminal = shown(10, 3, "\x1b[?2026h")
    assert terminal.screen.synchronized
    terminal.feed(b"\x1b[?2026l")
    assert not terminal.screen.synchronized
