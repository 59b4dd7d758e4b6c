"""The allow-list of what may be dialled."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from broker.settings import parse_target
from broker.targets import TargetRefusedError, Targets, is_own_address, resolve


def permitted(entries: list[str], address: str, port: int, own: str = "10.0.0.5") -> bool:
    targets = Targets([parse_target(text) for text in entries], lambda value: str(value) == own)
    try:
        targets.check(address, port)
    except TargetRefusedError:
        return False
    return True


EVERYTHING = ["0.0.0.0/0:*", "[::/0]:*"]

CASES = [
    (["10.0.0.0/8:22"], "10.1.2.3", 22, True),
    (["10.0.0.0/8:22"], "10.1.2.3", 23, False),
    (["10.0.0.0/8:22"], "11.1.2.3", 22, False),
    (["10.0.0.0/8:22+5900-5999"], "10.1.2.3", 5905, True),
    (["10.0.0.0/8:22+5900-5999"], "10.1.2.3", 6000, False),
    (["10.1.2.3"], "10.1.2.3", 1, True),
    (["10.0.0.0/8:*", "192.0.2.0/24:5905"], "192.0.2.7", 5905, True),
    (["[2001:db8::/32]:22"], "2001:db8::5", 22, True),
    (["[2001:db8::/32]:22"], "2001:db9::5", 22, False),
    (["0.0.0.0/0:22"], "::ffff:198.51.100.1", 22, True),
    ([], "10.1.2.3", 22, False),
    # loopback, link-local, metadata, multicast and disguises of them
    *((EVERYTHING, address, 80, False) for address in (
        "127.0.0.1", "127.1.2.3", "169.254.169.254", "0.0.0.0", "224.0.0.251", "255.255.255.255", "240.0.0.1",
        "100.100.100.200", "168.63.129.16", "::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
    )),
    (["127.0.0.0/8:*"], "127.0.0.1", 22, True),
    (["127.0.0.1/32:2222"], "127.0.0.1", 2222, True),
    (["127.0.0.1/32:2222"], "127.0.0.1", 22, False),
    (["[::1/128]:22"], "::1", 22, True),
    (["0.0.0.0/0:*", "127.0.0.0/8:2222"], "127.0.0.1", 22, False),
    # the broker's own address
    (["10.0.0.0/8:*"], "10.0.0.5", 22, False),
    (["10.0.0.0/8:*", "10.0.0.5/32:22"], "10.0.0.5", 22, True),
    (["10.0.0.0/8:*", "10.0.0.5/32:22"], "10.0.0.5", 8080, False),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "address", "port", "expected"), CASES)
def test_the_allow_list(entries: list[str], address: str, port: int, expected: bool) -> None:
    assert permitted(entries, address, port) is expected


@pytest.mark.parametrize(
    "text", ["", "10.0.0.0", "10.0.0.0/8:22", "10.0.0.0/8:1-2+3", "[::1]:22", "[::/0]:*", " 10.0.0.0/8 "]
)
def test_entries_are_read(text: str) -> None:
    if text:
        assert parse_target(text).ports
    else:
        with pytest.raises(ValueError):
            parse_target(text)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "10.0.0.0/33:22",
        "10.0.0.0/8:0",
        "10.0.0.0/8:9-1",
        "10.0.0.0/8:65536",
        "::/0:22",
        "10.0.0.0/8:-",
        "a:b",
    ],
)
def test_a_wrong_entry_is_shown(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form"):
        parse_target(text)


def test_own_addresses_are_known() -> None:
    assert is_own_address(ipaddress.ip_address("127.0.0.1"))
    assert not is_own_address(ipaddress.ip_address("192.0.2.1"))


async def test_names_and_addresses_are_resolved() -> None:
    assert list(await resolve("192.0.2.7")) == ["192.0.2.7"]
    assert set(await resolve("localhost")) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    "host", ["", "a" * 300, "no-such-name.invalid", "\ud800", "a b", "x" * 70 + ".example"]
)
async def test_a_name_that_is_not_known(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TargetRefusedError):
        await resolve(host)
