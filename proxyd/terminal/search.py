"""Finding text in screen and scrollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.terminal.lines import Span, row_cells, texts_backwards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.terminal.screen import Screen

__all__ = ["find_text"]


def find_text(screen: Screen, text: str) -> Iterator[list[Span] | None]:
    """Every place where `text` stands, newest first, as the spans it takes (several where it wraps).

    A search in lower case finds any case. Matches do not overlap. A step may be None: nothing so far, so that the caller
    may pause.
    """
    if not text:
        return
    folds = text == text.lower()
    for first, rows in texts_backwards(screen):
        line = "".join(rows)
        line = _lower(line) if folds else line
        end = len(line)
        while (start := line.rfind(text, 0, end)) >= 0:
            yield _spans(screen, first, rows, start, start + len(text))
            end = start
        yield None


def _spans(screen: Screen, first: int, rows: list[str], start: int, end: int) -> list[Span]:
    """What the characters [start, end) of a logical line take."""
    spans: list[Span] = []
    for number, text in enumerate(rows, first):
        if end <= 0:
            break
        row = screen.line(number) if start < len(text) else None
        if row is not None:
            cells = row_cells(row, number)[1][max(start, 0) : end]
            spans.append(Span(number, cells[0].column, cells[-1].column + cells[-1].width))
        start -= len(text)
        end -= len(text)
    return spans


def _lower(text: str) -> str:
    """Lower case, character by character where the whole would change its length (as İ does)."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(char.lower()[0] for char in text)
