"""Minting v1 links: the published vectors, and that the broker's own scheme accepts what we sign."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from broker.auth.base import Claim, Key
from broker.auth.hmac_form import V1, HmacForm, Rules
from broker.auth.jwt import JwtRules, JwtScheme
from broker.cli.outcome import Exit
from broker.cli.portal import Request, client_url, v1_form

VECTORS = [
    (
        "so-secret", 1489181545018, ("ssh", "10.1.2.3", 22, "alice", ""),
        "NL8gk37OCm0mOTMINbCrK3TpwqR4Qse9o1bdi0Xm6nE=",
    ),
    (
        "so-secret", 1489181545018, ("vnc", "10.1.2.3", 5905, "alice", "display"),
        "ttHWK9rhJyMNrFqWh3wfM1tik0AoxsElc9/wdHdTuqo=",
    ),
    (
        "so-secret", 1489181545018, ("ssh", "10.1.2.3", 22, "", ""),
        "S1wUQVkOuKCL3OHmrePq7we/moE7Lj/8cNOVO9fM4OU=",
    ),
    (
        "big-secret", 1700000000003, ("ssh", "192.0.2.17", 22, "zoë", ""),
        "/m8o9hWzxOVMA+sxqOplR8ZgREzYiQ1F1jJEFiCDIPU=",
    ),
    (
        "big-secret", 1700000000000, ("vnc", "192.0.2.17", 5905, "carol", "display"),
        "NOAa/gjnQbOt9aBkEJcGaLeSkIca2YRXBhw+Ddk+AkY=",
    ),
    (
        "so-secret", 1489181545018, ("ssh", "2001:db8::5", 22, "alice", ""),
        "eg7YhVsu734yfbmUWFlMlt/0EzN62D2Qt2tSuPEUgbE=",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("secret", "timestamp", "values", "signature"), VECTORS)
def test_signatures_are_the_published_ones(
    secret: str, timestamp: int, values: tuple[str, str, int, str, str], signature: str
) -> None:
    form = v1_form(Request(*values), secret, timestamp)
    assert form["signature"] == signature
    assert form["timestamp"] == str(timestamp)


def test_a_client_url_names_the_connection_as_the_page_reads_it() -> None:
    url = client_url("https://desk.example.net/guacamole/", "3f2c1a5e-9b7d-4e60-8a11-0c5d2f7b9e34", "ABC")
    start, _, rest = url.partition("/#/client/")
    identifier, _, query = rest.partition("?")
    assert start == "https://desk.example.net/guacamole"
    assert query == "token=ABC"
    padded = identifier + "=" * (-len(identifier) % 4)
    assert base64.urlsafe_b64decode(padded) == b"3f2c1a5e-9b7d-4e60-8a11-0c5d2f7b9e34\0c\0hmac"


def test_the_command_prints_a_form_that_the_scheme_accepts(fanlight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_SECRET_KEY", "so-secret")
    shown = fanlight(
        "sign", "10.1.2.3", "--user", "alice", "--protocol", "vnc", "-p", "enable-sftp=true", "--form"
    )
    assert shown.code == 0
    parameters = parse_qs(shown.output.strip(), keep_blank_values=True)
    claim = Claim(parameters, "192.0.2.1")
    now = int(parameters["timestamp"][0]) / 1000
    grant = HmacForm(V1, Rules()).verify(claim, [Key("main", b"so-secret")], now)
    assert grant.user == "alice"
    assert grant.connections[0].parameters["enable-sftp"] == "true"
    assert "so-secret" not in shown.output


@pytest.mark.parametrize(
    ("arguments", "secret", "said"),
    [
        ((), "", "secret-key is not set"),
        (("--protocol", "rdp"), "x", "choose ssh or vnc"),
        (("-p", "nothing"), "x", "NAME=VALUE"),
    ],
)
def test_what_cannot_be_signed_is_said(
    fanlight, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], secret: str, said: str
) -> None:
    monkeypatch.setenv("FANLIGHT_SECRET_KEY", secret)
    outcome = fanlight("sign", "10.1.2.3", "--user", "alice", *arguments)
    assert outcome.code == Exit.USAGE
    assert said in outcome.errors


def test_a_broker_that_does_not_answer_is_said(
    fanlight, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("FANLIGHT_SECRET_KEY", "so-secret")
    outcome = fanlight(
        "sign", "10.1.2.3", "--user", "alice", "--url", f"http://127.0.0.1:{unused_tcp_port}/guacamole"
    )
    assert outcome.code == Exit.FAILED
    assert "does not answer" in outcome.errors
    assert outcome.errors.count("\n") == 1


def test_a_broker_on_a_unix_socket_needs_its_address(fanlight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_SECRET_KEY", "so-secret")
    monkeypatch.setenv("FANLIGHT_BIND", "unix:/run/broker.sock")
    outcome = fanlight("sign", "10.1.2.3", "--user", "alice")
    assert (outcome.code, "--url" in outcome.errors) == (Exit.USAGE, True)


RING = """
["portal"]
secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
schemes = ["jwt"]

["ended"]
secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
schemes = ["jwt"]
not-after = 2020-01-01T00:00:00Z

["old"]
secret-text = "so-secret"
schemes = ["v1"]
"""


@pytest.fixture
def ring(fanlight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(RING)
    (tmp_path / "keys.toml").chmod(0o600)
    monkeypatch.setenv("FANLIGHT_KEY_RING", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("FANLIGHT_PUBLIC_ORIGIN", "https://desk.example.org")


@pytest.mark.usefixtures("ring")
def test_a_token_signed_with_a_key_of_the_ring_is_accepted_by_the_scheme(fanlight) -> None:
    arguments = ("sign", "10.1.2.3", "--user", "alice", "--key", "portal", "-p", "color-scheme=green-black")
    link = fanlight(*arguments).output.strip()
    start, _, token = link.partition("?jwt=")
    assert start == "https://desk.example.org/guacamole/connect"
    scheme = JwtScheme(JwtRules("https://desk.example.org"))
    key = Key("portal", bytes(range(32)))
    grant = scheme.verify(Claim({"jwt": [token]}, "192.0.2.1"), [key], time.time())
    assert grant.user == "alice"
    assert grant.connections[0].parameters["color-scheme"] == "green-black"
    assert grant.connections[0].parameters["port"] == "22"
    assert set(fanlight(*arguments, "--form", "--json").json["form"]) == {"jwt"}


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--key", "nobody"), "no key of that name"),
        (("--key", "old"), "no key of that name for jwt"),
        (("--key", "ended"), "not good at this time"),
        (("--key", "portal", "--url", "http://x/"), "public-origin"),
    ],
)
def test_a_key_that_cannot_sign_is_said(fanlight, arguments: tuple[str, ...], said: str) -> None:
    outcome = fanlight("sign", "10.1.2.3", "--user", "alice", *arguments)
    assert outcome.code == Exit.USAGE
    assert said in outcome.errors


@pytest.mark.usefixtures("ring")
def test_a_link_to_the_operator_s_page(fanlight, tmp_path: Path) -> None:
    refused = fanlight("operator", "--user", "olga", "--key", "portal")
    assert (refused.code, "cannot make operators" in refused.errors) == (Exit.USAGE, True)
    ring = tmp_path / "keys.toml"
    ring.write_text(ring.read_text().replace('schemes = ["jwt"]', 'schemes = ["jwt"]\noperator = true', 1))
    start, _, token = (
        fanlight("operator", "--user", "olga", "--key", "portal").output.strip().partition("?jwt=")
    )
    assert start == "https://desk.example.org/guacamole/connect"
    scheme = JwtScheme(JwtRules("https://desk.example.org"))
    grant = scheme.verify(Claim({"jwt": [token]}, ""), [Key("portal", bytes(range(32)))], time.time())
    assert (grant.operator, grant.user, grant.connections) == (True, "olga", ())
