"""Character sets: what a few famous bytes become."""

from __future__ import annotations

import pytest

from proxyd.terminal.charsets import CHARSETS_94, CHARSETS_96


@pytest.mark.parametrize(
    ("final", "text", "expected"),
    [
        ("B", "#a~", "#a~"),
        ("0", "`aflqkxjmntuvw~A", "◆▒°┌─┐│┘└┼├┤┴┬·A"),
        ("A", "#", "£"),
        ("K", "@[\\]{|}~", "§ÄÖÜäöüß"),
        ("R", "#@[\\]{|}~", "£à°ç§éùè¨"),
        ("Z", "[\\]", "¡Ñ¿"),
        ("<", "i", "é"),
    ],
)
def test_sets_of_94(final, text, expected):
    assert text.translate(CHARSETS_94[final]) == expected


def test_every_character_takes_one_cell():
    for table in (*CHARSETS_94.values(), *CHARSETS_96.values()):
        assert all(0x20 <= source < 0x80 and target >= 0x20 for source, target in table.items())
