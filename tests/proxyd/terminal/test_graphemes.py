"""Widths and clusters: what the quick classes promise is what the library says."""

from __future__ import annotations

import pytest
from wcwidth import iter_graphemes, wcwidth

from proxyd.terminal.graphemes import cell_width, is_narrow, joins, split

HANGUL = range(0xAC00, 0xD7A4)


def classes():
    for code in (
        *range(0x20, 0xD800),
        *range(0xE000, 0x11000),
        *range(0x1F000, 0x20000, 7),
        *range(0x20000, 0x30000, 61),
    ):
        [(narrow, wide, other)] = split(chr(code))
        yield code, narrow, wide, other


def test_quick_classes_have_the_widths_they_say():
    assert [
        hex(code)
        for code, narrow, wide, _ in classes()
        if (narrow and wcwidth(narrow) != 1) or (wide and wcwidth(wide) != 2)
    ] == []


@pytest.mark.parametrize("before", ["a", "中", "👩\u200d", "🇩", "ᄀ", "क\u094d", "가"])
def test_quick_classes_never_join(before):
    """By the book a syllable joins a lone leading consonant; nobody writes Korean so."""
    wrong = [
        hex(code)
        for code, _, _, other in classes()
        if not other and code not in HANGUL and len(list(iter_graphemes(before + chr(code)))) == 1
    ]
    assert wrong == []


def test_split_keeps_the_text():
    text = "ascii ÄÖ 中文 e\u0301 👍 ─┼ ｶﾞ"
    assert "".join(narrow + wide + other for narrow, wide, other in split(text)) == text
    assert is_narrow("ÄÖ─")
    assert not is_narrow("中")


@pytest.mark.parametrize(
    ("cluster", "width"),
    [("a", 1), ("中", 2), ("e\u0301", 1), ("👩\u200d🚀", 2), ("🇩🇪", 2), ("☁", 1), ("☁\ufe0f", 2), ("\u200b", 0), ("\u0301", 0), ("\u0600", 1), ("नि", 2)],
)  # fmt: skip
def test_widths(cluster, width):
    assert cell_width(cluster) == width


@pytest.mark.parametrize(
    ("cluster", "character", "joined"),
    [("e", "\u0301", True), ("👩", "\u200d", True), ("👩\u200d", "🚀", True), ("🇩", "🇪", True), ("🇩🇪", "🇫", False), ("a", "b", False),
     ("ᄀ", "ᅡ", True), ("👍", "🏽", True), (" ", "\u0301", True), ("a", "\u200b", False)],
)  # fmt: skip
def test_joins(cluster, character, joined):
    assert joins(cluster, character) is joined
