from __future__ import annotations

import zlib
from struct import pack

import pytest

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import ClipboardArrived
from proxyd.rfb.options import Limits, Options
from tests.cuts import every_cut
from tests.fakes.rfb_server import cut_text, opened_client

TEXT, CAPS, REQUEST, PEEK, NOTIFY, PROVIDE = 1, 1 << 24, 1 << 25, 1 << 26, 1 << 27, 1 << 28
ALL = CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT


def server(flags: int, body: bytes = b"") -> bytes:
    return pack(">BxxxiI", 3, -4 - len(body), flags) + body


def client_message(flags: int, body: bytes = b"") -> bytes:
    return pack(">BxxxiI", 6, -4 - len(body), flags) + body


def packed(text: bytes) -> bytes:
    return zlib.compress(pack(">I", len(text)) + text)


@pytest.mark.parametrize(
    ("encoding", "text", "data"),
    [
        ("latin-1", "é€", b"\xe9?"),
        ("utf-8", "é€", "é€".encode()),
        ("utf-16-be", "é", b"\0\xe9"),
        ("cp1252", "é€", b"\xe9\x80"),
        ("mac-roman", "é", b"\x8e"),
    ],
)
def test_old_servers_get_their_own_encoding(encoding: str, text: str, data: bytes) -> None:
    client, _ = opened_client(Options(clipboard_encoding=encoding))
    client.paste(text)
    assert client.data_to_send() == pack(">Bxxxi", 6, len(data)) + data
    assert client.receive(cut_text(data)) == [ClipboardArrived(data.decode(encoding), truncated=False)]


def test_line_ends_are_plain_here() -> None:
    client, _ = opened_client()
    assert client.receive(cut_text(b"a\r\nb\n")) == [ClipboardArrived("a\nb\n", truncated=False)]
    client.paste("a\r\nb")
    assert client.data_to_send().endswith(b"a\nb")


def test_long_texts_are_cut_at_the_limit_and_said_to_be() -> None:
    client, _ = opened_client(Options(limits=Limits(clipboard=10)))
    message = cut_text(b"0123456789 and more") + cut_text(b"next")[:3]
    for pieces in every_cut(message):
        client, _ = opened_client(Options(limits=Limits(clipboard=10)))
        events = [event for piece in pieces for event in client.receive(piece)]
        assert events == [ClipboardArrived("0123456789", truncated=True)]
    client.paste("äöüäöüäöü")
    assert client.data_to_send()[8:] == "äöüäö".encode("latin-1")


def test_the_extended_clipboard_is_announced_asked_for_and_provided() -> None:
    client, _ = opened_client()
    client.receive(server(ALL, pack(">I", 1 << 20)))
    assert client.data_to_send() == client_message(ALL, pack(">I", 0))
    client.paste("Zeile 1\nZeile 2 🙂")
    assert client.data_to_send() == client_message(NOTIFY | TEXT)
    client.receive(server(REQUEST | TEXT))
    said = client.data_to_send()
    body = zlib.decompress(said[12:])
    text = "Zeile 1\r\nZeile 2 🙂".encode() + b"\0"
    assert said[8:12] == pack(">I", PROVIDE | TEXT)
    assert body == pack(">I", len(text)) + text
    client.receive(server(PEEK))
    assert client.data_to_send() == client_message(NOTIFY | TEXT)


def test_what_the_server_announces_is_requested_and_shown() -> None:
    client, _ = opened_client()
    client.receive(server(ALL, pack(">I", 0)))
    client.data_to_send()
    assert client.receive(server(NOTIFY | TEXT)) == []
    assert client.data_to_send() == client_message(REQUEST | TEXT)
    message = server(PROVIDE | TEXT, packed("你好\r\n🙂\0".encode()))
    for pieces in every_cut(message):
        events = [event for piece in pieces for event in client.receive(piece)]
        assert events == [ClipboardArrived("你好\n🙂", truncated=False)]


def test_other_formats_than_text_are_left_alone() -> None:
    client, _ = opened_client()
    assert client.receive(server(NOTIFY | 2) + server(PROVIDE | 4, packed(b"x")) + server(REQUEST | 8)) == []
    assert client.data_to_send() == b""


def test_a_server_that_cannot_be_notified_gets_the_classic_message() -> None:
    client, _ = opened_client()
    client.receive(server(CAPS | REQUEST | PEEK | PROVIDE | TEXT, pack(">I", 0)))
    client.data_to_send()
    client.paste("text")
    assert client.data_to_send() == pack(">Bxxxi", 6, 4) + b"text"


def test_a_bomb_is_cut_at_the_limit() -> None:
    client, _ = opened_client(Options(limits=Limits(clipboard=100)))
    (event,) = client.receive(server(PROVIDE | TEXT, packed(b"x" * 10_000_000)))
    assert event == ClipboardArrived("x" * 100, truncated=True)


@pytest.mark.parametrize(
    "message",
    [
        pack(">Bxxxi", 3, -1) + b"x",
        server(PROVIDE | TEXT, b"nonsense"),
        server(PROVIDE | TEXT, zlib.compress(b"ab")),
        server(PROVIDE | TEXT),
        pack(">Bxxxi", 3, 100_000_000),
    ],
)
def test_broken_messages_end_the_session(message: bytes) -> None:
    client, _ = opened_client()
    with pytest.raises(RfbError, match="clipboard"):
        client.receive(message)
