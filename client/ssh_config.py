"""What an OpenSSH client configuration says of hosts (ssh_config(5)). No I/O: whoever calls brings the files.

The first value wins, whichever block it stands in; `Host *` and other patterns count like any block. Nothing of it is
run: a file with `Match` is refused, since what applies would hang on commands and on the moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from client.hosts import MAX_PORT, Host, HostBook, HostError, parse_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Include = Callable[[str], Iterable[tuple[str, str]]]

__all__ = ["Import", "SshConfigError", "import_config"]

MAX_DEPTH = 16
"""Files that include one another; OpenSSH's own limit."""
MAX_LINES = 100_000
TAKEN = frozenset(
    {"hostname", "port", "user", "proxyjump", "hostkeyalias", "identityfile", "compression"},
)
"""What a host book has a place for."""
_KEYWORD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+|$)")
_WORD = re.compile(r"""\s*((?:"(?:\\["\\]|[^"])*"|'(?:\\['\\]|[^'])*'|\\[ "'\\]|[^\s"'])+)""")
_PIECE = re.compile(r""""((?:\\["\\]|[^"])*)"|'((?:\\['\\]|[^'])*)'|\\([ "'\\])|([^\s"'\\]+|\\)""")
_ESCAPED = re.compile(r"""\\(["'\\])""")
_PATTERN = re.compile(r"[*?!]")
_YES = {"yes": True, "true": True, "no": False, "false": False}


class SshConfigError(HostError):
    """The configuration cannot be taken over; the sentence names file and line."""


class Line(NamedTuple):
    """A setting, and the patterns of the blocks it stands in: all of them have to match.

    Attributes:
        where: `file:line`, for people.
    """

    blocks: tuple[tuple[str, ...], ...]
    keyword: str
    words: tuple[str, ...]
    where: str

    def applies(self, name: str) -> bool:
        """Whether it counts for a host of this name."""
        return all(matches(name, block) for block in self.blocks)


@dataclass
class Import:
    """What was taken over.

    Attributes:
        book: the hosts, with everything that applies to each, and the defaults of all others.
        left_out: settings that have no place there, as `keyword (file:line)`.
    """

    book: HostBook
    left_out: list[str] = field(default_factory=list)


def import_config(text: str, name: str, include: Include) -> Import:
    """Take over a configuration.

    Args:
        text: the file.
        name: what it is called, for people.
        include: gives name and text of every file that an `Include` pattern names.

    Raises:
        SshConfigError: it cannot be understood, or holds `Match` or a value that is wrong.
    """
    lines = _read(text, name, include)
    named = [word for line in lines if line.keyword == "host" for word in line.words]
    aliases = dict.fromkeys(word for word in named if not _PATTERN.search(word))
    settings = [line for line in lines if line.keyword != "host"]
    everywhere = [line for line in settings if all(block == ("*",) for block in line.blocks)]
    book = HostBook({alias: _host(alias, settings) for alias in aliases}, _host("", everywhere))
    left_out = [f"{line.words[0]} ({line.where})" for line in settings if line.keyword == "other"]
    return Import(book, left_out)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is one of these patterns and none of those after `!`."""
    if any(_is(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_is(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _is(name: str, pattern: str) -> bool:
    """Match `*` and `?` in linear memory and without backtracking beyond the last star."""
    at, star, mark = 0, -1, 0
    i = 0
    while i < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, i
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", name[i]):
            at += 1
            i += 1
        elif star >= 0:
            mark += 1
            at, i = star + 1, mark
        else:
            return False
    return set(pattern[at:]) <= {"*"}


# -- lines -----------------------------------------------------------------------------------------------------------


def _read(text: str, name: str, include: Include) -> list[Line]:
    found: list[Line] = []
    _read_file(text, name, (), include, found, MAX_DEPTH)
    return found


def _read_file(
    text: str, name: str, outer: tuple[tuple[str, ...], ...], include: Include, found: list[Line], depth: int
) -> None:
    """Append a file's lines; its blocks count only where those around the `Include` match."""
    blocks = outer
    for number, raw in enumerate(text.splitlines(), 1):
        where = f"{name}:{number}"
        keyword, words = _split(raw, where)
        if not keyword:
            continue
        if len(found) >= MAX_LINES:
            raise SshConfigError(f"{where}: there are more than {MAX_LINES} settings.")
        match keyword:
            case "match":
                raise SshConfigError(
                    f"{where}: Match is not taken over, since it depends on more than the host; "
                    "write its settings under Host, or leave the line out."
                )
            case "host":
                blocks = (*outer, words)
                found.append(Line(outer, "host", words, where))
            case "include":
                for word in words:
                    if not depth:
                        raise SshConfigError(f"{where}: more than {MAX_DEPTH} files include one another.")
                    for inner, content in include(word):
                        _read_file(content, inner, blocks, include, found, depth - 1)
            case _ if keyword in TAKEN:
                found.append(Line(blocks, keyword, words, where))
            case _:
                found.append(Line(blocks, "other", (raw.split()[0].partition("=")[0][:64],), where))


def _split(raw: str, where: str) -> tuple[str, tuple[str, ...]]:
    """Keyword and words of a line; an empty keyword for a comment."""
    raw = raw.strip(" \t\r\f")
    if not raw or raw.startswith("#"):
        return "", ()
    head = _KEYWORD.match(raw)
    if head is None:
        raise SshConfigError(f"{where}: a setting begins with a keyword.")
    words = []
    at = head.end()
    while at < len(raw) and not raw[at:].lstrip().startswith("#"):
        word = _WORD.match(raw, at)
        if word is None:
            if raw[at:].strip():
                raise SshConfigError(f"{where}: a quotation mark is not closed.")
            break
        words.append("".join(_unquoted(piece) for piece in _PIECE.finditer(word[1])))
        at = word.end()
    if not words:
        raise SshConfigError(f"{where}: {head[1]} has no value.")
    return head[1].lower(), tuple(words)


def _unquoted(piece: re.Match[str]) -> str:
    double, single, escaped, plain = piece.groups()
    quoted = double if double is not None else single
    return _ESCAPED.sub(r"\1", quoted) if quoted is not None else escaped or plain


# -- values ----------------------------------------------------------------------------------------------------------


def _host(alias: str, settings: Iterable[Line]) -> Host:
    """What applies to a name; an empty one stands for all that have no entry."""
    first: dict[str, Line] = {}
    keys: list[Line] = []
    for line in settings:
        if alias and not line.applies(alias):
            continue
        if line.keyword == "identityfile":
            keys.append(line)
        first.setdefault(line.keyword, line)

    def value(keyword: str) -> str:
        return first[keyword].words[0] if keyword in first else ""

    jump = first.get("proxyjump")
    compression = first.get("compression")
    address = value("hostname").replace("%%", "\0").replace("%h", alias).replace("\0", "%")
    return Host(
        alias,
        address=address if alias and address != alias else "",
        port=_port(first["port"]) if "port" in first else 0,
        user=value("user"),
        via=None if jump is None else _jumps(jump),
        host_key_alias=value("hostkeyalias") if alias else "",
        key=tuple(dict.fromkeys(_key_file(line) for line in keys if line.words[0].lower() != "none")),
        compression=None if compression is None else _yes(compression),
    )


def _port(line: Line) -> int:
    text = line.words[0]
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= MAX_PORT):
        raise SshConfigError(f"{line.where}: {text[:32]!r} is not a port.")
    return int(text)


def _yes(line: Line) -> bool:
    try:
        return _YES[line.words[0].lower()]
    except KeyError:
        raise SshConfigError(f"{line.where}: {line.words[0][:32]!r} is neither yes nor no.") from None


def _jumps(line: Line) -> tuple[str, ...]:
    text = line.words[0]
    if text.lower() == "none":
        return ()
    jumps = tuple(one.strip() for one in text.split(","))
    for jump in jumps:
        try:
            parse_place(jump)
        except HostError as error:
            raise SshConfigError(f"{line.where}: {error}") from None
    return jumps


def _key_file(line: Line) -> str:
    """A file of a key; `%d` is the home folder, other percent signs stand for what is known only when connecting."""
    text = line.words[0].replace("%d", "~")
    if "%" in text.replace("%%", ""):
        raise SshConfigError(
            f"{line.where}: {text[:80]!r} depends on more than the host; write the file's name."
        )
    return text.replace("%%", "%")
