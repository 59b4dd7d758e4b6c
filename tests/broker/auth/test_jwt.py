"""Our own signed request: what a token must say, and everything that is refused."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from broker.auth.base import Claim, Grant, Key, MalformedError, Reason, RefusedError
from broker.auth.jwt import JwtRules, JwtScheme
from broker.links import Signer

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.0
SECRET = bytes(range(32))
KEY = Key("portal-2024a", SECRET)
PAIR = ed25519.Ed25519PrivateKey.generate()
PAIR_PEM = PAIR.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PAIR_KEY = Key("pair", public_key=PAIR_PEM)
RULES = JwtRules("https://desk.example.net")
SIGNER = Signer("https://desk.example.net/guacamole", "portal-2024a", SECRET, 60, lambda: NOW)


def b64(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(**claims: Any) -> str:
    return SIGNER.token("ssh", "10.1.2.3", "alice", **claims)


def verify(text: str, keys: Any = (KEY, PAIR_KEY), now: float = NOW, rules: JwtRules = RULES) -> Grant:
    return JwtScheme(rules).verify(Claim({"jwt": [text]}), keys, now)


def refusal(text: str, **options: Any) -> Reason:
    with pytest.raises(RefusedError) as caught:
        verify(text, **options)
    assert caught.value.detail.isprintable()
    return caught.value.reason


def by_pair(header: dict[str, Any], claims: dict[str, Any]) -> str:
    signed = f"{b64(header)}.{b64(claims)}"
    return f"{signed}.{b64(PAIR.sign(signed.encode()))}"


def claims_of(text: str) -> dict[str, Any]:
    payload = text.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_what_our_helper_signs_is_granted() -> None:
    text = SIGNER.token(
        "vnc", "10.1.2.3", "zo\u00eb", {"password": "a&b=c+d", "color-depth": "16"}, id="abc", name="Desk"
    )
    grant = verify(text)
    assert (grant.source, grant.user, grant.key_id, grant.subject) == ("jwt", "zo\u00eb", "portal-2024a", "")
    (connection,) = grant.connections
    assert (connection.identifier, connection.name, connection.protocol) == ("abc", "Desk", "vnc")
    assert connection.parameters == {
        "hostname": "10.1.2.3",
        "port": "5905",
        "username": "zo\u00eb",
        "password": "a&b=c+d",
        "color-depth": "16",
    }
    assert grant.nonce_expires == NOW + 60 + 30
    assert "a&b=c+d" not in repr(grant)


def test_a_key_pair_signs_too() -> None:
    header = {"alg": "EdDSA", "typ": "guac-connect+jwt", "kid": "pair"}
    claims = {**claims_of(token()), "iss": "pair"}
    assert verify(by_pair(header, claims)).key_id == "pair"


def test_a_link_is_the_token_in_an_address() -> None:
    link = SIGNER.link("ssh", "10.1.2.3", "alice")
    assert link.startswith("https://desk.example.net/guacamole/connect?jwt=ey")


def test_the_subject_is_for_the_log() -> None:
    grant = verify(token(sub="https://orcid.org/0000-0001"))
    assert (grant.user, grant.subject) == ("alice", "https://orcid.org/0000-0001")


def test_without_a_user_name_the_subject_is_who_it_is() -> None:
    grant = verify(token(cnx={"protocol": "ssh", "hostname": "10.1.2.3"}, sub="alice"))
    assert grant.user == "alice"


def test_names_may_have_their_prefix() -> None:
    grant = verify(token(cnx={"guac.protocol": "ssh", "guac.hostname": "10.1.2.3", "guac.username": "alice"}))
    assert grant.connections[0].parameters["hostname"] == "10.1.2.3"


def test_several_audiences() -> None:
    assert verify(token(aud=["https://other.example", "https://desk.example.net"]))


def test_an_operator_needs_no_connection() -> None:
    grant = verify(token(role="operator", cnx={}, sub="olga"))
    assert (grant.operator, grant.connections, grant.user) == (True, (), "olga")


# -- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (-31, Reason.NOT_YET_VALID),
        (-30, None),
        (0, None),
        (89, None),
        (90, Reason.EXPIRED),
        (1e6, Reason.EXPIRED),
    ],
)
def test_time(offset: float, reason: Reason | None) -> None:
    if reason is None:
        assert verify(token(), now=NOW + offset)
    else:
        assert refusal(token(), now=NOW + offset) is reason


# -- what is refused -------------------------------------------------------------------------------------------------

CLAIMS: list[tuple[dict[str, Any], Reason]] = [
    ({"aud": "https://other.example"}, Reason.WRONG_AUDIENCE),
    ({"aud": "https://desk.example.net/"}, Reason.WRONG_AUDIENCE),
    ({"aud": None}, Reason.WRONG_AUDIENCE),
    ({"aud": []}, Reason.WRONG_AUDIENCE),
    ({"aud": {"https://desk.example.net": 1}}, Reason.WRONG_AUDIENCE),
    ({"iss": "other"}, Reason.OUTSIDE_PROFILE),
    ({"exp": NOW + 3600}, Reason.OUTSIDE_PROFILE),
    *(({name: value}, Reason.OUTSIDE_PROFILE) for name in ("iat", "exp") for value in (None, "1700000000", True, -1, 1e300, [])),
    *(({"jti": value}, Reason.OUTSIDE_PROFILE) for value in ("", "short", None, 1, "x" * 129, "a b" * 8)),
    *(({"id": value}, Reason.OUTSIDE_PROFILE) for value in ("a b", 1, "<b>", "x" * 65, None)),
    *(
        ({"cnx": value}, Reason.OUTSIDE_PROFILE)
        for value in (
            [], "x", None, {}, {"protocol": "ssh"}, {"hostname": ""}, {"hostname": 1, "protocol": "ssh"},
            {"hostname": "a", "protocol": "ssh", "Weird Name": "x"}, {"hostname": "a", "guac.hostname": "b"},
            {"hostname": "a", "protocol": "ssh", "username": "a\nb"}, {"hostname": "a", "username": "x" * 300},
            {"hostname": "x" * 8193}, {f"p{number}": "x" for number in range(65)},
        )
    ),
    ({"sub": 1}, Reason.OUTSIDE_PROFILE),
    ({"sub": "", "cnx": {"hostname": "a", "protocol": "ssh"}}, Reason.OUTSIDE_PROFILE),
]  # fmt: skip


@pytest.mark.parametrize(("claims", "reason"), CLAIMS, ids=lambda value: str(value)[:50])
def test_claims_that_are_refused(claims: dict[str, Any], reason: Reason) -> None:
    assert refusal(token(**claims)) is reason


def test_without_an_origin_of_our_own_nothing_is_granted() -> None:
    assert refusal(token(), rules=JwtRules("")) is Reason.WRONG_AUDIENCE
    assert refusal(token(aud=""), rules=JwtRules("")) is Reason.WRONG_AUDIENCE


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
HEADER = {"alg": "HS256", "typ": "guac-connect+jwt", "kid": "portal-2024a"}


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "..", "a.b.c", GOOD[:-4], f"{HEAD}.{BODY}", f"{HEAD}.{BODY}.", f"{HEAD}..{SIGNATURE}",
        f"{HEAD}.{b64(claims_of(GOOD) | {'sub': 'root'})}.{SIGNATURE}",
        f"{b64(HEADER | {'alg': 'none'})}.{BODY}.",
        f"{b64(HEADER | {'alg': 'HS512'})}.{BODY}.{SIGNATURE}",
        f"{b64(HEADER | {'x': 1})}.{BODY}.{SIGNATURE}",
        f"{b64(b'[]')}.{BODY}.{SIGNATURE}",
        "[" * 5000,
        by_pair({**HEADER, "alg": "EdDSA"}, claims_of(GOOD)),
    ],
)  # fmt: skip
def test_signatures_that_are_none(text: str) -> None:
    assert refusal(text) is Reason.BAD_SIGNATURE


def test_a_public_key_is_not_a_secret() -> None:
    """The classic confusion: a token signed with the text of the public key as if it were a shared secret."""
    forged = Signer("https://desk.example.net", "pair", PAIR_PEM, clock=lambda: NOW).token(
        "ssh", "10.1.2.3", "root"
    )
    assert refusal(forged) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "change", [{"typ": "JWT"}, {"typ": None}, {"crit": ["exp"]}, {"crit": []}, {"typ": "guac-connect+jwt;x"}]
)
def test_headers_that_are_refused(change: dict[str, Any]) -> None:
    import hashlib
    import hmac

    signed = f"{b64({**HEADER, **change})}.{BODY}"
    signature = b64(hmac.new(SECRET, signed.encode(), hashlib.sha256).digest())
    assert refusal(f"{signed}.{signature}") in {Reason.OUTSIDE_PROFILE, Reason.BAD_SIGNATURE}


def test_a_key_that_is_not_there() -> None:
    assert refusal(GOOD, keys=[]) is Reason.UNKNOWN_KEY
    assert refusal(GOOD, keys=[PAIR_KEY]) is Reason.UNKNOWN_KEY


def test_sizes_and_duplicates() -> None:
    with pytest.raises(MalformedError):
        verify("x" * 20000)
    with pytest.raises(MalformedError):
        JwtScheme(RULES).verify(Claim({"jwt": [GOOD, GOOD]}), [KEY], NOW)


@given(
    st.text(max_size=60)
    | st.tuples(st.binary(max_size=40), st.binary(max_size=40)).map(
        lambda two: f"{b64(two[0])}.{b64(two[1])}.x"
    )
)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        verify(text)


# -- through the door ------------------------------------------------------------------------------------------------


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    file = tmp_path / "ring.toml"
    file.write_text(f'[portal-2024a]\nsecret = "{base64.b64encode(SECRET).decode()}"\nschemes = ["jwt"]\n')
    return file


async def test_a_token_is_redeemed_once(serve: Any, ring_file: Path) -> None:
    async with serve(key_ring=ring_file, public_origin="https://desk.example.net") as broker:
        body = f"jwt={token()}"
        answer = await broker.post_form(body)
        assert answer.status == 200
        assert (await answer.json())["dataSource"] == "jwt"
        assert await broker.refused(body) == "replayed"
        assert (await broker.post_form(f"jwt={token()}")).status == 200


async def test_names_are_resolved_once_and_the_address_is_dialled(serve: Any, ring_file: Path) -> None:
    """A name that points elsewhere a moment later changes nothing."""
    answers = [["10.9.9.9"], ["127.0.0.1"], ["10.1.1.1", "169.254.169.254"], []]

    async def resolver(_: str) -> list[str]:
        return answers.pop(0)

    async with serve(key_ring=ring_file, public_origin="https://desk.example.net") as broker:
        broker.parts.door._resolve = resolver
        text = SIGNER.token("ssh", "vm.example", "alice", id="abc")
        opened = (await (await broker.post_form(f"jwt={text}")).json())["authToken"]
        session = await broker.parts.sessions.find(opened)
        assert session.connections["abc"].parameters["hostname"] == "10.9.9.9"
        for _ in range(3):
            text = SIGNER.token("ssh", "vm.example", "alice")
            assert await broker.refused(f"jwt={text}") == "target-not-allowed"


async def test_every_address_parameter_is_held_against_the_list(serve: Any, ring_file: Path) -> None:
    ring_file.write_text(ring_file.read_text() + 'parameters = ["*"]\n')
    async with serve(key_ring=ring_file, public_origin="https://desk.example.net") as broker:
        for name, port in (("sftp-hostname", "sftp-port"), ("dest-host", "dest-port")):
            for host, number in (
                ("127.0.0.1", "22"),
                ("169.254.169.254", "80"),
                ("10.1.2.3", "x"),
                ("10.1.2.3", "99999"),
            ):
                text = SIGNER.token("vnc", "10.1.2.3", "alice", {name: host, port: number})
                assert await broker.refused(f"jwt={text}") == "target-not-allowed"
