"""What a firewall before connectors has to let out."""

from __future__ import annotations

from broker.networks.firewall import rules
from broker.networks.registry import PrivateNetwork
from broker.networks.shown import firewall_of


def test_a_rule_for_each_place_however_many_endpoints_are_there() -> None:
    found = rules(
        ["wss://desk.example/x", "wss://desk.example/y", "tcp://[2001:db8::1]:4830"],
        {"desk.example": ["192.0.2.1", "2001:db8::5"], "2001:db8::1": ["2001:db8::1"]},
    )
    assert [(row.host, row.port, row.purpose) for row in found] == [
        ("desk.example", 443, "TLS: a WebSocket that carries SSH"),
        ("[2001:db8::1]", 4830, "SSH"),
    ]
    assert [statement for row in found for statement in row.nftables] == [
        "ip daddr 192.0.2.1 tcp dport 443 ct state new,established accept",
        "ip6 daddr 2001:db8::5 tcp dport 443 ct state new,established accept",
        "ip6 daddr 2001:db8::1 tcp dport 4830 ct state new,established accept",
    ]


async def test_a_name_that_the_broker_does_not_know_is_shown_without_addresses() -> None:
    network = PrivateNetwork("lab", 0, ("wss://no-such.invalid:8443/connector",), "")
    (rule,) = await firewall_of(network)
    assert (rule.host, rule.port, list(rule.nftables)) == ("no-such.invalid", 8443, [])
