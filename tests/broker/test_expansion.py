"""Tokens in the values of parameters: what they become, and what they must not."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from broker.expansion import expanded, values
from broker.links import Signer
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = values("Zoë/../x", "192.0.2.7", 1_700_000_000.0, "7k2a")


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("nothing", "nothing"),
        ("${GUAC_USERNAME} here", "Zoë/../x here"),
        ("${GUAC_CLIENT_ADDRESS}:LOWER", "192.0.2.7:LOWER"),
        ("$${GUAC_USERNAME}", "${GUAC_USERNAME}"),
        ("$$${GUAC_USERNAME}", "$${GUAC_USERNAME}"),
        ("${GUAC_USERNAME:UPPER}", "ZOË/../X"),
        ("${GUAC_USERNAME:LOWER}", "zoë/../x"),
        ("${GUAC_PASSWORD}", "${GUAC_PASSWORD}"),
        ("a${GUAC_PASSWORD:OPTIONAL}b", "ab"),
        ("${GUAC_USERNAME:SIDEWAYS}", "${GUAC_USERNAME:SIDEWAYS}"),
        ("${", "${"),
        ("${}", "${}"),
        ("${${GUAC_USERNAME}}", "${Zoë/../x}"),
        ("${HISTORY_UUID}", "7k2a"),
    ],
)
def test_values(value: str, becomes: str) -> None:
    assert expanded({"command": value}, KNOWN) == {"command": becomes}


def test_dates_and_times_have_their_form() -> None:
    found = expanded({"a": "${GUAC_DATE}", "b": "${GUAC_TIME}"}, KNOWN)
    assert (len(found["a"]), len(found["b"])) == (8, 6)
    assert (found["a"] + found["b"]).isdigit()


@pytest.mark.parametrize("name", ["recording-name", "typescript-path", "sftp-directory"])
def test_a_user_name_does_not_lead_out_of_a_folder(name: str) -> None:
    assert expanded({name: "/rec/${GUAC_USERNAME}"}, KNOWN) == {name: "/rec/Zoë_.._x"}
    assert expanded({name: "/rec/${GUAC_USERNAME}"}, values("..", "", 0, "")) == {name: "/rec/_"}


def test_what_is_filled_in_is_not_read_again() -> None:
    known = values("${GUAC_CLIENT_ADDRESS}", "192.0.2.7", 0, "")
    assert expanded({"command": "${GUAC_USERNAME}"}, known) == {"command": "${GUAC_CLIENT_ADDRESS}"}


async def test_a_connection_is_opened_with_them(serve: Any, tmp_path: Path) -> None:
    """Forced parameters of a key included."""
    ring = tmp_path / "ring.toml"
    secret = base64.b64encode(bytes(range(32))).decode()
    ring.write_text(
        f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\n'
        'params-forced = { recording-name = "${GUAC_USERNAME}-${HISTORY_UUID}" }\n'
    )
    origin = "https://desk.example"
    async with (
        Guacd(parameters=("hostname", "recording-name")) as daemon,
        serve(daemon, key_ring=ring, public_origin=origin) as broker,
    ):
        signer = Signer(f"{origin}/guacamole/", "portal", bytes(range(32)), clock=broker.clock)
        answer = await broker.post_form(f"jwt={signer.token('ssh', '10.1.2.3', 'alice', id='abc')}")
        query = {**broker.tunnel_query((await answer.json())["authToken"]), "GUAC_DATA_SOURCE": "jwt"}
        async with broker.client.ws_connect("/guacamole/websocket-tunnel", params=query) as socket:
            await socket.receive_str()
            (tunnel,) = broker.parts.sessions.tunnels()
            peer = await daemon.accepted()
            assert peer.parameters["recording-name"] == f"alice-{tunnel.identifier}"
