"""What a click on a cell could open: a hyperlink (OSC 8), or text that is a URI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.lines import Span, logical_line

if TYPE_CHECKING:
    from proxyd.terminal.screen import Screen

__all__ = ["Target", "link_at", "uri_around"]

SCHEMES: Final = frozenset({"http", "https", "ftp", "sftp", "ssh", "mailto", "file"})
"""Schemes that a hyperlink may have; others could start anything on the person's machine."""
_URI: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s<>\"'`{}|\\^]+")
_PAIRS: Final = {")": "(", "]": "["}


class Target(NamedTuple):
    """A link and the cells that show it."""

    uri: str
    spans: list[Span]


def link_at(screen: Screen, number: int, column: int) -> Target | None:
    """The link under a cell, with all its cells in the same logical line; None where there is none."""
    line = logical_line(screen, number)
    index = line.offset(number, column) if line else None
    if line is None or index is None:
        return None
    link = line.cells[index].style.link
    if link is None:
        place = uri_around(line.text, index)
        return Target(line.text[slice(*place)], line.spans(*place)) if place else None
    if link.uri.partition(":")[0].lower() not in SCHEMES:
        return None
    start, end = index, index + 1
    while start and line.cells[start - 1].style.link == link:
        start -= 1
    while end < len(line.cells) and line.cells[end].style.link == link:
        end += 1
    return Target(link.uri, line.spans(start, end))


def uri_around(text: str, index: int) -> tuple[int, int] | None:
    """Where the URI begins and ends that covers a character of `text`; None where there is none.

    Punctuation at the end belongs to the sentence around it, and so does a bracket that was not opened inside.
    """
    for match in _URI.finditer(text):
        uri = match[0]
        while uri[-1] in ".,;:!?*_~" or (
            uri[-1] in _PAIRS and uri.count(uri[-1]) > uri.count(_PAIRS[uri[-1]])
        ):
            uri = uri[:-1]
        if match.start() <= index < match.start() + len(uri):
            return match.start(), match.start() + len(uri)
    return None
