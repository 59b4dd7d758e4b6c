"""Lines are added and taken out; nothing else changes."""

from __future__ import annotations

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.authorized_keys import with_line, without_key

KEY, OTHER = (
    asyncssh.generate_private_key("ssh-ed25519", comment="alice").export_public_key().decode().strip()
    for _ in range(2)
)
BARE = " ".join(KEY.split(" ")[:2])
LINE = f'restrict,pty,from="10.0.0.0/8" {KEY}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", f"{LINE}\n"),
        (b"\n", f"\n{LINE}\n"),
        (f"{OTHER}\n".encode(), f"{OTHER}\n{LINE}\n"),
        (OTHER.encode(), f"{OTHER}\n{LINE}\n"),
        (f"{OTHER}\r\n# a\r\n".encode(), f"{OTHER}\r\n# a\r\n{LINE}\n"),
        (f"# {KEY}\n".encode(), f"# {KEY}\n{LINE}\n"),
        (f"cert-authority {BARE}\n".encode(), f"cert-authority {BARE}\n{LINE}\n"),
        (f"{BARE}x\n".encode(), f"{BARE}x\n{LINE}\n"),
    ],
    ids=["none", "blank", "ended", "not-ended", "crlf", "comment", "authority", "longer"],
)
def test_a_line_is_added_at_the_end(before: bytes, after: str) -> None:
    assert with_line(before, LINE) == after.encode()


@pytest.mark.parametrize(
    "there",
    [KEY, BARE, f"{BARE} somebody else", f'command="a b" {BARE}', f"  {BARE}\r", BARE.replace(" ", " \t ")],
    ids=["same", "bare", "comment", "options", "blanks", "tabs"],
)
def test_a_key_that_is_there_is_not_added_again(there: str) -> None:
    before = f"{OTHER}\n{there}\n".encode()
    assert with_line(before, LINE) == before
    assert without_key(before, KEY) == f"{OTHER}\n".encode()


@given(st.binary(max_size=300), st.booleans())
def test_whatever_is_there_stays(content: bytes, ended: bool) -> None:
    content += b"\n" if ended else b""
    after = with_line(content, LINE)
    assert after.startswith(content)
    assert with_line(after, LINE) == after
    assert without_key(after, LINE).rstrip(b"\n") == content.rstrip(b"\n") or not ended
    assert without_key(content, LINE) == content


def test_quoted_options_may_hold_anything() -> None:
    line = f'command="echo {OTHER} \\" x" {KEY}'
    assert without_key(f"{KEY}\n{OTHER}\n".encode(), line) == f"{OTHER}\n".encode()
