"""The header of PROXY protocol version 2, by which a proxy says whose connection it passes on. Pure."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

__all__ = ["MAX_HEADER", "Header", "ProxyHeaderError", "parse"]

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
FIXED = 16
MAX_HEADER = 4096
"""Bytes of a whole header: addresses, and what else a proxy tells."""
LOCAL, PROXIED = 0x20, 0x21
ADDRESS_BYTES = {0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16}
"""Bytes of one address by family and transport; others name no IP address."""


class ProxyHeaderError(Exception):
    """What came is no such header."""


class Header(NamedTuple):
    """What a header says.

    Attributes:
        address: of the client; None where the proxy speaks for itself, empty where it names no IP address.
        length: bytes of the header.
    """

    address: str | None
    length: int


def parse(data: bytes) -> Header | None:
    """Read the header at the beginning of a connection; None where more of it is to come.

    Raises:
        ProxyHeaderError: it is none, is broken or too long. Told as soon as it is certain.
    """
    begun = data[: len(SIGNATURE)]
    if begun != SIGNATURE[: len(begun)]:
        raise ProxyHeaderError("no PROXY header, version 2")
    command = data[12] if len(data) > 12 else LOCAL
    if command not in {LOCAL, PROXIED}:
        raise ProxyHeaderError("a PROXY header of an unknown version or command")
    if len(data) < FIXED:
        return None
    family, length = data[13], FIXED + int.from_bytes(data[14:16])
    if length > MAX_HEADER:
        raise ProxyHeaderError(f"a PROXY header of more than {MAX_HEADER} bytes")
    size = ADDRESS_BYTES.get(family, 0) if command == PROXIED else 0
    if length < FIXED + 2 * size + (4 if size else 0):
        raise ProxyHeaderError("a PROXY header that is too short for its addresses")
    if len(data) < length:
        return None
    if command == LOCAL:
        return Header(None, length)
    return Header(_address(data[FIXED : FIXED + size]) if size else "", length)


def _address(packed: bytes) -> str:
    value = ipaddress.ip_address(packed)
    return str(getattr(value, "ipv4_mapped", None) or value)
