"""Encrypted JSON, as official clients of guacamole-auth-json produce it."""

from __future__ import annotations

import base64
import hmac
import json
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from broker.auth.base import Claim, Grant, Key, MalformedError, Reason, RefusedError
from broker.auth.json import JsonScheme
from broker.store import Kind
from tests.fakes.guacd import Guacd
from tests.servers import processes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.conftest import Broker

NOW = 1_700_000_000.0
SECRET = bytes.fromhex("4C0B569E4C96DF157EEE1B65DD0E4D41")
KEY = Key("k", SECRET)
SSH = {"protocol": "ssh", "parameters": {"hostname": "10.1.2.3", "port": "22", "username": "alice"}}
USER = {"username": "alice", "expires": (NOW + 60) * 1000, "connections": {"My Shell": SSH}}

# The example of the original's manual, made by its own script.
OFFICIAL = """
    A2Pf5Kpmm97I2DT1PifIrfU6q3yzoGcIbNXEd60WNangT8DAVjAl6luaqwhBJnCK
    uqcf9ZZlRo3uDxTHvUM3eq1YvdghL0GbosOn8Mn38j2ydOMk+Cd15a8ggb4/ddt/
    yIBK4DxrN7MNbouZ091KYtXC6m20E6sGzLy676BlMSg1cmsENRIihOynsSLSCvo0
    diif6H7T+ZuIqF7B5SW+adGfMaHlfknlIvSpLGHhrIP4aMYE/ZU2vYNg8ez27sCS
    wDBWu5lERtfCYFyU4ysjRU5Hyov+yKa+O7jcRYpw3N+fHbCg7/dxVNW07qNOKssv
    pzUciGvDPUCPpa02WmPJNEBowwQireO1952/MNAI77cW2UepbljD/bwOiZl2THJz
    LrENo7K5acimBa+EjWEesgn7lx/WTCF3zxR6TH1CWrQM8Et1aUK1Nf8K11xEQbTy
    klyaNtCmTfyahRZ/fUPxDNrdJVpPOSELkf7RJO5tOdK/FFIFIbze3ZUyXgRq+pHY
    owpgOmudDBTBlxhXiONdutRI/RZbFM/7GBMdmI8AR/401OCV3nsI4jLhukjMXH3V
    f3pQg+xKMhi/QExHhDk8VTNYk7GurK4vgehn7HQ0oSGh8pGcmxB6W43cz+hyn6VQ
    On6i90cSnIhRO8SysZt332LwJCDm7I+lBLaI8NVHU6bnAY1Axx5oH3YTKc4qzHls
    HEAFYLkD6aHMvHkF3b798CMravjxiJV3m7hsXDbaFN6AFhn8GIkMRRrjuevfZ+q9
    enWN14s24vt5OVg69DljzALobUNKUXFx69SR8EpSBvUcKq8s/OgbDpFvKbwsDY57
    HGT4T0CuRIA0TGUI075uerKBNApVhuBA1BmWJIrI4JXw5MuX6pdBe+MYccO3vfo+
    /frazj8rHdkDa/IbueMbvq+1ozV2+UuxrbaTrV2i4jSRgd74U0QzOh9e8Q0i7vOi
    l3hnIfOfg+v1oULmZmJSeiAYWxeGvPptp+n7rNFqHGM="""
PRINTED = "\n".join(OFFICIAL.split())


def seal(user: Any, secret: bytes = SECRET, signing: bytes = SECRET) -> str:
    """As the manual says: sign, put the signature before the text, encrypt with a null vector, base64."""
    data = user if isinstance(user, bytes) else json.dumps(user).encode()
    padder = PKCS7(128).padder()
    padded = padder.update(hmac.digest(signing, data, "sha256") + data) + padder.finalize()
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def verify(text: str, *, now: float = NOW, keys: Any = (KEY,)) -> Grant:
    return JsonScheme().verify(Claim({"data": [text]}), keys, now)


def refusal(text: str, **options: Any) -> Reason:
    with pytest.raises(RefusedError) as caught:
        verify(text, **options)
    return caught.value.reason


@pytest.mark.parametrize("change", [lambda text: text, lambda text: "".join(text.split()).replace("+", " ")])
def test_the_original_s_own_example(change: Any) -> None:
    """As it is printed, and as a form that was not escaped delivers it."""
    grant = verify(change(PRINTED), now=1446323764)
    assert (grant.source, grant.user) == ("json", "test")
    assert [row.name for row in grant.connections] == ["My Connection", "My OTHER Connection"]
    assert grant.connections[1].protocol == "rdp"
    assert grant.connections[1].parameters["hostname"] == "10.10.209.64"
    assert refusal(change(PRINTED), now=1446323765) is Reason.EXPIRED


@pytest.mark.real
def test_what_openssl_makes(tmp_path: Path) -> None:
    """The reference way: two commands of openssl, no code of ours or of anybody's library."""
    openssl = processes.require("openssl")
    file = tmp_path / "user.json"
    file.write_text(json.dumps(USER))
    signature = subprocess.run(
        [openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{SECRET.hex()}", "-binary", file],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    sealed = subprocess.run(
        [openssl, "enc", "-aes-128-cbc", "-K", SECRET.hex(), "-iv", "0" * 32, "-nosalt", "-a"],
        input=signature + file.read_bytes(), capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert verify(sealed.decode()).user == "alice"


def test_an_ordinary_user() -> None:
    grant = verify(seal(USER))
    (connection,) = grant.connections
    assert (connection.identifier, connection.protocol, connection.parameters) == (
        "My Shell",
        "ssh",
        SSH["parameters"],
    )
    assert grant.nonce
    assert grant.nonce_expires == NOW + 60


def test_nobody_in_particular_and_nothing_to_open() -> None:
    grant = verify(seal({"username": "", "expires": str(int(NOW * 1000) + 1), "connections": {}}))
    assert (grant.user, grant.connections) == ("", ())


@pytest.mark.parametrize(
    ("reusable", "single_use", "once"),
    [(False, False, True), (False, True, True), (True, False, False), (True, True, True)],
)
def test_how_often_it_may_be_redeemed(reusable: bool, single_use: bool, once: bool) -> None:
    grant = verify(seal({**USER, "singleUse": single_use}), keys=[Key("k", SECRET, reusable=reusable)])
    assert bool(grant.nonce) is once


def test_one_of_several_keys() -> None:
    other = Key("other", bytes(16))
    assert verify(seal(USER), keys=[other, KEY]).key_id == "k"
    assert refusal(seal(USER), keys=[other]) is Reason.BAD_SIGNATURE
    assert refusal(seal(USER), keys=[]) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "====", "\u20ac", seal(USER)[:-4], base64.b64encode(bytes(16)).decode(), base64.b64encode(bytes(160)).decode(),
        base64.b64encode(bytes(15)).decode(), seal(USER, signing=bytes(16)), seal(USER, secret=bytes(16)), seal(USER)[24:],
    ],
)  # fmt: skip
def test_what_is_not_sealed_with_our_key(text: str) -> None:
    assert refusal(text) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "user",
    [
        b"", b"[]", b"{", b"\xff", b"[" * 30000,
        {"username": "alice", "connections": {}},
        *({**USER, "expires": value} for value in (None, "soon", True, -1, 1e30, [], "")),
        *({**USER, "username": value} for value in (1, None, "a\nb", "x" * 256)),
        *({**USER, "connections": value} for value in ([], "x", {str(n): SSH for n in range(51)})),
        *({**USER, "connections": {"c": value}} for value in (None, [], {}, {"protocol": 1})),
        {**USER, "connections": {"c": {"protocol": "ssh", "parameters": {}}}},
        {**USER, "connections": {"c": {"protocol": "ssh", "parameters": {"hostname": 1}}}},
        {**USER, "connections": {"c": {"protocol": "ssh", "parameters": {"hostname": "x" * 8193}}}},
        {**USER, "connections": {"": SSH}}, {**USER, "connections": {"a\nb": SSH}}, {**USER, "connections": {"x" * 256: SSH}},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_is_sealed_but_no_user(user: Any) -> None:
    assert refusal(seal(user)) is Reason.OUTSIDE_PROFILE


def test_sizes() -> None:
    with pytest.raises(MalformedError):
        verify("x" * 70000)


@given(st.binary(max_size=200))
def test_garbage(data: bytes) -> None:
    with pytest.raises(RefusedError):
        verify(base64.b64encode(data).decode())


# -- through the door ------------------------------------------------------------------------------------------------


async def test_an_existing_deployment(serve: Any) -> None:
    """`json-secret-key` of its guacamole.properties, and the original's way to post."""
    async with serve(json_secret_key=SECRET.hex(), json_trusted_networks="127.0.0.0/8") as broker:
        body = f"data={quote(seal(USER))}"
        answer = await broker.post_form(body)
        assert (await answer.json())["dataSource"] == "json"
        token = (await answer.json())["authToken"]
        path = "/guacamole/api/session/data/json/connections/My%20Shell"
        answer = await broker.client.get(path, params={"token": token})
        assert (await answer.json())["protocol"] == "ssh"
        assert await broker.refused(body) == "replayed"


@pytest.mark.parametrize(
    ("connection", "reason"),
    [
        ({"protocol": "rdp", "parameters": {"hostname": "10.1.2.3"}}, "parameter-not-allowed"),
        ({"protocol": "ssh", "parameters": {"hostname": "127.0.0.1"}}, "target-not-allowed"),
        ({"protocol": "vnc", "parameters": {"hostname": "10.1.2.3"}}, "target-not-allowed"),
        (
            {"protocol": "ssh", "parameters": {"hostname": "10.1.2.3", "recording-path": "/x"}},
            "parameter-not-allowed",
        ),
    ],
)
async def test_limits_hold_here_too(serve: Any, connection: dict[str, Any], reason: str) -> None:
    async with serve(json_secret_key=SECRET.hex()) as broker:
        sealed = seal({**USER, "connections": {"c": connection}})
        assert await broker.refused(f"data={quote(sealed)}") == reason


async def test_from_another_network(serve: Any) -> None:
    async with serve(json_secret_key=SECRET.hex(), json_trusted_networks="192.0.2.0/24") as broker:
        assert await broker.refused(f"data={quote(seal(USER))}") == "source-not-allowed"


async def test_without_a_key_of_its_own(broker: Broker) -> None:
    assert await broker.refused(f"data={quote(seal(USER))}") == "unknown-key"


# -- joining ---------------------------------------------------------------------------------------------------------

HOST = {"hostname": "10.1.2.3", "port": "22"}


@pytest.mark.parametrize(
    "row",
    [
        {"join": 1},
        {"join": ""},
        {"join": "x" * 256},
        {"join": "a\nb"},
        {"protocol": "ssh", "id": ["x"], "parameters": HOST},
        {"id": "x"},
    ],
)
def test_names_for_joining_that_are_none(row: dict[str, Any]) -> None:
    assert refusal(seal({**USER, "connections": {"a": row}})) is Reason.OUTSIDE_PROFILE


async def test_one_person_joins_what_another_has_open(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name that the platform gave it; parameters are the joiner's own."""

    async def token(broker: Any, name: str, row: dict[str, Any]) -> str:
        user = {"username": name, "expires": (NOW + 60) * 1000, "connections": {"it": row}}
        return (await (await broker.post_form(f"data={quote(seal(user))}")).json())["authToken"]

    async with (
        Guacd(("hostname", "port", "read-only")) as daemon,
        serve(daemon, json_secret_key=SECRET.hex()) as broker,
    ):
        hers = await token(broker, "alice", {"protocol": "ssh", "id": "lesson-7", "parameters": HOST})
        his = await token(broker, "bob", {"join": "lesson-7", "parameters": {"read-only": "true"}})
        wrong = await token(broker, "eve", {"join": "lesson-8"})
        newer = await token(broker, "carol", {"protocol": "ssh", "id": "lesson-9", "parameters": HOST})

        def open_tunnel(token: str) -> Any:
            query = {**broker.tunnel_query(token, "it"), "GUAC_DATA_SOURCE": "json"}
            return broker.client.ws_connect("/guacamole/websocket-tunnel", params=query)

        async with open_tunnel(his) as early:
            assert "session: The session to join is not running." in await early.receive_str()
            assert (await early.receive()).extra == "516"
        async with open_tunnel(hers) as first:
            await first.receive_str()
            alice = await daemon.accepted()
            async with open_tunnel(his) as second, open_tunnel(wrong) as third:
                assert "session: The session to join is not running." in await third.receive_str()
                assert (await third.receive()).extra == "516"
                await second.receive_str()
                bob = await daemon.accepted()
                assert (bob.selected, bob.parameters["read-only"]) == (alice.connection_id, "true")
            for _ in range(3):  # she is still there after two minutes, among newer ones
                broker.clock.now += 40
                await broker.parts.gateway.look_after()
            monkeypatch.setattr("broker.records.MAX_LISTED", 1)
            async with open_tunnel(newer) as other, open_tunnel(his) as again:
                await other.receive_str()
                await again.receive_str()
        await broker.idle()
        assert await broker.parts.store.newest(Kind.PUBLIC, 10) == {}
