from __future__ import annotations

import asyncssh
import pytest

from proxyd.instances.ssh_algorithms import algorithms

WEAK = ("sha1", "md5", "cbc", "arcfour", "ssh-rsa", "ssh-dss", "3des")


async def offered(legacy: bool) -> dict[str, list[str]]:
    """What asyncssh makes of our words: it tells the server in its first message."""
    options = asyncssh.SSHClientConnectionOptions(
        config=None, **algorithms(known=set(), authorities=False, legacy=legacy)
    )
    lists = {
        "kex": options.kex_algs,
        "cipher": options.encryption_algs,
        "mac": options.mac_algs,
        "signature": options.signature_algs,
    }
    found = {kind: [name.decode() for name in names] for kind, names in lists.items()}
    return {**found, "host key": list(options.server_host_key_algs)}


async def test_nothing_broken_is_offered() -> None:
    found = await offered(legacy=False)
    assert found["cipher"][0] == "aes128-gcm@openssh.com"
    assert "mlkem768x25519-sha256" in found["kex"] or "curve25519-sha256" in found["kex"]
    for kind in ("kex", "cipher", "signature", "host key"):
        assert not [name for name in found[kind] if any(weak in name for weak in WEAK)], kind
    assert not [name for name in found["mac"] if "md5" in name]


async def test_legacy_offers_more_behind_the_rest() -> None:
    new, old = await offered(legacy=False), await offered(legacy=True)
    assert old["cipher"][: len(new["cipher"])] == new["cipher"]
    assert "diffie-hellman-group1-sha1" in old["kex"]
    assert "aes128-cbc" in old["cipher"]
    assert "ssh-dss" in old["host key"]
    assert old["host key"][0] == new["host key"][0]


@pytest.mark.parametrize(
    ("known", "first"),
    [
        ({"ssh-rsa"}, "rsa-sha2-512"),
        ({"ecdsa-sha2-nistp384"}, "ecdsa-sha2-nistp384"),
        ({"ssh-ed25519", "ssh-rsa"}, "ssh-ed25519"),
        (set(), "ssh-ed25519"),
    ],
)
def test_known_types_of_host_keys_are_asked_for_first(known: set[str], first: str) -> None:
    names = algorithms(known=known, authorities=False, legacy=False)["server_host_key_algs"]
    assert names[0] == first
    assert len(names) == 6


def test_certificates_are_asked_for_where_they_can_be_checked() -> None:
    names = algorithms(known=set(), authorities=True, legacy=False)["server_host_key_algs"]
    assert names[0] == "ssh-ed25519-cert-v01@openssh.com"
    assert "ssh-ed25519" in names
