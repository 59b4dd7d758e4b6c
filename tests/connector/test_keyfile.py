from __future__ import annotations

import contextlib
import re

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.keyfile import BEGIN, END, ConnectorKey, Endpoint, KeyFileError, parse_key

PAIR = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = PAIR.export_public_key().decode().strip()
KEY = ConnectorKey(
    "lab",
    3,
    (
        Endpoint.parse("wss://desk.example.org/guacamole/connector"),
        Endpoint.parse("tcp://[2001:db8::1]:4830"),
    ),
    (PUBLIC,),
    PAIR.export_private_key().decode(),
)
TEXT = KEY.text()


def altered(**fields: object) -> str:
    """The key with other values in it, and a good checksum."""
    import base64
    import hashlib
    import json

    body = "".join(TEXT.partition(BEGIN)[2].partition(END)[0].split()).rpartition("=")[0]
    payload = json.dumps({**json.loads(base64.b64decode(body)), **fields}).encode()
    checksum = hashlib.sha256(payload).hexdigest()[:8]
    return f"{BEGIN}\n{base64.b64encode(payload).decode()}\n={checksum}\n{END}\n"


def test_what_is_written_is_read() -> None:
    assert parse_key(TEXT) == KEY
    assert KEY.fingerprint == PAIR.get_fingerprint()


@pytest.mark.parametrize(
    "mangled",
    [
        TEXT.replace("\n", "\r\n"),
        f"> hello\n{TEXT}\nregards",
        re.sub("^", "   ", TEXT, flags=re.MULTILINE),
        TEXT.strip(),
    ],
    ids=["Windows", "mail", "indented", "stripped"],
)
def test_mail_and_terminals_do_no_harm(mangled: str) -> None:
    assert parse_key(mangled) == KEY


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the line -----BEGIN"),
        (PAIR.export_private_key().decode(), "is no connector key"),
        (TEXT[: len(TEXT) // 2], "cut off"),
        (TEXT.replace(TEXT[200:240], "", 1), "missing or was altered"),
        (TEXT.replace(TEXT[120], "A" if TEXT[120] != "A" else "B", 1), "missing or was altered"),
        (TEXT * 20, "too long"),
        (f"{BEGIN}\n!!!!\n=00000000\n{END}", "not base64"),
        (altered(version=2), "another version"),
        (altered(network="../lab"), "not the name of a network"),
        (altered(generation=0), "generation"),
        (altered(generation="1"), "generation"),
        (altered(endpoints=[]), "endpoints in the key is not a list"),
        (altered(endpoints=["https://desk.example.org"]), "wss://HOST/PATH"),
        (altered(endpoints=["wss://me:pass@desk.example.org/"]), "do not belong"),
        (altered(endpoints=[1]), "not text"),
        (altered(brokers=["ssh-ed25519 AAAA"]), "SSH key"),
        (altered(key="-----BEGIN"), "SSH key"),
        (altered(key=None), "SSH key"),
    ],
)
def test_what_is_wrong_is_said_without_showing_it(text: str, says: str) -> None:
    with pytest.raises(KeyFileError, match=says) as raised:
        parse_key(text)
    assert "OPENSSH" not in str(raised.value)


@settings(max_examples=60)
@given(st.text(max_size=300), st.integers(0, len(TEXT)))
def test_any_text_is_a_key_or_an_error(noise: str, at: int) -> None:
    with contextlib.suppress(KeyFileError):
        assert parse_key(TEXT[:at] + noise + TEXT[at:]) == KEY


def test_the_private_key_is_not_shown() -> None:
    assert "OPENSSH" not in repr(KEY)


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("wss://desk.example.org/guacamole/connector", "desk.example.org", 443, "/guacamole/connector"),
        ("wss://desk.example.org:8443/x", "desk.example.org", 8443, "/x"),
        ("ws://127.0.0.1:8080/guacamole/connector", "127.0.0.1", 8080, "/guacamole/connector"),
        ("tcp://[2001:db8::1]:4830", "2001:db8::1", 4830, ""),
    ],
)
def test_endpoints(text: str, host: str, port: int, path: str) -> None:
    endpoint = Endpoint.parse(text)
    assert (endpoint.host, endpoint.port, endpoint.path) == (host, port, path)
    assert str(endpoint) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "desk.example.org:22", "tcp://desk.example.org", "wss://", "tcp://a:1/x", "wss://a:99999/",
        "tcp://a..b:1", f"wss://{'x' * 64}.example/", "wss://exa mple/", "wss://a\u2028b/", "tcp://.:1",
    ],
)  # fmt: skip
def test_no_endpoints(text: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(text)
