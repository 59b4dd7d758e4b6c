from __future__ import annotations

import pytest

from connector.permits import Permits, parse_permit

LIST = Permits(
    [
        parse_permit(text)
        for text in ("10.0.0.0/8:22+5900-5999", "[2001:db8::/32]:22", "db.lab.example:5432", "*.web.lab.example:22", "127.0.0.1/32:5901")
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("host", "port", "addresses", "permitted"),
    [
        ("10.1.2.3", 22, ["10.1.2.3"], ["10.1.2.3"]),
        ("10.1.2.3", 5901, ["10.1.2.3"], ["10.1.2.3"]),
        ("10.1.2.3", 23, ["10.1.2.3"], []),
        ("11.1.2.3", 22, ["11.1.2.3"], []),
        ("2001:db8::5", 22, ["2001:db8::5"], ["2001:db8::5"]),
        ("::ffff:10.1.2.3", 22, ["::ffff:10.1.2.3"], ["::ffff:10.1.2.3"]),
        # a name is permitted by what it resolves to, or by itself
        ("host.lab.example", 22, ["10.1.2.3", "192.0.2.1"], ["10.1.2.3"]),
        ("db.lab.example", 5432, ["192.0.2.1"], ["192.0.2.1"]),
        ("DB.lab.example.", 5432, ["192.0.2.1"], ["192.0.2.1"]),
        ("db.lab.example", 22, ["192.0.2.1"], []),
        ("a.web.lab.example", 22, ["192.0.2.1"], ["192.0.2.1"]),
        ("web.lab.example", 22, ["192.0.2.1"], []),
        ("evilweb.lab.example", 22, ["192.0.2.1"], []),
        # guarded networks are listed by address, or not at all
        ("db.lab.example", 5432, ["169.254.169.254"], []),
        ("db.lab.example", 5432, ["127.0.0.1"], []),
        ("127.0.0.1", 5901, ["127.0.0.1"], ["127.0.0.1"]),
        ("127.0.0.1", 22, ["127.0.0.1"], []),
        ("fe80::1%eth0", 22, ["fe80::1%eth0"], []),
    ],
)
def test_what_is_permitted(host: str, port: int, addresses: list[str], permitted: list[str]) -> None:
    assert LIST.permitted(host, port, addresses) == permitted


def test_an_empty_list_permits_nothing_and_a_whole_one_not_the_metadata_service() -> None:
    assert not Permits([]).permitted("10.1.2.3", 22, ["10.1.2.3"])
    assert not Permits([parse_permit("0.0.0.0/0")]).permitted("m", 80, ["169.254.169.254", "127.0.0.1"])


@pytest.mark.parametrize(
    "text", ["db.lab.example:5432", "*.web.lab.example:22", "10.0.0.0/8:22+5900-5999", "[::1/128]:*"]
)
def test_entries_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_permit(text)) == text


@pytest.mark.parametrize(
    "text", ["", "db.lab.example", "*:22", "a b:22", "10.0.0:22", "host:0", "host:70000", "*.*.x:22"]
)
def test_no_entries(text: str) -> None:
    with pytest.raises(ValueError):
        parse_permit(text)
