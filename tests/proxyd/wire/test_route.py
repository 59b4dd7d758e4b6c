"""Jump hosts as connection parameters name them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.wire.route import JumpHost, Route, parse_hosts
from proxyd.wire.status import Hop, Status, StatusError


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", []),
        ("none", []),
        ("corp", [JumpHost("corp", "corp")]),
        ("alice@corp:2222", [JumpHost("corp", "corp", 2222, "alice")]),
        ("ssh://a@b:7/, [2001:db8::1]:23", [JumpHost("b", "b", 7, "a"), JumpHost("2001:db8::1", "2001:db8::1", 23)]),
        (
            '[{"alias":"corp","address":"gw.example","host-key-alias":"corp-key","compression":true}]',
            [JumpHost("corp", "gw.example", host_key_alias="corp-key", compression=True)],
        ),
    ],
)  # fmt: skip
def test_hosts_are_read(text: str, hosts: list[JumpHost]) -> None:
    assert list(parse_hosts(text)) == hosts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b,a", "twice"),
        ("A,a", "twice"),
        (",".join(f"h{i}" for i in range(9)), "more than 8"),
        ("a:0", "wrong port"),
        ("a:99999", "wrong port"),
        ("a b", "cannot be understood"),
        (",", "cannot be understood"),
        ("[1]", "cannot be understood"),
        ("[" * 5000, "cannot be understood"),
        ('[{"address":"a","port":"22"}]', "wrong port"),
        ('[{"address":"a","compression":1}]', "wrong compression"),
        ('[{"alias":"a"}]', "wrong address"),
        ('[{"address":"a","shell":"x"}]', "unknown key shell"),
        ('[{"address":"a\\nb"}]', "cannot be"),
        (json.dumps([{"address": "a", "host-key": "x" * 9000}]), "wrong host-key"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(StatusError, match=sentence) as caught:
        parse_hosts(text)
    assert (caught.value.hop, caught.value.status) == (Hop.GATEWAY, Status.CLIENT_BAD_REQUEST)


@given(st.text(max_size=60))
def test_nothing_but_hosts_or_a_refusal(text: str) -> None:
    try:
        hosts = parse_hosts(text)
    except StatusError:
        return
    assert all(0 < host.port < 65536 and host.address for host in hosts)


def test_a_route_survives_the_way_to_the_transit_process_and_hides_secrets() -> None:
    host = JumpHost("corp", "gw", 22, "alice", private_key="KEY", password="word", passphrase="phrase")
    route = Route((host,), "alice", "lab", 1, 2, "$1")
    assert Route.read(json.loads(json.dumps(route.written()))) == route
    assert not any(secret in repr(route) for secret in ("KEY", "word", "phrase"))
    assert route.scope == "corp"
    assert Route(network="lab").scope == "lab"
