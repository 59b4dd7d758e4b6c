from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.gate.proxy_header import MAX_HEADER, SIGNATURE, Header, ProxyHeaderError, parse
from tests.cuts import every_cut


def header(command: int, family: int, payload: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(payload).to_bytes(2) + payload


def tcp(source: str, more: bytes = b"") -> bytes:
    value = ipaddress.ip_address(source)
    packed = value.packed
    return header(0x21, 0x11 if value.version == 4 else 0x21, packed + packed + b"\x10\x00\x13\xa6" + more)


HEADERS = [
    (tcp("192.0.2.7"), "192.0.2.7"),
    (tcp("2001:db8::7"), "2001:db8::7"),
    (tcp("::ffff:192.0.2.7"), "192.0.2.7"),
    (tcp("192.0.2.7", b"\x03\x00\x04\x00\x00\x00\x00"), "192.0.2.7"),
    (header(0x20, 0x00, b""), None),
    (header(0x20, 0x11, b"junk that a health check may send"), None),
    (header(0x21, 0x00, b""), ""),
    (header(0x21, 0x31, bytes(216)), ""),
]


@pytest.mark.parametrize(("data", "address"), HEADERS, ids=range(len(HEADERS)))
def test_headers_are_read_wherever_they_are_cut(data: bytes, address: str | None) -> None:
    whole = data + b"GET / HTTP/1.1\r\n"
    for pieces in every_cut(whole):
        buffer, found = b"", None
        for piece in pieces:
            buffer += piece
            found = found or parse(buffer)
        assert found == Header(address, len(data))
    assert all(parse(data[:length]) is None for length in range(len(data)))


WRONG = [
    b"GET / HTTP/1.1\r\n", b"G", b"PROXY TCP4 192.0.2.7", b"\r\n\r\n\x00\r\nQUIT\r", header(0x11, 0x11, bytes(12)),
    header(0x22, 0x11, bytes(12)), header(0x21, 0x11, bytes(11)), header(0x21, 0x21, bytes(35)),
    SIGNATURE + b"\x21\x11\xff\xff", SIGNATURE + b"\x20\x00\xff\xff",
]  # fmt: skip


@pytest.mark.parametrize("data", WRONG, ids=range(len(WRONG)))
def test_what_is_none_is_told_at_once(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        parse(data)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_any_bytes_are_a_header_or_none_or_our_error(first: bytes, rest: bytes) -> None:
    for data in (first + rest, SIGNATURE + first + rest):
        try:
            found = parse(data)
        except ProxyHeaderError:
            continue
        assert found is None or found.length <= min(len(data), MAX_HEADER)
