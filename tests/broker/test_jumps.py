"""The operator's book of gateways: who passes which, and what the daemon is told."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from broker.jumps import Jumps, JumpsError
from broker.links import Signer
from proxyd.wire.route import parse_hosts
from proxyd.wire.status import StatusError
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from pathlib import Path

BOOK = """
[outer]
address = "198.51.100.1"

[corp]
address = "gw.inside"
port = 2222
user = "svc"
host-key = ["ssh-ed25519 AAAAC3", "ssh-rsa AAAAB3"]
host-key-alias = "corp-gateway"
via = "outer"
targets = ["10.20.0.0/16", "*.lab.example.org", "waldo"]
idle = 600
longest = 3600

[lab]
address = "gw.lab"
network = "lab-net"
targets = ["10.30.0.0/16"]
"""


@pytest.fixture
def book(tmp_path: Path) -> Jumps:
    file = tmp_path / "gateways.toml"
    file.write_text(BOOK)
    return Jumps(file)


@pytest.mark.parametrize(
    ("given", "gateway"),
    [
        ({"hostname": "10.20.3.4"}, "corp"),
        ({"hostname": "Box.LAB.example.org"}, "corp"),
        ({"hostname": "waldo"}, "corp"),
        ({"hostname": "10.30.0.1"}, "lab"),
        ({"hostname": "10.40.0.1"}, None),
        ({"hostname": "10.20.3.4", "jump-hosts": "outer"}, "outer"),
        ({"hostname": "10.20.3.4", "jump-hosts": "none"}, None),
        ({"hostname": "10.20.3.4", "jump-hosts": " "}, None),
        ({"hostname": "10.20.3.4", "network": "other"}, None),
        ({"hostname": "10.40.0.1", "gateway-owner": "mallory"}, None),
    ],
)
def test_the_instance_decides_where_the_link_does_not(
    book: Jumps, given: dict[str, str], gateway: str | None
) -> None:
    found = book.routed(given)
    assert found.get("jump-hosts") == gateway
    assert "gateway-owner" not in found


def test_the_daemon_is_told_the_whole_chain(book: Jumps) -> None:
    given = {"jump-hosts": "alice@corp,b@leaf:23", "gateway-owner": "mallory", "gw-max": "60"}
    told = book.completed(given, "alice#1", {"GUAC_USERNAME": 'al"ice'})
    assert (told["gateway-owner"], told["gw-idle"], told["gw-max"]) == ("alice#1", "600", "60")
    outer, corp, leaf = parse_hosts(told["jump-hosts"])
    assert (outer.alias, outer.address, outer.user) == ("outer", "198.51.100.1", 'al"ice')
    assert (corp.address, corp.port, corp.user) == ("gw.inside", 2222, "alice")
    assert (corp.host_key_alias, corp.host_key.count("\n")) == ("corp-gateway", 1)
    assert (leaf.address, leaf.port, leaf.user) == ("leaf", 23, "b")


def test_a_gateway_inside_a_private_network_is_reached_by_its_connector(book: Jumps) -> None:
    told = book.completed({"jump-hosts": "lab"}, "alice#1", {})
    assert told["network"] == "lab-net"
    assert parse_hosts(told["jump-hosts"])[0].user == ""


def test_nothing_is_told_where_nothing_is_in_between(book: Jumps) -> None:
    assert book.completed({"hostname": "h"}, "alice#1", {}) == {"hostname": "h"}


def test_a_chain_that_comes_back_is_refused(book: Jumps) -> None:
    with pytest.raises(StatusError, match="twice"):
        book.completed({"jump-hosts": "corp,outer"}, "alice#1", {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[a]\naddress = "a"\nvia = "b"\n[b]\naddress = "b"\nvia = "a"', "comes back to itself"),
        ('[a]\naddress = "a"\nvia = "b"', "there is no b"),
        ("[a]\nport = 22", "address: Field required"),
        ('[a]\naddress = "a"\nport = 0', "port: "),
        ('[a]\naddress = "a"\npassword = "x"', "password: Extra"),
        ("a = [", "is no TOML"),
    ],
)
def test_a_broken_book_is_refused_and_the_old_one_stays(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "gateways.toml"
    file.write_text(BOOK)
    book = Jumps(file)
    file.write_text(text)
    with pytest.raises(JumpsError) as caught:
        book.reload()
    assert sentence in str(caught.value)
    assert len(book) == 3


def test_a_missing_book_is_named(tmp_path: Path) -> None:
    with pytest.raises(JumpsError, match=r"gateways: .*absent.toml cannot be read"):
        Jumps(tmp_path / "absent.toml")


def test_a_key_that_is_gone_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gateways.toml"
    file.write_text(f'[a]\naddress = "a"\nkey = "{tmp_path}/absent"')
    with pytest.raises(JumpsError, match="absent cannot be read"):
        Jumps(file).completed({"jump-hosts": "a"}, "alice#1", {})


SECRET = bytes(range(32))
ORIGIN = "https://desk.example"


class Links:
    """A portal with a key that may say how instances are reached."""

    def __init__(self, tmp_path: Path, limits: str = "") -> None:
        self.ring = tmp_path / "ring.toml"
        secret = base64.b64encode(SECRET).decode()
        parameters = '["jump-hosts", "network", "gateway-owner", "gw-max"]'
        self.ring.write_text(
            f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\nparameters = {parameters}\n{limits}'
        )
        self.book = tmp_path / "gateways.toml"
        self.book.write_text(BOOK)

    @property
    def settings(self) -> dict[str, Any]:
        return {"key_ring": self.ring, "public_origin": ORIGIN, "gateways": self.book}

    def body(self, clock: Any, host: str, **parameters: str) -> str:
        signer = Signer(f"{ORIGIN}/guacamole/", "portal", SECRET, clock=clock)
        cnx = {name.replace("_", "-"): value for name, value in parameters.items()}
        return "jwt=" + signer.token("ssh", host, "alice", cnx)


async def test_a_link_opens_what_is_behind_a_gateway_without_asking_what_names_mean_here(
    serve: Any, tmp_path: Path
) -> None:
    links = Links(tmp_path)
    async with Guacd() as daemon, serve(daemon, **links.settings) as broker:
        answer = await broker.post_form(links.body(broker.clock, "waldo", gateway_owner="mallory"))
        assert answer.status == 200
        session = await broker.parts.sessions.find((await answer.json())["authToken"])
        (connection,) = session.connections.values()
        assert connection.parameters["jump-hosts"] == "corp"
        assert connection.parameters["hostname"] == "waldo"
        assert "gateway-owner" not in connection.parameters


@pytest.mark.parametrize(
    ("parameters", "limits", "reason"),
    [
        ({"jump_hosts": "127.0.0.1"}, "", "target-not-allowed"),
        ({"jump_hosts": "198.51.100.7:80"}, "", "target-not-allowed"),
        ({"jump_hosts": "a,b,a"}, "", "outside-profile"),
        ({"jump_hosts": "unheard-of.invalid"}, "", "target-not-allowed"),
        ({"jump_hosts": "corp"}, 'targets = "10.99.0.0/16:22"', "target-not-allowed"),
    ],
)
async def test_what_a_link_may_not_name(
    serve: Any, tmp_path: Path, parameters: dict[str, str], limits: str, reason: str
) -> None:
    links = Links(tmp_path, limits)
    async with serve(None, **links.settings) as broker:
        assert await broker.refused(links.body(broker.clock, "10.20.0.5", **parameters)) == reason


async def test_the_first_jump_host_is_checked_and_dialled_by_the_address_that_was(
    serve: Any, tmp_path: Path
) -> None:
    links = Links(tmp_path)
    async with serve(None, **links.settings) as broker:
        text = json.dumps([{"alias": "own", "address": "198.51.100.7", "user": "u"}])
        answer = await broker.post_form(links.body(broker.clock, "inner", jump_hosts=text))
        session = await broker.parts.sessions.find((await answer.json())["authToken"])
        (connection,) = session.connections.values()
        (host,) = parse_hosts(connection.parameters["jump-hosts"])
        assert (host.alias, host.address, host.user, host.host_key_alias) == (
            "own", "198.51.100.7", "u", "198.51.100.7",
        )  # fmt: skip
