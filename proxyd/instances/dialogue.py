"""A question inside the terminal: what is typed becomes an answer. No terminal, no socket, no clock."""

from __future__ import annotations

import re

from wcwidth import wcswidth

__all__ = ["Question", "printable", "shortened"]

MAX_ANSWER = 1023
"""Characters; guacd's limit."""
MAX_TEXT = 4096
"""Characters of a server's text that are shown."""
STAR = "*"

_CONTROLS = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""All that is not text: controls but the newline, and what turns the direction of writing."""
_KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?|[\s\S]")
"""What a key sends: an escape sequence or one character."""


def printable(text: str) -> str:
    """A server's text as it may be shown: its controls gone, its lines ended as a terminal wants it."""
    return _CONTROLS.sub("", text[:MAX_TEXT]).replace("\n", "\r\n")


def shortened(text: str, limit: int) -> str:
    """A text of at most so many characters: a long one without its middle. Who speaks stands first, the question last."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]} … {text[len(text) - (limit - head - 3) :]}"


class Question:
    """Takes typed text, gives back what to show; the answer is there at Return."""

    def __init__(self, *, secret: bool) -> None:
        """Ask; a secret is shown as stars."""
        self._secret = secret
        self._text = ""
        self.answer: str | None = None
        self.cancelled = False

    @property
    def answered(self) -> bool:
        """No more input is wanted."""
        return self.answer is not None or self.cancelled

    def type(self, text: str) -> str:
        """Take input as a program would get it. Returns what to show."""
        shown = ""
        for key in _KEYS.findall(text):
            if self.answered:
                break
            shown += self._press(key)
        return shown

    def _press(self, key: str) -> str:
        if key in {"\r", "\n"}:
            self.answer, self._text = self._text, ""
            return "\r\n"
        if key in {"\x7f", "\b"}:
            return self._erase(1)
        if key in {"\x15", "\x17"}:
            return self._erase(len(self._text))
        if key == "\x03" or (key == "\x04" and not self._text):
            self.cancelled, self._text = True, ""
            return "\r\n"
        if len(key) > 1 or _CONTROLS.match(key) or len(self._text) >= MAX_ANSWER:
            return ""
        self._text += key
        return STAR if self._secret else key

    def _erase(self, count: int) -> str:
        if not self._text:
            return ""
        self._text, gone = self._text[:-count], self._text[-count:]
        width = len(gone) if self._secret else max(wcswidth(gone), 0)
        return "\b \b" * width
