"""The content of an `authorized_keys` file: lines are added and taken out, all others stay byte for byte."""

from __future__ import annotations

import re

__all__ = ["with_line", "without_key"]


def with_line(content: bytes, line: str) -> bytes:
    """The content with a line at its end, unless its key is there already, with whatever options.

    Args:
        content: as it is; a last line may lack its end.
        line: options, `TYPE BASE64`, comment.
    """
    if any(_holds(row, _key(line)) for row in _rows(content)):
        return content
    end = b"" if not content or content.endswith(b"\n") else b"\n"
    return content + end + line.encode() + b"\n"


def without_key(content: bytes, public: str) -> bytes:
    """The content without the lines of a key, with whatever options.

    Args:
        content: as it is.
        public: `TYPE BASE64`, or a whole line.
    """
    return b"".join(row for row in _rows(content) if not _holds(row, _key(public)))


def _rows(content: bytes) -> list[bytes]:
    """Its lines with their ends; for sshd a lone CR ends none."""
    return re.findall(rb"[^\n]*\n|[^\n]+", content)


def _key(line: str) -> bytes:
    """`TYPE BASE64` of a line that we wrote: it stands behind the options, whose quotes may hold anything."""
    bare = re.sub(r'"(?:\\"|[^"])*"', "", line)
    found = re.search(r"(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+=*)(?:\s|$)", bare)
    if found is None:
        raise ValueError("this is no line of authorized_keys")
    return found[1].encode()


def _holds(row: bytes, key: bytes) -> bool:
    """Whether a line, which anybody may have written, is about a key. As an authority it means something else."""
    kind, data = (re.escape(part) for part in key.split(b" "))
    found = re.search(rb"(?:^|[ \t])" + kind + rb"[ \t]+" + data + rb"(?:\s|$)", row)
    if found is None or row.lstrip().startswith(b"#"):
        return False
    return b"cert-authority" not in row[: found.start()].lower()
