"""GateOne's API authentication."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.auth.base import Claim, Grant, Key, MalformedError, Reason, RefusedError
from broker.auth.gateone import GateOneScheme
from broker.keyring import KeyRingError, parse_ring

if TYPE_CHECKING:
    from pathlib import Path

API_KEY = "MjkwYzc3MDI2MjhhNGZkNDg1MjJkODgyYjBmN2MyMTM4M"
NOW = 1323391717.238
SHA1 = "f6c6c82281f8d56797599aeee01a5e3efab05a63"
SHA256 = "84e53f9f35c67084b67a57d700a15a702a6815619eff1ce1e529ea6b6d37af6f"
AUTH = {
    "api_key": API_KEY,
    "upn": "joe@company.com",
    "timestamp": "1323391717238",
    "signature": SHA1,
    "signature_method": "HMAC-SHA1",
    "api_version": "1.0",
}
KEY = Key(API_KEY, b"secret")


def claim(auth: Any, address: str = "ssh://alice@10.1.2.3:22") -> Claim:
    text = auth if isinstance(auth, str) else json.dumps(auth)
    return Claim({"auth": [text], "ssh": [address]})


def verify(auth: Any, address: str = "ssh://alice@10.1.2.3:22", now: float = NOW, key: Key = KEY) -> Grant:
    return GateOneScheme(30).verify(claim(auth, address), [key], now)


def refusal(auth: Any, **options: Any) -> Reason:
    with pytest.raises(RefusedError) as caught:
        verify(auth, **options)
    return caught.value.reason


def signed(**changes: Any) -> dict[str, Any]:
    auth = {**AUTH, **changes}
    message = f"{auth['api_key']}{auth['upn']}{auth['timestamp']}".encode()
    return {**auth, "signature": hmac.digest(b"secret", message, "sha1").hex()}


@pytest.mark.parametrize(
    "auth",
    [
        AUTH,
        {**AUTH, "timestamp": 1323391717238},
        {**AUTH, "signature": SHA256, "signature_method": "HMAC-SHA256"},
        {**AUTH, "user.role": "admin"},
    ],
)
def test_the_documentations_vector(auth: dict[str, Any]) -> None:
    grant = verify(auth)
    assert (grant.source, grant.user, grant.key_id) == ("gateone", "joe@company.com", API_KEY)
    (connection,) = grant.connections
    assert (connection.protocol, connection.parameters) == (
        "ssh",
        {"hostname": "10.1.2.3", "port": "22", "username": "alice"},
    )
    assert "admin" not in repr(grant)


def test_the_sheets_second_vector() -> None:
    key = Key(
        "NDEzMWEwYTdlZTAzNDkxMWIwMDI4YzJmZTk4YzI4OWJjM", b"M2U5YTMxMGQ3OWNlNDJlMTg5NmY0NmUyOTk5MWYwYWFiN"
    )
    auth = {
        "api_key": key.key_id,
        "upn": "alice",
        "timestamp": "1700000000000",
        "signature": "b6e38dd4ea66600d8d2038233aec6fd72e113185c9c044eb661af7bf0d457a36",
        "signature_method": "HMAC-SHA256",
        "api_version": "1.0",
    }
    assert verify(auth, now=1700000000, key=key).user == "alice"


@pytest.mark.parametrize(
    ("offset", "reason"), [(-31, Reason.NOT_YET_VALID), (-29, None), (29, None), (30, Reason.EXPIRED)]
)
def test_time(offset: float, reason: Reason | None) -> None:
    if reason is None:
        assert verify(AUTH, now=NOW + offset)
    else:
        assert refusal(AUTH, now=NOW + offset) is reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"upn": "root"}, Reason.BAD_SIGNATURE),
        ({"timestamp": "1323391717239"}, Reason.BAD_SIGNATURE),
        ({"signature": SHA1.upper()}, Reason.BAD_SIGNATURE),
        ({"signature": SHA256}, Reason.BAD_SIGNATURE),
        ({"signature": "\ud800"}, Reason.BAD_SIGNATURE),
        ({"signature_method": "HMAC-MD5"}, Reason.BAD_SIGNATURE),
        ({"signature_method": None}, Reason.BAD_SIGNATURE),
        ({"api_version": "2.0"}, Reason.BAD_SIGNATURE),
        ({"timestamp": "1e12"}, Reason.BAD_SIGNATURE),
        ({"timestamp": [1]}, Reason.BAD_SIGNATURE),
        ({"api_key": "other"}, Reason.UNKNOWN_KEY),
        ({"upn": 1}, Reason.BAD_SIGNATURE),
    ],
    ids=str,
)
def test_objects_that_are_refused(change: dict[str, Any], reason: Reason) -> None:
    assert refusal({**AUTH, **change}) is reason


@pytest.mark.parametrize("upn", ["", "../root", "a/b", "a\0", "a b", "x" * 65, "-x", ".", "..", "\u0430lice"])
def test_names_that_are_refused_although_they_are_signed(upn: str) -> None:
    assert refusal(signed(upn=upn)) is Reason.OUTSIDE_PROFILE


@pytest.mark.parametrize(
    ("address", "parameters"),
    [
        ("ssh://10.1.2.3", {"hostname": "10.1.2.3", "port": "22", "username": "joe"}),
        ("ssh://bob@vm.example:2222/", {"hostname": "vm.example", "port": "2222", "username": "bob"}),
        ("ssh://bob@[2001:db8::1]:22", {"hostname": "2001:db8::1", "port": "22", "username": "bob"}),
        *((address, None) for address in (
            "", "10.1.2.3", "telnet://10.1.2.3", "ssh://", "ssh://alice:hunter2@10.1.2.3", "ssh://10.1.2.3:99999",
            "ssh://-oProxyCommand=x@10.1.2.3", "ssh://a%20b@10.1.2.3", "ssh://[", "javascript:alert(1)",
        )),
    ],
)  # fmt: skip
def test_addresses(address: str, parameters: dict[str, str] | None) -> None:
    if parameters is None:
        assert refusal(AUTH, address=address) is Reason.OUTSIDE_PROFILE
    else:
        assert verify(AUTH, address).connections[0].parameters == parameters


@given(
    st.text(max_size=50)
    | st.dictionaries(st.sampled_from(list(AUTH)), st.integers() | st.text() | st.none()).map(json.dumps)
)
def test_garbage(text: str) -> None:
    with pytest.raises((RefusedError, MalformedError)):
        verify(text)


# -- through the door ------------------------------------------------------------------------------------------------

RING = f'["{API_KEY}"]\nsecret-text = "secret"\nschemes = ["gateone"]\ntargets = ["10.1.0.0/16:22"]\n'


def test_a_key_must_name_its_targets() -> None:
    with pytest.raises(KeyRingError, match="needs targets"):
        parse_ring(RING.replace('targets = ["10.1.0.0/16:22"]', "").encode(), is_json=False)


async def test_targets_are_all_that_holds_people_back(serve: Any, tmp_path: Path, clock: Any) -> None:
    clock.now = NOW
    file = tmp_path / "ring.toml"
    file.write_text(RING)
    async with serve(secret_key="", key_ring=file) as broker:
        auth = quote(json.dumps(AUTH))
        assert await broker.refused(f"auth={auth}&ssh=ssh://alice@10.2.2.3:22") == "target-not-allowed"
        assert (await broker.post_form(f"auth={auth}&ssh=ssh://alice@10.1.2.3:22")).status == 200
        assert await broker.refused(f"auth={auth}&ssh=ssh://alice@10.1.2.3:22") == "replayed"


async def test_it_is_off_unless_a_key_lists_it(serve: Any, clock: Any) -> None:
    clock.now = NOW
    async with serve() as broker:
        body = f"auth={quote(json.dumps({**AUTH, 'api_key': 'secret-key'}))}&ssh=ssh://alice@10.1.2.3:22"
        assert await broker.refused(body) == "unknown-key"
