"""Attributes as instances write them (sheet E.3): text to names and values. Pure; whoever compares names compares these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from broker.gate.reports import MAX_ATTRIBUTES, MAX_TOTAL, ReportError, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.gate.reports import Value

__all__ = ["MAX_TEXT", "clean", "encode", "name_of", "parse"]

MAX_TEXT = 2 * MAX_TOTAL
"""Characters of a text: every one of the largest attributes may be escaped."""

_BREAK = r"(?:\\n|\r?\n)"
_GAP = re.compile(rf"(?:[ \t]|{_BREAK})*+(?:\#(?:(?!{_BREAK}).)*+{_BREAK}?(?:[ \t]|{_BREAK})*+)*+", re.DOTALL)
"""Between two attributes: blanks, ends of lines, and comments."""
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,63})[ \t]*+=[ \t]*+", re.ASCII)
_WHOLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_BARE = re.compile(rf"(?:(?!{_BREAK}).)*+", re.DOTALL)
_BARE_PART = re.compile(rf"(?:(?![,\]]|{_BREAK}).)*+", re.DOTALL)
_END = re.compile(rf"[ \t]*+(?:{_BREAK}|\Z)")
_SPACE = re.compile(rf"(?:[ \t]|{_BREAK})*+")
_LINE_END = re.compile(_BREAK)
_ESCAPE = re.compile(r'\\(["\\n])')
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def parse(text: str) -> dict[str, Value]:
    r"""Read lines `KEY=VALUE`; names in upper case, the last of a name counts.

    The two characters backslash and n separate lines as well. A value in double quotes may go over lines, with `\"`, `\\`
    and `\n` in it; `[A=1,B="2"]` is a vector. A line that begins with `#` says nothing.

    Raises:
        ReportError: the text is not of this form, or too much. Its message repeats nothing of the text, which may be secret.
    """
    if len(text) > MAX_TEXT:
        raise ReportError(f"all attributes together are larger than {MAX_TOTAL} bytes")
    found: dict[str, Value] = {}
    reader = _Reader(text)
    reader.skip(_GAP)
    while not reader.done:
        name = reader.take(_NAME, "a line is written like KEY=VALUE")[1].upper()
        found[name] = reader.value()
        if len(found) > MAX_ATTRIBUTES:
            raise ReportError(f"more than {MAX_ATTRIBUTES} attributes")
        reader.skip(_GAP)
    check(found)
    return found


def name_of(text: str) -> str:
    """The one name that is to be erased, in upper case.

    Raises:
        ReportError: it is none.
    """
    name = text.strip(" \t\r\n")
    if not _WHOLE_NAME.fullmatch(name):
        raise ReportError("a name is written like WEB_PORT")
    return name.upper()


def encode(attributes: Mapping[str, Value]) -> str:
    """Attributes as `parse` reads them."""
    return "\n".join(f"{name}={_encoded(value)}" for name, value in attributes.items())


def _encoded(value: Value) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "[" + ",".join(f"{name}={_encoded(part)}" for name, part in value.items()) + "]"


class _Reader:
    """A text and a place in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    @property
    def _line(self) -> int:
        return len(_LINE_END.findall(self._text, 0, self._at)) + 1

    def value(self) -> Value:
        """A value, with the end of its line."""
        value: Value
        if self._comes("["):
            value = self._vector()
        elif self._comes('"'):
            value = self._quoted()
        else:
            return clean(self.take(_BARE, "")[0].strip())
        self.take(_END, "nothing follows a quoted value or a vector on its line")
        return value

    def skip(self, pattern: re.Pattern[str]) -> None:
        self.take(pattern, "")

    def take(self, pattern: re.Pattern[str], otherwise: str) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ReportError(f"{otherwise} (line {self._line})")
        self._at = match.end()
        return match

    def _comes(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def _quoted(self) -> str:
        inner = self.take(_QUOTED, "a quoted value ends with a quote")[1]
        return clean(_ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], inner))

    def _vector(self) -> dict[str, str]:
        parts: dict[str, str] = {}
        self._at += 1
        self.skip(_SPACE)
        while not self._comes("]"):
            name = self.take(_NAME, "a part of a vector is written like KEY=VALUE")[1].upper()
            parts[name] = self._quoted() if self._comes('"') else clean(self.take(_BARE_PART, "")[0].strip())
            if len(parts) > MAX_ATTRIBUTES:
                raise ReportError(f"a vector has more than {MAX_ATTRIBUTES} parts")
            self.skip(_SPACE)
            if self._comes(","):
                self._at += 1
                self.skip(_SPACE)
            elif not self._comes("]"):
                raise ReportError(f"a vector is written like [A=1,B=2] (line {self._line})")
        self._at += 1
        return parts


def clean(value: str) -> str:
    """A value that can be kept.

    Raises:
        ReportError: it has control characters in it, or is no text.
    """
    if _CONTROLS.search(value):
        raise ReportError("a value has control characters in it")
    return value
