"""Who sent a request, and from which page."""

from __future__ import annotations

import ipaddress

import pytest

from broker.forwarded import Sender, origin_allowed, sender

TRUSTED = [ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")]

SENDERS = [
    # peer, secure, X-Forwarded-For, X-Forwarded-Proto -> address, scheme
    ("198.51.100.1", False, [], [], Sender("198.51.100.1", None)),
    ("198.51.100.1", True, [], [], Sender("198.51.100.1", "https")),
    ("198.51.100.1", False, ["10.9.9.9"], ["https"], Sender("198.51.100.1", None)),
    ("192.0.2.1", False, ["10.9.9.9"], ["https"], Sender("10.9.9.9", "https")),
    ("192.0.2.1", False, ["10.9.9.9"], ["http"], Sender("10.9.9.9", "http")),
    ("192.0.2.1", False, ["1.1.1.1, 10.9.9.9"], ["https"], Sender("10.9.9.9", "https")),
    ("192.0.2.1", False, ["1.1.1.1", "10.9.9.9, 192.0.2.7"], ["https"], Sender("10.9.9.9", "https")),
    ("192.0.2.1", False, ["evil, 10.9.9.9"], [], Sender("10.9.9.9", None)),
    ("192.0.2.1", False, ["10.9.9.9, evil"], [], Sender("192.0.2.1", None)),
    ("192.0.2.1", False, [""], ["gopher"], Sender("192.0.2.1", None)),
    ("192.0.2.1", False, ["10.9.9.9:4711"], [], Sender("10.9.9.9", None)),
    ("192.0.2.1", False, ["[2001:db9::1]:4711"], [], Sender("2001:db9::1", None)),
    ("192.0.2.1", False, ["2001:DB9:0::1"], [], Sender("2001:db9::1", None)),
    ("::ffff:192.0.2.1", False, ["10.9.9.9"], [], Sender("10.9.9.9", None)),
    ("::ffff:198.51.100.1", False, ["10.9.9.9"], [], Sender("198.51.100.1", None)),
    ("2001:db8::1", False, ["10.9.9.9"], [], Sender("10.9.9.9", None)),
    (None, False, ["10.9.9.9"], ["https"], Sender("10.9.9.9", "https")),
    ("", False, [], [], Sender("", None)),
    ("192.0.2.1", False, [", ".join(["192.0.2.9"] * 50)], [], Sender("192.0.2.9", None)),
]


@pytest.mark.parametrize(("peer", "secure", "hops", "protocols", "expected"), SENDERS)
def test_senders(
    peer: str | None, secure: bool, hops: list[str], protocols: list[str], expected: Sender
) -> None:
    assert sender(peer, secure, hops, protocols, TRUSTED) == expected


ALLOWED = ("https://portal.example", "http://dev.example:8000")
ORIGINS = [
    ("https://desk.example", "desk.example", None, True),
    ("http://desk.example", "desk.example", None, True),
    ("http://desk.example", "desk.example", "https", False),
    ("https://desk.example", "desk.example", "https", True),
    ("https://desk.example:443", "desk.example", "https", True),
    ("https://desk.example", "desk.example:443", "https", True),
    ("http://desk.example:8080", "desk.example:8080", None, True),
    ("http://desk.example:8081", "desk.example:8080", None, False),
    ("https://portal.example", "desk.example", "https", True),
    ("https://portal.example:443", "desk.example", "https", True),
    ("https://PORTAL.example", "desk.example", "https", True),
    ("http://portal.example", "desk.example", "https", False),
    ("https://portal.example:444", "desk.example", "https", False),
    ("http://dev.example:8000", "desk.example", "https", True),
    ("https://portal.example.evil", "desk.example", "https", False),
    ("https://evil/portal.example", "desk.example", "https", False),
    ("https://portal.example@evil", "desk.example", "https", False),
    ("https://user@desk.example", "desk.example", "https", False),
    ("null", "desk.example", None, False),
    ("", "desk.example", None, False),
    ("https://", "", None, False),
    ("https://desk.example", "", None, False),
    ("file://", "desk.example", None, False),
    ("https://[::1]:8080", "[::1]:8080", None, True),
    ("https://desk.example:99999", "desk.example", None, False),
    ("https://[", "desk.example", None, False),
]


@pytest.mark.parametrize(("origin", "host", "scheme", "expected"), ORIGINS)
def test_origins(origin: str, host: str, scheme: str | None, expected: bool) -> None:
    assert origin_allowed(origin, host, scheme, ALLOWED) is expected
