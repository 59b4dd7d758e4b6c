"""TERM=xterm-256color is true: what the terminfo entry promises is what the terminal does.

The entry is the one of the machine that runs the test ; without it these tests are skipped.
"""

from __future__ import annotations

import curses
import os
import re
import subprocess
from pathlib import Path

import pytest

from proxyd.terminal.cells import Flag
from proxyd.terminal.keys import KeyOptions
from proxyd.terminal.terminal import Terminal
from tests.proxyd.terminal.screens import picture, shown
from tests.servers import processes

KEYS = {
    "kcuu1": 0xFF52, "kcud1": 0xFF54, "kcub1": 0xFF51, "kcuf1": 0xFF53, "khome": 0xFF50, "kend": 0xFF57, "kich1": 0xFF63,
    "kdch1": 0xFFFF, "kpp": 0xFF55, "knp": 0xFF56, "kbs": 0xFF08, "kent": 0xFF8D, "kbeg": 0xFF9D, "kp5": 0xFF9D,
    "ka1": 0xFF95, "ka2": 0xFF97, "ka3": 0xFF9A, "kb1": 0xFF96, "kb2": 0xFF9D, "kb3": 0xFF98,
    "kc1": 0xFF9C, "kc2": 0xFF99, "kc3": 0xFF9B,
    "kpADD": 0xFFAB, "kpCMA": 0xFFAC, "kpDIV": 0xFFAF, "kpDOT": 0xFFAE, "kpMUL": 0xFFAA, "kpSUB": 0xFFAD, "kpZRO": 0xFFB0,
}  # fmt: skip
SHIFTED = {"kDC": 0xFFFF, "kEND": 0xFF57, "kHOM": 0xFF50, "kIC": 0xFF63, "kLFT": 0xFF51, "kNXT": 0xFF56, "kPRV": 0xFF55,
    "kRIT": 0xFF53, "kUP": 0xFF52, "kDN": 0xFF54, "kri": 0xFF52, "kind": 0xFF54}  # fmt: skip
KEYPAD = {name for name in KEYS if name[:2] in ("ka", "kb", "kc", "kp") and name not in ("kbeg", "kp5", "kbs", "kpp")
    and not name.startswith("kcu")} | {"kent"}  # fmt: skip
"""What the keypad sends where the connection lets it be an application."""
FUNCTION_KEY_MODIFIERS = (0, 1, 4, 5, 2, 3)
"""kf13 is Shift+F1, kf25 Control+F1, kf37 both, kf49 Alt, kf61 Alt+Shift."""


@pytest.fixture(scope="module", autouse=True)
def terminfo():
    try:
        curses.setupterm("xterm-256color", 1)
    except curses.error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("no terminfo entry for xterm-256color")


def tput(name: str, *parameters: int) -> str:
    capability = curses.tigetstr(name)
    assert capability, f"{name} is not in the entry"
    text = curses.tparm(capability, *parameters) if parameters else capability
    return re.sub(r"\$<[^>]*>", "", text.decode("latin-1"))


def pressed(keysym: int, modifiers: int = 0, *, keypad: bool = False) -> str:
    """What a key sends after `smkx`, which every program that reads these capabilities sends."""
    terminal = shown(80, 24, tput("smkx"))
    terminal.key_options = KeyOptions(application_keypad=keypad)
    return terminal.key(keysym, modifiers).decode()


def key_capabilities() -> list[tuple[str, int, int]]:
    """Name, key symbol and modifiers of every key that has a capability."""
    keys = [(name, keysym, 0) for name, keysym in KEYS.items()]
    keys += [(name + ("" if number == 2 else str(number)), keysym, number - 1)
        for name, keysym in SHIFTED.items() for number in range(2, 8) if number == 2 or name not in ("kri", "kind")]  # fmt: skip
    keys += [(f"kf{12 * block + number + 1}", 0xFFBE + number, modifiers)
        for block, modifiers in enumerate(FUNCTION_KEY_MODIFIERS) for number in range(12) if 12 * block + number < 63]  # fmt: skip
    return [*keys, ("kcbt", 0xFF09, 1)]


@pytest.mark.parametrize(
    ("name", "keysym", "modifiers"), key_capabilities(), ids=[key[0] for key in key_capabilities()]
)
def test_every_key_sends_what_its_capability_says(name, keysym, modifiers):
    assert pressed(keysym, modifiers, keypad=name in KEYPAD) == tput(name)


SCREENS = [
    # capability with its parameters, what is there before, rows, cursor
    ("clear", (), "ab\r\nc", ["", "", ""], (0, 0)),
    ("home", (), "ab", ["ab", "", ""], (0, 0)),
    ("cup", (1, 3), "", ["", "", ""], (3, 1)),
    ("cuu", (1,), "\n\n", ["", "", ""], (0, 1)),
    ("cuu1", (), "\n\n", ["", "", ""], (0, 1)),
    ("cud", (1,), "", ["", "", ""], (0, 1)),
    ("cud1", (), "", ["", "", ""], (0, 1)),
    ("cuf", (2,), "", ["", "", ""], (2, 0)),
    ("cuf1", (), "", ["", "", ""], (1, 0)),
    ("cub", (2,), "abc", ["abc", "", ""], (1, 0)),
    ("cub1", (), "abc", ["abc", "", ""], (2, 0)),
    ("hpa", (2,), "", ["", "", ""], (2, 0)),
    ("vpa", (2,), "", ["", "", ""], (0, 2)),
    ("cr", (), "ab", ["ab", "", ""], (0, 0)),
    ("nel", (), "ab", ["ab", "", ""], (0, 1)),
    ("ind", (), "a\n\nb", ["", " b", ""], (2, 2)),
    ("indn", (2,), "a\n\nb", [" b", "", ""], (2, 2)),
    ("ri", (), "a", ["", "a", ""], (1, 0)),
    ("rin", (1,), "a", ["", "a", ""], (1, 0)),
    ("ed", (), "ab\r\ncd\r", ["ab", "", ""], (0, 1)),
    ("el", (), "abc\b", ["ab", "", ""], (2, 0)),
    ("el1", (), "abc\b\b", ["  c", "", ""], (1, 0)),
    ("ech", (2,), "abcd\r", ["  cd", "", ""], (0, 0)),
    ("ich", (2,), "ab\r", ["  ab", "", ""], (0, 0)),
    ("dch", (2,), "abc\r", ["c", "", ""], (0, 0)),
    ("dch1", (), "abc\r", ["bc", "", ""], (0, 0)),
    ("il", (1,), "a\r\nb\r", ["a", "", "b"], (0, 1)),
    ("il1", (), "a\r\nb\r", ["a", "", "b"], (0, 1)),
    ("dl", (1,), "a\r\nb\x1b[H", ["b", "", ""], (0, 0)),
    ("dl1", (), "a\r\nb\x1b[H", ["b", "", ""], (0, 0)),
    ("rep", (ord("x"), 4), "", ["xxxx", "", ""], (4, 0)),
    ("ht", (), "", ["", "", ""], (8, 0)),
    ("cbt", (), "\t\t", ["", "", ""], (8, 0)),
    ("tbc", (), "", ["", "", ""], (0, 0)),
    ("E3", (), "a", ["a", "", ""], (1, 0)),
    ("is2", (), "a", ["a", "", ""], (1, 0)),
    ("rs1", (), "a", ["", "", ""], (0, 0)),
    ("rs2", (), "a", ["a", "", ""], (1, 0)),
    ("smir", (), "ab\r", ["ab", "", ""], (0, 0)),
    ("smam", (), "", ["", "", ""], (0, 0)),
    ("mc0", (), "a", ["a", "", ""], (1, 0)),
    ("smm", (), "a", ["a", "", ""], (1, 0)),
    ("flash", (), "a", ["a", "", ""], (1, 0)),
    ("oc", (), "a", ["a", "", ""], (1, 0)),
    ("u7", (), "a", ["a", "", ""], (1, 0)),
    ("u9", (), "a", ["a", "", ""], (1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parameters", "before", "rows", "cursor"), SCREENS, ids=[case[0] for case in SCREENS]
)
def test_screen_capabilities(name, parameters, before, rows, cursor):
    terminal = shown(20, 3, before, tput(name, *parameters))
    assert picture(terminal) == rows
    assert (terminal.screen.x, terminal.screen.y) == cursor


STYLES = [
    ("bold", {"flags": Flag.BOLD}),
    ("dim", {"flags": Flag.FAINT}),
    ("sitm", {"flags": Flag.ITALIC}),
    ("blink", {"flags": Flag.BLINK}),
    ("rev", {"flags": Flag.INVERSE}),
    ("smso", {"flags": Flag.INVERSE}),
    ("invis", {"flags": Flag.INVISIBLE}),
    ("smxx", {"flags": Flag.STRIKE}),
    ("smul", {"underline": 1}),
    ("setaf 3", {"foreground": 3}),
    ("setaf 12", {"foreground": 12}),
    ("setaf 200", {"foreground": 200}),
    ("setab 3", {"background": 3}),
    ("setab 12", {"background": 12}),
    ("setab 200", {"background": 200}),
]
ENDS = {"sitm": "ritm", "smso": "rmso", "smul": "rmul", "smxx": "rmxx", "setaf": "op", "setab": "op"}


@pytest.mark.parametrize(("capability", "look"), STYLES, ids=[case[0] for case in STYLES])
def test_style_capabilities(capability, look):
    name, *parameters = capability.split()
    terminal = shown(20, 3, tput(name, *map(int, parameters)))
    assert terminal.screen.style == Terminal(20, 3).screen.style._replace(**look)
    terminal.feed(tput(ENDS.get(name, "sgr0")).encode())
    assert terminal.screen.style == Terminal(20, 3).screen.style


def test_other_capabilities():
    terminal = shown(20, 3, "ab", tput("smcup"), "cd", tput("rmcup"))
    assert (picture(terminal), terminal.screen.x) == (["ab", "", ""], 2)
    assert picture(shown(20, 3, tput("smacs"), "lqk", tput("rmacs"), "q")) == ["┌─┐q", "", ""]
    assert picture(shown(20, 3, "a", tput("sc"), "b", tput("rc"), "c")) == ["ac", "", ""]
    assert picture(shown(20, 3, "a\r\nb\r\nc", tput("csr", 1, 2), "\x1b[3H\n")) == ["a", "c", ""]
    assert not shown(20, 3, tput("civis")).screen.cursor_shown
    assert shown(20, 3, tput("civis"), tput("cnorm")).screen.cursor_shown
    assert shown(20, 3, "\x1b[2 q", tput("cvvis")).screen.cursor_blinking
    assert shown(20, 3, tput("initc", 1, 1000, 0, 0)).screen.palette[1] == 0xFF0000
    assert shown(20, 3, "\x1b[5 q").screen.cursor_shape == 2
    assert shown(20, 3, tput("bel")).take_events()
    assert shown(20, 3, tput("u7")).take_replies() == b"\x1b[1;1R"
    assert shown(20, 3, tput("BE")).modes.bracketed_paste
    assert shown(20, 3, "\x1b[?1006;1000h").mouse(0, 0, 1, 0).startswith(tput("kmous").encode())


def test_margins():
    filled = "abcde\r\nfghij\r\nklmno"
    left_right = [tput("smglr", 1, 3), tput("smglp", 1), tput("smgrp", 3)]
    for capability, rows in zip(
        left_right,
        (["aghie", "flmnj", "k   o"], ["aghij", "flmno", "k"], ["fghie", "klmnj", "    o"]),
        strict=True,
    ):
        assert picture(shown(5, 3, filled, capability, "\x1b[S")) == rows
    assert picture(shown(5, 3, filled, tput("smglr", 1, 3), tput("mgc"), "\x1b[S")) == ["fghij", "klmno", ""]
    assert picture(shown(5, 3, filled, "\x1b[2H", tput("meml"), "\x1b[S")) == ["abcde", "klmno", ""]
    assert picture(shown(5, 3, filled, "\x1b[2H", tput("meml"), tput("memu"), "\x1b[S")) == [
        "fghij",
        "klmno",
        "",
    ]


def test_modes_that_end():
    assert picture(shown(5, 1, "ab\r", tput("smir"), "x", tput("rmir"), "y")) == ["xyb"]
    assert picture(shown(5, 1, tput("smam"), tput("rmam"), "abcdefg")) == ["abcdg"]
    assert shown(5, 1, tput("smkx"), tput("rmkx")).key(0xFF52, 0) == b"\x1b[A"
    assert picture(shown(20, 1, "ab", tput("hts"), "\r\tx")) == ["abx"]


def test_reports_and_mouse_events_have_the_shape_programs_scan_for():
    assert tput("u6") == "\x1b[%i%d;%dR"
    assert shown(20, 9, "\x1b[3;4H", tput("u7")).take_replies() == b"\x1b[3;4R"
    assert re.fullmatch(rb"\x1b\[\?[;0-9]*c", shown(20, 9, tput("u9")).take_replies())
    terminal = shown(80, 24, tput("XM", 1))
    # The entry's `xm` describes the same fields; its `;` before the final is a slip that no xterm sends.
    assert terminal.mouse(3, 2, 1, 0).decode() == tput("xm", 3, 2, 0, 1).replace(";M", "M")
    assert terminal.mouse(3, 2, 0, 0).decode() == tput("xm", 3, 2, 0, 0).replace(";m", "m")
    terminal.feed(tput("XM", 0).encode())
    assert not terminal.wants_mouse


def test_clipboard_paste_and_cursor_extensions():
    assert tput("Ms") == "\x1b]52;%p1%s;%p2%s\x07"
    assert shown(5, 1, "\x1b]52;c;eA==\x07").take_events()
    assert shown(5, 1, tput("BE")).paste("x").decode() == tput("PS") + "x" + tput("PE")
    assert shown(5, 1, tput("BE"), tput("BD")).paste("x") == b"x"
    assert shown(5, 1, tput("Ss", 4), tput("Se")).screen.cursor_shape == 0
    assert shown(5, 1, "\x1b[2 q", tput("Ss", 4)).screen.cursor_shape == 1
    assert tput("Cs") == "\x1b]12;%p1%s\x07"
    terminal = shown(5, 1)
    palette = list(terminal.screen.palette)
    terminal.feed(b"\x1b]12;red\x07" + tput("Cr").encode())
    assert terminal.screen.palette == palette


def test_every_attribute_at_once():
    looks = shown(5, 1, tput("sgr", 0, 1, 1, 1, 1, 1, 1, 0, 1)).screen
    assert looks.style.flags == Flag.INVERSE | Flag.BLINK | Flag.FAINT | Flag.BOLD | Flag.INVISIBLE
    assert looks.style.underline == 1
    assert picture(shown(5, 1, tput("sgr", 0, 0, 0, 0, 0, 0, 0, 0, 1), "q", tput("sgr0"), "q")) == ["─q"]


def test_every_line_character_is_drawn():
    pairs = tput("acsc")
    drawn = picture(shown(80, 1, tput("smacs") + pairs[1::2]))[0]
    assert len(drawn) == len(pairs) // 2
    assert drawn.isascii() is False
    assert not set(drawn) & set("afgjklmnopqrstuvwxyz{|}~")


PRINTER = {"mc0", "mc4", "mc5"}
"""There is none: media copy is ignored, and DSR ?15 says so."""


def test_nothing_in_the_entry_is_left_out():
    command = processes.require("infocmp")
    entry = subprocess.run(
        [command, "-1x", "xterm-256color"], capture_output=True, text=True, check=True
    ).stdout
    names = set(re.findall(r"^\t(\w+)=", entry, re.MULTILINE))
    tested = (
        {key[0] for key in key_capabilities()}
        | {case[0] for case in SCREENS}
        | {case[0].split()[0] for case in STYLES}
    )
    tested |= set(ENDS.values()) | set(re.findall(r'tput\("(\w+)"', Path(__file__).read_text())) | PRINTER
    others = {"rmm", "u8", "sgr0"}
    assert names - tested - others == set()


def test_lines_wrap_as_am_and_xenl_say():
    assert picture(shown(5, 2, "abcde\r\nx")) == ["abcde", "x"]
