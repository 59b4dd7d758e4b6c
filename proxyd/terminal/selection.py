"""Selecting text of screen and scrollback: by character, word, line or block."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.lines import LogicalLine, Span, logical_line
from proxyd.terminal.links import uri_around
from proxyd.terminal.packed import plain, wraps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxyd.terminal.screen import Screen

__all__ = ["Selection", "Unit"]

_WORD: Final = re.compile(r"[\w$./~-]+")
"""Letters, digits and what paths and variables are made of, as guacd selects them."""


class Unit(IntEnum):
    """What a press selects, and by what the selection grows: clicks less one, or a rectangle."""

    CHARACTER = 0
    WORD = 1
    LINE = 2
    BLOCK = 3


class _Place(NamedTuple):
    number: int
    column: int


class Selection:
    """One selection on a screen. Places are line numbers and columns of cells (see `Screen`).

    It dies by itself when the screen's line numbers lose their meaning.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._epoch = screen.epoch
        self._unit = Unit.CHARACTER
        self._anchor: _Place | None = None
        self._head: _Place | None = None

    def begin(self, number: int, column: int, unit: Unit = Unit.CHARACTER) -> None:
        """Start anew at a cell. A word or line is selected at once, characters with the first `extend`."""
        self._epoch = self._screen.epoch
        self._unit = unit
        self._anchor = _Place(number, column)
        self._head = self._anchor if unit in (Unit.WORD, Unit.LINE) else None

    def extend(self, number: int, column: int) -> None:
        """Let the selection reach to a cell, from where it began. Without a beginning this is one."""
        if self._alive() and self._anchor:
            self._head = _Place(number, column)
        else:
            self.begin(number, column)

    def clear(self) -> None:
        """Select nothing."""
        self._anchor = self._head = None

    @property
    def active(self) -> bool:
        """Something is selected."""
        return self._alive() and self._head is not None

    def spans(self, within: range | None = None) -> list[Span]:
        """The selected columns, a span for each line that has any, top down; of the lines in `within` only."""
        if not self._alive() or self._anchor is None or self._head is None:
            return []
        first, last = sorted((self._anchor, self._head))
        if self._unit is Unit.BLOCK:
            left, right = sorted((self._anchor.column, self._head.column))
            numbers = _common(range(first.number, last.number + 1), within)
            return self._existing(Span(number, left, right + 1) for number in numbers)
        if self._unit is not Unit.CHARACTER:
            first, last = self._unit_around(first)[0], self._unit_around(last)[1]
        columns = self._screen.columns
        return self._existing(
            Span(
                number,
                first.column if number == first.number else 0,
                last.column + 1 if number == last.number else columns,
            )
            for number in _common(range(first.number, last.number + 1), within)
        )

    def text(self) -> str:
        """The selected text: wrapped rows joined, blanks at the ends of lines left out."""
        parts: list[str] = []
        for span in self.spans():
            if span == self._whole_line(span.number):
                parts.append(self._line_text(span.number))
                continue
            row = self._screen.line(span.number)
            if row is None:
                continue
            joins = row.wrapped and self._unit is not Unit.BLOCK and span.right >= len(row.text)
            end = min(span.right, len(row.text) - row.spare)
            piece = "".join(row.text[span.left : end])
            parts.append(piece if joins else piece.rstrip(" ") + "\n")
        return "".join(parts).removesuffix("\n")

    def _alive(self) -> bool:
        return self._epoch == self._screen.epoch

    def _existing(self, spans: Iterable[Span]) -> list[Span]:
        """The spans of lines that (still) exist, with whole wide characters."""
        screen = self._screen
        found: list[Span] = []
        for span in spans:
            if span == self._whole_line(span.number):
                if screen.packed(span.number) is not None:
                    found.append(span)
            elif (row := screen.line(span.number)) is not None:
                found.append(_whole(span, row.text))
        return found

    def _whole_line(self, number: int) -> Span:
        return Span(number, 0, self._screen.columns)

    def _line_text(self, number: int) -> str:
        """The text of all of a line: most of a long selection."""
        row = self._screen.packed(number)
        if row is None:
            return ""
        joins = wraps(row) and self._unit is not Unit.BLOCK
        return plain(row) if joins else plain(row).rstrip(" ") + "\n"

    def _unit_around(self, place: _Place) -> tuple[_Place, _Place]:
        """The first and last cell of the word or logical line around a cell."""
        line = logical_line(self._screen, place.number)
        if line is None:
            return place, place
        if self._unit is Unit.LINE:
            return _Place(line.first, 0), _Place(line.first + line.rows - 1, self._screen.columns - 1)
        index = line.offset(*place)
        if index is None:
            return place, place
        start, end = _word_around(line, index)
        spans = line.spans(start, end)
        return _Place(spans[0].number, spans[0].left), _Place(spans[-1].number, spans[-1].right - 1)


def _common(numbers: range, within: range | None) -> range:
    if within is None:
        return numbers
    return range(max(numbers.start, within.start), min(numbers.stop, within.stop))


def _word_around(line: LogicalLine, index: int) -> tuple[int, int]:
    if place := uri_around(line.text, index):
        return place
    for match in _WORD.finditer(line.text):
        if match.start() <= index < match.end():
            return match.span()
    return index, index + 1


def _whole(span: Span, text: list[str]) -> Span:
    left, right = span.left, span.right
    if 0 < left < len(text) and not text[left]:
        left -= 1
    if right < len(text) and not text[right]:
        right += 1
    return Span(span.number, left, min(right, len(text)))
