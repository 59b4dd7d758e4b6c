"""Asciicast v2, as asciinema plays it (docs.asciinema.org/manual/asciicast/v2): a header, then an event a line. No file."""

from __future__ import annotations

import codecs
import json

__all__ = ["Asciicast"]

VERSION = 2
OUTPUT, RESIZE = "o", "r"


class Asciicast:
    """Writes one session down; see `proxyd.instances.typescript.Format`."""

    def begin(self, columns: int, rows: int, terminal: str, now: float, date: float) -> tuple[bytes]:
        """See `Format.begin`."""
        self._began = now
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        header = {
            "version": VERSION,
            "width": columns,
            "height": rows,
            "timestamp": int(date),
            "env": {"TERM": terminal},
        }
        return (_line(header),)

    def output(self, data: bytes, now: float) -> tuple[bytes]:
        """See `Format.output`: a character that the program wrote in two halves comes with the second."""
        text = self._decoder.decode(data)
        return (self._event(OUTPUT, text, now) if text else b"",)

    def resize(self, columns: int, rows: int, now: float) -> tuple[bytes]:
        """See `Format.resize`."""
        return (self._event(RESIZE, f"{columns}x{rows}", now),)

    def end(self, now: float) -> tuple[bytes]:
        """See `Format.end`: half a character that was never finished."""
        rest = self._decoder.decode(b"", final=True)
        return (self._event(OUTPUT, rest, now) if rest else b"",)

    def _event(self, code: str, data: str, now: float) -> bytes:
        return _line([round(max(now - self._began, 0.0), 6), code, data])


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).encode() + b"\n"
