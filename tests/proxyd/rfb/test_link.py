from __future__ import annotations

import pytest

from proxyd.rfb.link import Link


class Caesar:
    """A channel that adds one to every byte."""

    def receive(self, data: bytes) -> bytes:
        return bytes(byte - 1 for byte in data)

    def send(self, data: bytes) -> bytes:
        return bytes(byte + 1 for byte in data)


def test_bytes_pass_plainly_until_they_are_protected() -> None:
    link = Link()
    link.feed(b"abc")
    link.send(b"abc")
    assert link.buffer.drained() == b"abc"
    link.protect(Caesar())
    link.feed(b"bcd")
    link.send(b"abc")
    assert link.buffer.drained() == b"abc"
    assert link.taken() == b"abcbcd"
    assert link.taken() == b""


def test_what_came_with_the_last_plain_bytes_is_protected_already() -> None:
    link = Link()
    link.feed(b"xbcd")
    with pytest.raises(StopIteration) as plain:
        next(link.buffer.exactly(1))
    assert plain.value.value == b"x"
    link.protect(Caesar())
    assert link.buffer.drained() == b"abc"
