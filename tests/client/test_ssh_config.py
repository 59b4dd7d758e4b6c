"""What is taken over of an OpenSSH client configuration: a row for every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.hosts import HostError, book_text, read_book
from client.ssh_config import SshConfigError, import_config, matches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from client.hosts import HostBook

FILES = {
    "inner": "Port 2022\nHost two\n  User inner\n",
    "again": "Include again\n",
    "match": "\nMatch user bob\n",
}


def include(pattern: str) -> Iterable[tuple[str, str]]:
    return [(pattern, FILES[pattern])] if pattern in FILES else []


def book(text: str) -> HostBook:
    return import_config(text, "config", include).book


@pytest.mark.parametrize(
    ("text", "alias", "option", "value"),
    [
        ("Host one\nHostName 10.1.2.3", "one", "address", "10.1.2.3"),
        ("Host one\nHostName %h.example.org", "one", "address", "one.example.org"),
        ("Host one\nHostName a%%h", "one", "address", "a%h"),
        ("Host one\nPort 1\nPort 2", "one", "port", 1),
        ("Host one\nPort 1\nHost *\nPort 2", "one", "port", 1),
        ("Host *\nPort 2\nHost one\nPort 1", "one", "port", 2),
        ("Port 7\nHost one\nPort 1", "one", "port", 7),
        ("Host one two\nUser u", "two", "user", "u"),
        ("Host o?e\nUser u\nHost one\n", "one", "user", "u"),
        ("Host o* !one\nUser u\nHost one\nUser v", "one", "user", "v"),
        ("Host !two *\nUser u\nHost one two", "one", "user", "u"),
        ("Host !two *\nUser u\nHost one two", "two", "user", ""),
        ("host one\n  pOrT=22006 # said", "one", "port", 22006),
        ("Host one\n\tPort = 8", "one", "port", 8),
        ('Host one\nHostKeyAlias "a b"', "one", "host_key_alias", "a b"),
        ("Host one\nHostKeyAlias 'a\"b'", "one", "host_key_alias", 'a"b'),
        ("Host one\nHostKeyAlias a\\ b", "one", "host_key_alias", "a b"),
        ("# User x\n\nHost one\n#User y", "one", "user", ""),
        ("Host one\r\nUser u\r\n", "one", "user", "u"),
        ("Host one\nProxyJump corp", "one", "via", ("corp",)),
        ("Host one\nProxyJump a@b:2,ssh://c", "one", "via", ("a@b:2", "ssh://c")),
        ("Host one\nProxyJump none\nHost *\nProxyJump corp", "one", "via", ()),
        ("Host one", "one", "via", None),
        ("Host one\nIdentityFile a\nHost *\nIdentityFile b\nIdentityFile a", "one", "key", ("a", "b")),
        ("Host one\nIdentityFile %d/.ssh/k", "one", "key", ("~/.ssh/k",)),
        ("Host one\nIdentityFile none", "one", "key", ()),
        ("Host one\nCompression yes", "one", "compression", True),
        ("Host one\nCompression no\nHost *\nCompression yes", "one", "compression", False),
        ("Include inner\nHost one", "one", "port", 2022),
        ("Include inner", "two", "user", "inner"),
        ("Host one\nInclude inner\nHost two\n", "two", "user", ""),
        ("Host t*\nInclude inner\nHost three\n", "two", "user", "inner"),
        ("Host t*\nInclude inner\nHost three\n", "three", "port", 2022),
        ("Include nothing\nHost one\nUser u", "one", "user", "u"),
    ],
)
def test_a_value(text: str, alias: str, option: str, value: object) -> None:
    assert getattr(book(text).hosts[alias], option) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host a\nMatch host b", "config:2: Match"),
        ("match all", "config:1: Match"),
        ("Include match", "match:2: Match"),
        ("Include again", "16 files"),
        ("Port many\nHost a", "config:1: 'many'"),
        ("Host a\nPort 65536", "config:2"),
        ("Host a\nCompression perhaps", "neither yes nor no"),
        ("Host a\nProxyJump a b@/,", None),
        ("Host a\nProxyJump a,,b", "config:2"),
        ("Host a\nIdentityFile k_%r", "depends"),
        ('Host a\nUser "open', "not closed"),
        ("Host", "no value"),
        ("Host a\nPort #7", "no value"),
        ("!\n", "keyword"),
    ],
)
def test_what_is_refused_names_its_line(text: str, words: str | None) -> None:
    if words is None:
        book(text)  # of several words the first counts, as OpenSSH has it
        return
    with pytest.raises(SshConfigError, match=words):
        book(text)


def test_patterns_and_what_is_unknown() -> None:
    taken = import_config("Host *.org\nForwardAgent yes\nHost one\nProxyCommand nc %h %p", "config", include)
    assert list(taken.book.hosts) == ["one"]
    assert taken.left_out == ["ForwardAgent (config:2)", "ProxyCommand (config:4)"]
    assert taken.book.defaults.user == ""
    assert matches("a.org", ["*.org", "!b.org"])
    assert not matches("b.org", ["*.org", "!b.org"])
    assert not matches("a" * 100_000, ["*a" * 100 + "b"])


def test_what_counts_for_every_host_is_the_default() -> None:
    found = book("User u\nHost one\nUser v\nHost *\nPort 7\nIdentityFile k")
    assert (found.defaults.user, found.defaults.port, found.defaults.key) == ("u", 7, ("k",))


WORDS = st.text("ab*?!.", min_size=1, max_size=4)
BLOCKS = st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=3), st.integers(1, 99)), max_size=6)


@settings(max_examples=100)
@given(BLOCKS)
def test_the_first_block_that_matches_wins(blocks: list[tuple[list[str], int]]) -> None:
    text = "".join(f"Host {' '.join(names)}\nPort {port}\n" for names, port in blocks) + "Host ab\n"
    wanted = next((port for names, port in blocks if matches("ab", names)), 0)
    assert book(text).hosts["ab"].port == wanted


@settings(max_examples=150)
@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["Host", "Port", " ", "=", '"', "'", "\\", "\n", "*", "7"])).map("".join)
)
def test_anything_is_taken_over_or_refused(text: str) -> None:
    try:
        book(text)
    except HostError:
        return


def test_the_book_is_read_as_it_was_written(tmp_path: Path) -> None:
    taken = book(
        'Host "a b" one\nHostKeyAlias "x y"\nProxyJump none\nUser u\nHost ü\nPort 7\nHost *\nIdentityFile ~/k\n'
    )
    path = tmp_path / "hosts.toml"
    hosts = {alias: host for alias, host in taken.hosts.items() if " " not in alias}
    path.write_text(book_text(type(taken)(hosts, taken.defaults)), "utf-8")
    again = read_book(path, "")
    assert dict(again.hosts) == hosts
    assert again.defaults == taken.defaults
