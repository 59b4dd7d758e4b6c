"""The key ring: reading it, what its limits make of a grant, rotation, and live reload."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from broker import app
from broker.auth.base import Connection, Grant, Reason, RefusedError
from broker.keyring import Entry, KeyRing, KeyRingError, Limits, parse_ring
from broker.limits import enforce
from broker.reload import reload_ring

if TYPE_CHECKING:
    from pathlib import Path

SECRET = base64.b64encode(bytes(range(32))).decode()
V1 = '[portal]\nsecret-text = "so-secret"\nschemes = ["v1"]\n'


def public_pem(key: Any) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


PEM = public_pem(ed25519.Ed25519PrivateKey.generate())


def ring(text: str) -> dict[str, Entry]:
    return parse_ring(text.encode(), is_json=False)


def one(**fields: Any) -> Entry:
    table = {
        "secret": SECRET,
        "schemes": ["jwt"],
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    return parse_ring(json.dumps({"k": table}).encode(), is_json=True)["k"]


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_whole_entry() -> None:
    entry = ring(
        f"""
        ["portal-2026a"]
        secret = "{SECRET}"
        schemes = ["jwt", "v1"]
        not-before = 2026-01-01T00:00:00Z
        not-after = "2026-06-30T12:00:00+02:00"
        from = ["192.0.2.0/24", "2001:db8::/32"]
        protocols = ["ssh"]
        targets = ["10.0.0.0/8:22"]
        users = "[a-z]+"
        parameters = ["command"]
        explain = true
        [portal-2026a.params-forced]
        read-only = "true"
        """
    )["portal-2026a"]
    assert entry.key.secret == bytes(range(32))
    assert entry.limits.protocols == ("ssh",)
    assert entry.limits.forced == {"read-only": "true"}
    assert entry.limits.users is not None
    assert [str(target) for target in entry.limits.targets] == ["10.0.0.0/8:22"]
    assert not entry.active(1767225599)
    assert entry.active(1767225600)
    assert entry.active(1782813599)
    assert not entry.active(1782813600)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_in_a_file_of_its_own(tmp_path: Path, ending: str) -> None:
    (tmp_path / "secret").write_bytes(b"so-secret" + ending.encode())
    entry = ring(f'[k]\nsecret-file = "{tmp_path}/secret"\nschemes = ["v1"]')["k"]
    assert entry.key.secret == b"so-secret"


def test_a_key_pair() -> None:
    key = one(secret=None, public_key=PEM).key
    assert (key.secret, key.public_key) == (b"", PEM.encode())


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "ring.toml"
    file.write_text(V1)
    keys = KeyRing((), file)
    shown = repr(keys.entry("portal")) + repr(keys.keys("v1", 0)) + repr(vars(keys))
    assert "so-secret" not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[k", "is not TOML"),
        ("k = 1", "key k, its table: "),
        ("[k]", "key k, schemes: "),
        ('[k]\nschemes = []\nsecret-text = "x"', "key k, schemes: should name some of"),
        ('[k]\nschemes = ["v2"]\nsecret-text = "x"', "key k, schemes: should name some of"),
        ('[k]\nschemes = ["v1"]', "key k: exactly one of secret"),
        (f'[k]\nschemes = ["v1"]\nsecret = "{SECRET}"\nsecret-text = "x"', "key k: exactly one of secret"),
        ('[k]\nschemes = ["jwt"]\nsecret = "c2hvcnQ="', "key k: secret has 5 bytes"),
        ('[k]\nschemes = ["jwt"]\nsecret = "not base64"', "key k: secret is not base64"),
        ('[k]\nschemes = ["v1"]\nsecret-text = ""', "key k: the secret is empty"),
        ('[k]\nschemes = ["v1"]\nsecret-file = "/nonexistent"', "key k: /nonexistent cannot be read"),
        ('[k]\nschemes = ["jwt"]\npublic-key = "x"', "key k: public-key is not a public key"),
        ('["k k"]\nschemes = ["v1"]\nsecret-text = "x"', "the name of a key"),
        (V1 + "from = ['everywhere']", "key portal, from.0: a network is written"),
        (V1 + "targets = ['10.0.0.0']\nextra = 1", "key portal, extra: "),
        (V1 + "targets = ['x']", "key portal, targets.0: "),
        (V1 + "users = '['", "key portal, users: is not a regular expression"),
        (V1 + "not-after = 'tomorrow'", "key portal, not-after: "),
        (V1 + "not-after = 12", "key portal, not-after: "),
        (V1 + "[portal.params-forced]\nx = 1", "key portal, params-forced.x: "),
    ],
)
def test_what_is_wrong_names_key_and_field(text: str, said: str) -> None:
    with pytest.raises(KeyRingError) as caught:
        ring(text)
    assert str(caught.value).startswith(said)
    assert "so-secret" not in str(caught.value)


def test_other_kinds_of_pair_are_not_taken() -> None:
    with pytest.raises(KeyRingError, match="not an Ed25519 key"):
        one(secret=None, public_key=public_pem(rsa.generate_private_key(65537, 2048)))


def test_json_that_is_broken() -> None:
    with pytest.raises(KeyRingError, match="is not JSON"):
        parse_ring(b"{", is_json=True)
    with pytest.raises(KeyRingError, match="not an object"):
        parse_ring(b"[]", is_json=True)


# -- limits ----------------------------------------------------------------------------------------------------------


def grant(protocol: str = "ssh", user: str = "alice", *, operator: bool = False, **parameters: str) -> Grant:
    named = {name.replace("_", "-"): value for name, value in parameters.items()}
    connection = Connection("abc", "abc", protocol, {"hostname": "10.1.2.3", "port": "22", **named})
    return Grant("jwt", user, (connection,), "k", "n", 0.0, operator=operator)


def limits(**fields: Any) -> Limits:
    return one(**fields).limits


CASES: list[tuple[dict[str, Any], Grant, str, Reason | None]] = [
    ({}, grant(), "192.0.2.9", None),
    ({"from": ["192.0.2.0/24"]}, grant(), "192.0.2.9", None),
    ({"from": ["192.0.2.0/24"]}, grant(), "198.51.100.1", Reason.SOURCE_NOT_ALLOWED),
    ({"from": ["192.0.2.0/24"]}, grant(), "", Reason.SOURCE_NOT_ALLOWED),
    ({"from": ["2001:db8::/32"]}, grant(), "2001:db8::1", None),
    ({"protocols": ["vnc"]}, grant(), "", Reason.PARAMETER_NOT_ALLOWED),
    ({"protocols": ["vnc"]}, grant("vnc"), "", None),
    ({"protocols": ["rdp"]}, grant("rdp"), "", Reason.PARAMETER_NOT_ALLOWED),
    ({}, grant("telnet"), "", Reason.PARAMETER_NOT_ALLOWED),
    ({"users": "[a-k].*"}, grant(), "", None),
    ({"users": "[a-k]"}, grant(), "", Reason.USER_NOT_ALLOWED),
    ({"users": "bob"}, grant(), "", Reason.USER_NOT_ALLOWED),
    ({}, grant(color_scheme="gray-black", font_size="12", read_only="true"), "", None),
    ({}, grant(operator=True), "", Reason.USER_NOT_ALLOWED),
    ({"operator": True}, grant(operator=True), "", None),
    *(
        ({}, grant(**{name: "x"}), "", Reason.PARAMETER_NOT_ALLOWED)
        for name in (
            "command", "recording_path", "typescript_path", "private_key", "sftp_private_key", "sftp_hostname",
            "enable_agent", "wol_send_packet", "reverse_connect", "dest_host", "create_recording_path", "made_up",
        )
    ),
    ({"parameters": ["command"]}, grant(command="top"), "", None),
    ({"parameters": ["command"]}, grant(recording_path="/x"), "", Reason.PARAMETER_NOT_ALLOWED),
    ({"parameters": ["*"]}, grant(recording_path="/x"), "", None),
    ({"networks": ["lab"]}, grant(network="lab"), "", Reason.PARAMETER_NOT_ALLOWED),
    ({"parameters": ["network"]}, grant(network="lab"), "", None),
    ({"parameters": ["network"], "networks": ["lab"]}, grant(network="lab"), "", None),
    ({"parameters": ["network"], "networks": ["lab"]}, grant(network="other"), "", Reason.TARGET_NOT_ALLOWED),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "given", "address", "reason"), CASES)
def test_limits(fields: dict[str, Any], given: Grant, address: str, reason: Reason | None) -> None:
    if reason is None:
        assert enforce(given, limits(**fields), address) == given
    else:
        with pytest.raises(RefusedError) as caught:
            enforce(given, limits(**fields), address)
        assert caught.value.reason is reason


def test_forced_parameters_win() -> None:
    forced = {"read-only": "true", "recording-path": "/recordings"}
    (connection,) = enforce(grant(read_only="false"), limits(params_forced=forced), "").connections
    assert connection.parameters["read-only"] == "true"
    assert connection.parameters["recording-path"] == "/recordings"


# -- through the door ------------------------------------------------------------------------------------------------


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    file = tmp_path / "ring.toml"
    file.write_text(V1)
    return file


async def test_w17_keys_are_rotated_without_a_flag_day(serve: Any, ring_file: Path, clock: Any) -> None:
    """The new key works before the platform is switched, the old one until its end."""
    ring_file.write_text(
        '[old]\nsecret-text = "so-secret"\nschemes = ["v1"]\nnot-after = 2023-11-14T22:20:00Z\n'
        '[new]\nsecret-text = "new-secret"\nschemes = ["v1"]\n'
    )
    async with serve(secret_key="", key_ring=ring_file) as broker:
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200
        broker.platform.secret = "new-secret"
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200
        clock.now += 600
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200
        broker.platform.secret = "so-secret"
        assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "bad-signature"


async def test_w23_a_key_works_from_its_networks_only(serve: Any, ring_file: Path) -> None:
    ring_file.write_text(V1 + 'from = ["192.0.2.0/24"]\n')
    async with serve(secret_key="", key_ring=ring_file, trusted_proxies="127.0.0.1") as broker:
        body = broker.platform.body("10.1.2.3", "ssh")
        assert await broker.refused(body, headers={"X-Forwarded-For": "198.51.100.1"}) == "source-not-allowed"
        assert await broker.refused(body) == "source-not-allowed"
        answer = await broker.post_form(body, headers={"X-Forwarded-For": "192.0.2.7"})
        assert answer.status == 200


async def test_a_keys_targets_narrow_the_global_ones(serve: Any, ring_file: Path) -> None:
    ring_file.write_text(V1 + 'targets = ["10.1.0.0/16:22", "192.0.2.1"]\n')
    async with serve(secret_key="", key_ring=ring_file, allowed_targets="10.0.0.0/8:*") as broker:
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200
        for host in ("10.2.2.3", "192.0.2.1"):
            assert await broker.refused(broker.platform.body(host, "ssh")) == "target-not-allowed"


async def test_the_reason_is_told_where_the_key_says_so(serve: Any, ring_file: Path) -> None:
    ring_file.write_text(V1 + "explain = true\n")
    async with serve(secret_key="", key_ring=ring_file) as broker:
        body = broker.platform.body("10.1.2.3", "ssh")
        broker.clock.now += 700
        assert "expired" in (await (await broker.post_form(body)).json())["message"]


async def test_it_is_read_again_when_it_changes(
    serve: Any, ring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "RING_INTERVAL", 0.01)
    async with serve(secret_key="", key_ring=ring_file) as broker:
        token = await broker.token()
        replacement = ring_file.with_name("new")
        replacement.write_text(V1.replace("portal", "other").replace("so-secret", "new-secret"))
        replacement.replace(ring_file)
        async with asyncio.timeout(5):
            while broker.parts.ring.entry("other") is None:
                await asyncio.sleep(0.01)
        assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "bad-signature"
        assert await broker.parts.sessions.find(token)  # nobody is dropped


async def test_a_broken_file_leaves_the_ring_as_it_was(
    serve: Any, ring_file: Path, log_lines: list[dict[str, Any]]
) -> None:
    async with serve(secret_key="", key_ring=ring_file) as broker:
        for broken in ("[portal", V1 + "nonsense = 1", ""):
            ring_file.write_text(broken)
            if not broken:
                ring_file.unlink()
            reload_ring(broker.parts.ring)
            assert log_lines[-1]["event"] == "key ring not read"
            assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200
            broker.clock.now += 1


async def test_a_ring_that_cannot_be_read_at_start(serve: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match=r"^key-ring: .*none\.toml cannot be read"):
        async with serve(key_ring=tmp_path / "none.toml"):
            pass
