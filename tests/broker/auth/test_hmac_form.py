"""Signed forms: the sheet's vectors, and the profile that gives a message one meaning."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.auth.base import Claim, Grant, Key, MalformedError, Reason, RefusedError
from broker.auth.form import parse_form
from broker.auth.hmac_form import V0, V1, HmacForm, Rules

NOW = 1489181545.018
KEY = Key("so", b"so-secret")
SSH = {
    "timestamp": "1489181545018",
    "guac.protocol": "ssh",
    "guac.hostname": "10.1.2.3",
    "guac.port": "22",
    "guac.username": "alice",
    "guac.password": "",
    "id": "abc",
}
VNC = {**SSH, "guac.protocol": "vnc", "guac.port": "5905", "guac.password": "display"}
SIGNED = ("timestamp", "guac.protocol", "guac.hostname", "guac.port", "guac.username", "guac.password")


def sign(fields: dict[str, str], secret: str = "so-secret") -> str:
    message = "".join(fields.get(name, "") for name in SIGNED)
    return base64.b64encode(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()).decode()


def claim(fields: dict[str, str], *, signature: str = "", address: str = "192.0.2.9") -> Claim:
    values = {**fields, "signature": signature or sign(fields)}
    return Claim({name: [value] for name, value in values.items()}, address)


def verify(fields: dict[str, str], *, now: float = NOW, rules: Rules = Rules(), **options: str) -> Grant:  # noqa: B008
    return HmacForm(V1, rules).verify(claim(fields, **options), [KEY], now)


def refusal(fields: dict[str, str], *, now: float = NOW, rules: Rules = Rules(), **options: str) -> Reason:  # noqa: B008
    with pytest.raises(RefusedError) as caught:
        verify(fields, now=now, rules=rules, **options)
    return caught.value.reason


# -- the sheet's vectors ---------------------------------------------------------------------------------------------

VECTORS = [
    ("V1-1", "so-secret", "1489181545018", "ssh", "10.1.2.3", "22", "alice", "", "NL8gk37OCm0mOTMINbCrK3TpwqR4Qse9o1bdi0Xm6nE="),
    ("V1-2", "so-secret", "1489181545018", "vnc", "10.1.2.3", "5905", "alice", "display", "ttHWK9rhJyMNrFqWh3wfM1tik0AoxsElc9/wdHdTuqo="),
    ("V1-3", "so-secret", "1489181545018", "ssh", "10.1.2.3", "22", "", "", "S1wUQVkOuKCL3OHmrePq7we/moE7Lj/8cNOVO9fM4OU="),
    ("V1-4", "big-secret", "1700000000003", "ssh", "192.0.2.17", "22", "zoë", "", "/m8o9hWzxOVMA+sxqOplR8ZgREzYiQ1F1jJEFiCDIPU="),
    ("V1-5", "big-secret", "1700000000000", "vnc", "192.0.2.17", "5905", "carol", "display", "NOAa/gjnQbOt9aBkEJcGaLeSkIca2YRXBhw+Ddk+AkY="),
    ("V1-6a", "so-secret", "1489181545018", "ssh", "10.1.2.3", "22", "2bob", "", "wYm9uir1id5lIKjymnTyOkAm7U4NGFN2sOQ+sckymF8="),
    ("V1-6b", "so-secret", "1489181545018", "ssh", "10.1.2.32", "22", "bob", "", "wYm9uir1id5lIKjymnTyOkAm7U4NGFN2sOQ+sckymF8="),
    ("V1-7", "so-secret", "1489181545018", "ssh", "2001:db8::5", "22", "alice", "", "eg7YhVsu734yfbmUWFlMlt/0EzN62D2Qt2tSuPEUgbE="),
]  # fmt: skip
WITHIN_PROFILE = {"V1-1", "V1-2", "V1-4", "V1-5", "V1-6b"}
ANY_LETTERS = Rules(username=re.compile(r"[\w.-]{0,32}"))


@pytest.mark.parametrize("vector", VECTORS, ids=[row[0] for row in VECTORS])
def test_the_sheets_vectors(vector: tuple[str, ...]) -> None:
    """Every signature verifies, raw bodies with their `+` turned into blanks included; some are outside the profile."""
    name, secret, timestamp, protocol, host, port, user, password, signature = vector
    body = (
        f"timestamp={timestamp}&guac.port={port}&guac.username={user}&guac.password={password}"
        f"&guac.protocol={protocol}&signature={signature}&guac.hostname={host}&id=x"
    )
    received = Claim(parse_form(body.encode()), "192.0.2.9")
    scheme = HmacForm(V1, ANY_LETTERS)
    key = Key("k", secret.encode())
    if name in WITHIN_PROFILE:
        grant = scheme.verify(received, [key], int(timestamp) / 1000)
        assert (grant.user, grant.connections[0].parameters["hostname"]) == (user, host)
    else:
        with pytest.raises(RefusedError) as caught:
            scheme.verify(received, [key], int(timestamp) / 1000)
        assert caught.value.reason is Reason.OUTSIDE_PROFILE  # the signature was good


def test_the_sheets_clock_checks() -> None:
    assert verify(SSH, now=1489182145.017).user == "alice"
    assert refusal(SSH, now=1489182145.018) is Reason.EXPIRED


# -- what a grant holds ----------------------------------------------------------------------------------------------


def test_a_shell_is_granted() -> None:
    grant = verify({**SSH, "guac.color-scheme": "green-black"})
    assert (grant.source, grant.user, grant.key_id) == ("hmac", "alice", "so")
    (connection,) = grant.connections
    assert (connection.identifier, connection.protocol) == ("abc", "ssh")
    assert connection.parameters == {
        "hostname": "10.1.2.3",
        "port": "22",
        "username": "alice",
        "color-scheme": "green-black",
    }
    assert grant.nonce_expires == NOW + 600


def test_a_desktop_is_granted() -> None:
    (connection,) = verify(VNC).connections
    assert (connection.protocol, connection.parameters["password"]) == ("vnc", "display")


def test_a_link_without_id_is_called_default() -> None:
    fields = {name: value for name, value in SSH.items() if name != "id"}
    assert verify(fields).connections[0].identifier == "DEFAULT"


def test_a_link_without_protocol_has_the_default_one_and_that_is_signed() -> None:
    fields = {name: value for name, value in SSH.items() if name != "guac.protocol"}
    given = claim(fields, signature=sign(SSH))
    assert (
        HmacForm(V1, Rules(default_protocol="ssh")).verify(given, [KEY], NOW).connections[0].protocol == "ssh"
    )


def test_any_of_four_keys_may_have_signed() -> None:
    others = [Key(f"k{number}", f"other-{number}".encode()) for number in range(3)]
    assert HmacForm(V1, Rules()).verify(claim(SSH), [*others, KEY], NOW).key_id == "so"
    with pytest.raises(RefusedError):
        HmacForm(V1, Rules()).verify(claim(SSH), [*others, Key("k4", b"x"), KEY], NOW)


def test_nothing_secret_is_shown() -> None:
    grant = verify(VNC)
    shown = repr(grant) + repr(KEY) + repr(claim(VNC)) + repr(Rules())
    assert "display" not in shown
    assert "so-secret" not in shown
    assert sign(VNC) not in shown


@pytest.mark.parametrize("name", SIGNED)
def test_any_signed_value_that_was_changed_is_refused(name: str) -> None:
    changed = {**SSH, name: {"timestamp": "1489181545019"}.get(name, "x" + SSH[name])}
    assert refusal(changed, signature=sign(SSH)) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "change",
    [
        {"guac.protocol": "rdp"},
        {"guac.protocol": "SSH"},
        {"guac.port": "2222"},
        {"guac.port": "022"},
        {"guac.port": "5905"},
        {"guac.hostname": "10.1.2"},
        {"guac.hostname": "10.1.2.003"},
        {"guac.hostname": "0x0a.1.2.3"},
        {"guac.hostname": "10.1.2.256"},
        {"guac.hostname": "10.1.2.3 "},
        {"guac.hostname": "10.1.2.3\n"},
        {"guac.hostname": "host.example"},
        {"guac.hostname": "::1"},
        {"guac.hostname": "١٠.1.2.3"},
        {"guac.username": ""},
        {"guac.username": "9lives"},
        {"guac.username": "-oProxyCommand=x"},
        {"guac.username": "a" * 33},
        {"guac.username": "alice\n"},
        {"guac.username": "../alice"},
        {"guac.username": "Alice"},
        {"guac.username": "a/b"},
        {"guac.password": "secret"},
        {"timestamp": "1489181545"},
        {"timestamp": "14891815450180"},
        {"timestamp": "-148918154501"},
        {"timestamp": "١٤٨٩١٨١٥٤٥٠١٨"},
        {"id": "a b"},
        {"id": "a" * 65},
        {"id": "a\0b"},
        {"id": "<b>"},
    ],
    ids=str,
)
def test_what_is_signed_but_outside_the_profile_is_refused(change: dict[str, str]) -> None:
    assert refusal({**SSH, **change}) is Reason.OUTSIDE_PROFILE


@pytest.mark.parametrize("password", ["", "Display", "displa", "display1"])
def test_a_desktop_has_one_password(password: str) -> None:
    assert refusal({**VNC, "guac.password": password}) is Reason.OUTSIDE_PROFILE


@pytest.mark.parametrize(
    "signature",
    [
        "x",
        sign(SSH)[:-1],
        sign(SSH) + "=",
        sign(SSH) + "\n",
        sign(SSH)[:-2] + "!=",
        base64.b64encode(b"x" * 31).decode(),
        base64.b64encode(b"x" * 33).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "NL8gk37OCm0mOTMINbCrK3TpwqR4Qse9o1bdi0Xm6nF=",
    ],
)
def test_a_malformed_signature_is_no_signature(signature: str) -> None:
    assert refusal(SSH, signature=signature) is Reason.BAD_SIGNATURE


# -- strict mode -----------------------------------------------------------------------------------------------------

DIGITS_FIRST = Rules(username=re.compile(r"[a-z0-9_][a-z0-9_.-]{0,31}"), strict=True)


def test_strict_lets_names_begin_with_a_digit() -> None:
    assert verify({**SSH, "guac.username": "9lives"}, rules=DIGITS_FIRST).user == "9lives"


@pytest.mark.parametrize("user", ["2bob", "22bob"])
def test_strict_refuses_what_can_be_read_in_two_ways(user: str) -> None:
    assert refusal({**SSH, "guac.username": user}, rules=DIGITS_FIRST) is Reason.AMBIGUOUS


@given(
    st.tuples(*[st.integers(0, 255)] * 4),
    st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}", fullmatch=True),
    st.sampled_from(["ssh", "vnc"]),
)
def test_under_the_profile_a_message_has_one_reading(
    octets: tuple[int, ...], user: str, protocol: str
) -> None:
    scheme = HmacForm(V1, Rules())
    host = ".".join(map(str, octets))
    port = {"ssh": "22", "vnc": "5905"}[protocol]
    assert list(scheme._readings(protocol, host + port + user)) == [(host, user)]


def test_duplicates_of_what_is_signed_are_malformed() -> None:
    given = claim(SSH)
    parameters = {**given.parameters, "guac.hostname": ["10.1.2.3", "10.1.2.4"]}
    with pytest.raises(MalformedError):
        HmacForm(V1, Rules()).verify(Claim(parameters), [KEY], NOW)


# -- v0 --------------------------------------------------------------------------------------------------------------

V0_VECTORS = [
    ("V0-1", "secret", "1373563683000", "rdp", "10.2.3.4", "3389", "", "", "6PHOr00TnhA10Ef9I4bLqeSXKYg="),
    ("V0-2", "secret", "1377143741000", "rdp", "myserver.internal", "3389", "", "", "Iost5ouayLzpKLgx607kY1QUVwY="),
    ("V0-3", "secret", "1377143741000", "ssh", "myserver.internal", "22", "alice", "p w", "vtJbBkvnkEZNR0M4V/uDxZapBvc="),
    ("V0-4", "secret", "1700000000007", "vnc", "vnc.example.net", "5901", "zoë", "s3cret", "rqR/Ah1w6NNVNge5Qag3+5i+P3Y="),
]  # fmt: skip


@pytest.mark.parametrize("vector", V0_VECTORS, ids=[row[0] for row in V0_VECTORS])
def test_the_sheets_v0_vectors(vector: tuple[str, ...]) -> None:
    """The signatures are good; what they open is outside the profile that makes old schemes bearable."""
    _, secret, timestamp, protocol, host, port, user, password, signature = vector
    given = Claim(
        {
            "timestamp": [timestamp], "guac.protocol": [protocol], "guac.hostname": [host], "guac.port": [port],
            "guac.username": [user], "guac.password": [password], "signature": [signature.replace("+", " ")],
        }
    )  # fmt: skip
    scheme = HmacForm(V0, ANY_LETTERS)
    assert scheme.recognises(given)
    with pytest.raises(RefusedError) as caught:
        scheme.verify(given, [Key("k", secret.encode())], int(timestamp) / 1000)
    assert caught.value.reason is Reason.OUTSIDE_PROFILE
    with pytest.raises(RefusedError) as caught:
        scheme.verify(given, [Key("k", b"other")], int(timestamp) / 1000)
    assert caught.value.reason is Reason.BAD_SIGNATURE


def v0(fields: dict[str, str], **changes: str) -> Claim:
    pairs = [fields["timestamp"] + fields["guac.protocol"]]
    for name in ("username", "password", "hostname", "port"):
        value = fields.get(f"guac.{name}", "")
        pairs.append(name + value if value else "")
    signature = base64.b64encode(hmac.digest(b"so-secret", "".join(pairs).encode(), "sha1")).decode()
    return Claim({name: [value] for name, value in {**fields, "signature": signature, **changes}.items()})


@pytest.mark.parametrize("fields", [SSH, VNC], ids=["ssh", "vnc"])
def test_v0_within_the_profile(fields: dict[str, str]) -> None:
    grant = HmacForm(V0, Rules()).verify(v0({**fields, "id": "c/abc"}), [KEY], NOW)
    (connection,) = grant.connections
    assert (grant.user, connection.identifier, connection.parameters["hostname"]) == (
        "alice",
        "abc",
        "10.1.2.3",
    )


def test_v0_may_leave_the_port_out() -> None:
    fields = {name: value for name, value in SSH.items() if name != "guac.port"}
    grant = HmacForm(V0, Rules()).verify(v0(fields), [KEY], NOW)
    assert grant.connections[0].parameters["port"] == "22"


def test_v0_names_inside_values_do_not_move() -> None:
    """`xhostname6.6.6.6` is a user name to us, and not one that v1 may carry a host in."""
    fields = {**SSH, "guac.username": "xhostname6.6.6.6port22"}
    signed = v0(fields)
    grant = HmacForm(V0, Rules()).verify(signed, [KEY], NOW)
    assert grant.connections[0].parameters["hostname"] == "10.1.2.3"
    moved = {
        **fields,
        "guac.username": "x",
        "guac.hostname": "6.6.6.6",
        "guac.port": "22hostname10.1.2.3port22",
    }
    given = Claim(
        {**{name: [value] for name, value in moved.items()}, "signature": signed.parameters["signature"]}
    )
    with pytest.raises(RefusedError) as caught:
        HmacForm(V0, Rules()).verify(given, [KEY], NOW)
    assert caught.value.reason is Reason.OUTSIDE_PROFILE


def test_the_length_of_a_signature_tells_the_variants_apart() -> None:
    assert HmacForm(V0, Rules()).recognises(v0(SSH))
    assert not HmacForm(V0, Rules()).recognises(claim(SSH))
    assert HmacForm(V1, Rules()).recognises(claim(SSH))
