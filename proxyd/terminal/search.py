"""Finding text in screen and scrollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxyd.terminal.lines import logical_lines

if TYPE_CHECKING:
    from proxyd.terminal.lines import Span
    from proxyd.terminal.screen import Screen

__all__ = ["MATCH_LIMIT", "find_text"]

MATCH_LIMIT: Final = 1000
"""Matches that are reported; the newest ones, if there are more."""


def find_text(screen: Screen, text: str) -> list[list[Span]]:
    """Every place where `text` stands, oldest first, as the spans it takes (several where it wraps).

    A search in lower case finds any case. Matches do not overlap.
    """
    if not text:
        return []
    folds = text == text.lower()
    matches: list[list[Span]] = []
    for line in logical_lines(screen):
        haystack = _lower(line.text) if folds else line.text
        start = haystack.find(text)
        while start >= 0:
            matches.append(line.spans(start, start + len(text)))
            start = haystack.find(text, start + len(text))
    return matches[-MATCH_LIMIT:]


def _lower(text: str) -> str:
    """Lower case, character by character where the whole would change its length (as İ does)."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(char.lower()[0] for char in text)
