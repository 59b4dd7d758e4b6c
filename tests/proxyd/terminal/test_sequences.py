"""Every control does what its small screen says, however the bytes are cut, and every control has one."""

from __future__ import annotations

import pytest

from proxyd.terminal.functions.controls import CONTROLS, ESCAPES
from proxyd.terminal.functions.csi import CSI
from proxyd.terminal.functions.dcs import DCS
from proxyd.terminal.functions.modes import ANSI_MODES, DEC_MODES
from tests.cuts import every_cut
from tests.proxyd.terminal.screens import check_legal, picture, shown
from tests.proxyd.terminal.sequences import CASES, REPLIES

# Tested where they belong: bell, keys, mouse and titles by test_terminal, styles by test_sgr, links and guacctl by test_osc,
# attributes of rectangles by test_rectangles.
ELSEWHERE = {
    "BEL", "DECSCUSR", "DECSACE", "DECCARA", "DECRARA",
    "DECCKM", "DECSCNM", "X10 mouse", "att610", "DECTCEM", "DECNKM",
    "DECBKM", "mouse", "mouse drag", "mouse motion", "focus", "UTF-8 mouse", "SGR mouse", "alternate scroll", "urxvt mouse",
    "SGR pixel mouse", "meta 8 bit", "meta escape", "alt escape", "bracketed paste", "synchronized",
    *(mode.name for table in (ANSI_MODES, DEC_MODES) for mode in table.values() if mode.set is None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{case.name}: {case.about}" for case in CASES])
def test_a_control_leaves_the_screen_it_should(case):
    for pieces in every_cut(case.data.encode()):
        terminal = shown(*case.size, *pieces)
        assert picture(terminal) == case.rows
        assert (terminal.screen.x, terminal.screen.y) == case.cursor
        check_legal(terminal.screen)
    assert terminal.take_replies() == b""


@pytest.mark.parametrize("case", REPLIES, ids=[f"{case.name}: {case.about}" for case in REPLIES])
def test_a_question_gets_its_answer(case):
    for pieces in every_cut(case.data.encode()):
        terminal = shown(10, 5, *pieces)
        assert terminal.take_replies() == case.answer.encode()
        assert picture(terminal) == [""] * 5


def test_every_function_has_a_case():
    tested = {case.name for case in (*CASES, *REPLIES)}
    tables = (CONTROLS, ESCAPES, CSI, DCS, ANSI_MODES, DEC_MODES)
    names = {row.name for table in tables for row in table.values()}
    assert names - tested - ELSEWHERE == set()


def test_unknown_functions_show_nothing():
    unknown = b"\x1b[?1;2z\x1b[5i\x1b[1;2;3'z\x1bF\x1b#3\x1b%G\x1b]777;x\x07\x1bP1z\x1b\\\x1b_x\x1b\\"
    assert picture(shown(5, 2, unknown + b"ok")) == ["ok", ""]
