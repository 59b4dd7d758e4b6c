"""The host book: whose value counts, the way to a machine, and files that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client.hosts import Host, HostBook, HostError, parse_place, read_book

if TYPE_CHECKING:
    from pathlib import Path

BOOK = HostBook(
    {
        "corp": Host("corp", "corp.example.org"),
        "waldo": Host(
            "waldo", "10.1.2.6", user="root", via=("corp",), host_key_alias="waldo", labels=("lab",)
        ),
        "deep": Host("deep", via=("waldo", "x@10.9.9.9:7"), labels=("lab", "far")),
        "a": Host("a", via=("b",)),
        "b": Host("b", via=("c", "a")),
        "self": Host("self", via=("self",)),
    },
    Host("", user="alice", port=2222),
    "me",
)


@pytest.mark.parametrize(
    ("typed", "user", "address", "port"),
    [
        ("waldo", "root", "10.1.2.6", 2222),
        ("bob@waldo", "bob", "10.1.2.6", 2222),
        ("waldo:22", "root", "10.1.2.6", 22),
        ("corp", "alice", "corp.example.org", 2222),
        ("bob@elsewhere:1", "bob", "elsewhere", 1),
        ("[fe80::1]:9", "alice", "fe80::1", 9),
    ],
)
def test_whose_value_counts(typed: str, user: str, address: str, port: int) -> None:
    host = BOOK.find(typed)
    assert (host.user, host.address, host.port) == (user, address, port)


def test_nobody_said_anything() -> None:
    host = HostBook(user="me").find("there")
    assert (host.user, host.port, host.via) == ("me", 22, ())


def test_the_way() -> None:
    assert [host.alias for host in BOOK.way("corp")] == ["corp"]
    assert [host.alias for host in BOOK.way("deep")] == ["corp", "waldo", "10.9.9.9", "deep"]
    assert BOOK.find("waldo").known_as == ("waldo", 22)
    assert BOOK.find("corp").known_as == ("corp.example.org", 2222)


@pytest.mark.parametrize("typed", ["a", "self"])
def test_a_way_in_a_circle(typed: str) -> None:
    with pytest.raises(HostError, match="circle"):
        BOOK.way(typed)


def test_a_way_without_end() -> None:
    book = HostBook({str(number): Host(str(number), via=(str(number + 1),)) for number in range(20)})
    with pytest.raises(HostError, match="more than 7"):
        book.way("0")


def test_labels() -> None:
    assert BOOK.labelled(["far", "lab"]) == ["deep", "waldo"]
    with pytest.raises(HostError, match="'nowhere'"):
        BOOK.labelled(["nowhere"])


@pytest.mark.parametrize(
    "text", ["", "a b", "@a", "a:", "a:b", "a:70000", "-oProxyCommand=x", "a@b@c", "a/b", "[::1"]
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(HostError):
        parse_place(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("?", "not TOML"),
        ("x = 1", "'x'"),
        ("hosts = 1", "not a table"),
        ("[hosts]\na = 1", "hosts.a"),
        ("[hosts.a]\nport = 0", "port is wrong"),
        ("[hosts.a]\nport = true", "port is wrong"),
        ("[hosts.a]\nvia = [1]", "via is wrong"),
        ("[hosts.a]\nvia = 'b c'", "via: 'b c'"),
        ("[hosts.a]\nuser = 7", "user is wrong"),
        ("[hosts.a]\nhost_key_alias = 'x'", "host_key_alias"),
        ("[hosts.'a/b']", "cannot be the name"),
        ("[defaults]\naddress = 'x'", "one host alone"),
    ],
)
def test_what_is_no_book(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "hosts.toml"
    path.write_text(text)
    with pytest.raises(HostError, match=words):
        read_book(path, "")


def test_no_book_is_an_empty_one(tmp_path: Path) -> None:
    assert read_book(tmp_path / "none", "me").user == "me"
    with pytest.raises(HostError, match="cannot be read"):
        read_book(tmp_path, "")
