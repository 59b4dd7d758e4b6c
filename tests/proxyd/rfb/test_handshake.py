from __future__ import annotations

from struct import pack

import pytest

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import CredentialsMissed, NameChanged, SessionOpened
from proxyd.rfb.options import Options, Trust
from proxyd.rfb.security import choose
from proxyd.rfb.security.base import Credentials
from proxyd.wire.status import Hop, Status
from tests.cuts import every_cut
from tests.fakes.rfb_server import OPENING_38, new_client, server_init

OK = pack(">I", 0)
FAILED = pack(">I", 1)
CHALLENGE = bytes(range(16))
ANSWER = bytes.fromhex("62a9ec29328f3e9bc04b3976f75eb93d")


def reason(text: bytes) -> bytes:
    return pack(">I", len(text)) + text


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (b"003.003", b"003.003"),
        (b"003.005", b"003.003"),
        (b"003.006", b"003.003"),
        (b"003.007", b"003.007"),
        (b"003.008", b"003.008"),
        (b"003.889", b"003.008"),
        (b"004.000", b"003.008"),
        (b"004.001", b"003.008"),
        (b"005.000", b"003.008"),
    ],
)
def test_versions_are_answered_with_what_we_speak(offered: bytes, answered: bytes) -> None:
    client = new_client()
    client.receive(b"RFB " + offered + b"\n")
    assert client.data_to_send() == b"RFB " + answered + b"\n"


@pytest.mark.parametrize(
    "opening", [b"SSH-2.0-OpenSSH_9.2", b"HTTP/1.1 400 Bad", b"RFB 003.00x\n", b"RFB 002.002\n", bytes(12)]
)
def test_whatever_is_no_vnc_server_is_named(opening: bytes) -> None:
    with pytest.raises(RfbError, match=r"no VNC server|does not know"):
        new_client().receive(opening)


def test_an_opening_is_the_same_however_it_is_cut() -> None:
    for pieces in every_cut(OPENING_38):
        client = new_client()
        events = [event for piece in pieces for event in client.receive(piece)]
        assert events == [SessionOpened(8, 4, "None", ""), NameChanged("desk")]
        assert client.open


@pytest.mark.parametrize(
    ("version", "asked", "chosen"),
    [
        (b"RFB 003.003\n", pack(">I", 2), b""),
        (b"RFB 003.007\n", b"\x02\x02\x01", b"\x02"),
        (b"RFB 003.008\n", b"\x01\x02", b"\x02"),
    ],
)
def test_the_password_answers_the_challenge(version: bytes, asked: bytes, chosen: bytes) -> None:
    client = new_client(password="display")
    client.receive(version + asked + CHALLENGE)
    assert client.data_to_send() == version + chosen + ANSWER
    assert not client.open
    client.receive(OK + server_init())
    assert client.open
    assert client.data_to_send().startswith(b"\x01\x00\x00\x00\x00\x20\x18")


@pytest.mark.parametrize(
    ("version", "asked"), [(b"RFB 003.003\n", pack(">I", 1)), (b"RFB 003.007\n", b"\x01\x01")]
)
def test_before_38_nothing_confirms_that_nothing_was_asked(version: bytes, asked: bytes) -> None:
    client = new_client()
    client.receive(version + asked + server_init())
    assert client.open


def test_a_missing_password_is_asked_for_and_then_used() -> None:
    client = new_client()
    events = client.receive(b"RFB 003.008\n\x01\x02" + CHALLENGE)
    assert events == [CredentialsMissed(("password",))]
    assert not client.wants_bytes
    client.data_to_send()
    assert client.give_credentials(Credentials(None, "display")) == []
    assert client.data_to_send() == ANSWER
    assert client.wants_bytes


def test_a_server_that_talks_on_while_it_waits_is_stopped() -> None:
    client = new_client()
    client.receive(b"RFB 003.008\n\x01\x02" + CHALLENGE)
    client.receive(bytes(60000))
    with pytest.raises(RfbError, match="more than it may"):
        client.receive(bytes(6000))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            FAILED + reason(b"Authentication failed"),
            "The desktop did not accept the password: Authentication failed.",
        ),
        (FAILED + reason(b""), "The desktop did not accept the password."),
        (
            pack(">I", 2) + reason(b"Too many\n\x1b[31mtries."),
            "The desktop did not accept the password: Too many [31mtries.",
        ),
    ],
)
def test_a_wrong_password_is_told_with_the_servers_reason(said: bytes, sentence: str) -> None:
    client = new_client(password="wrong")
    with pytest.raises(RfbError) as caught:
        client.receive(b"RFB 003.008\n\x01\x02" + CHALLENGE + said)
    assert caught.value.message == sentence
    assert caught.value.status is Status.CLIENT_UNAUTHORIZED
    assert caught.value.hop is Hop.DESKTOP


def test_a_server_that_hangs_up_instead_of_giving_a_reason_still_did_not_accept_the_password() -> None:
    client = new_client(password="wrong")
    client.receive(b"RFB 003.008\n\x01\x02" + CHALLENGE + FAILED)
    error = client.closed()
    assert error.status is Status.CLIENT_UNAUTHORIZED
    assert error.message == "The desktop did not accept the password."


def test_before_38_there_is_no_reason() -> None:
    client = new_client(password="wrong")
    with pytest.raises(RfbError, match="did not accept the password"):
        client.receive(b"RFB 003.007\n\x01\x02" + CHALLENGE + FAILED)


@pytest.mark.parametrize("refusal", [b"RFB 003.008\n\x00", b"RFB 003.003\n" + OK])
def test_a_refusal_shows_the_servers_own_words(refusal: bytes) -> None:
    with pytest.raises(RfbError, match="refused the connection: Too many security failures"):
        new_client().receive(refusal + reason(b"Too many security failures"))


def test_a_reason_without_end_is_cut() -> None:
    client = new_client()
    with pytest.raises(RfbError) as caught:
        client.receive(b"RFB 003.008\n\x00" + pack(">I", 2**32 - 1) + b"x" * 5000)
    assert len(caught.value.message) < 300


def test_a_server_that_closes_early_is_named() -> None:
    client = new_client()
    client.receive(b"RFB 003.008\n")
    assert client.closed().message == "The desktop closed the connection before it let anybody in."
    assert new_client().closed().status is Status.UPSTREAM_ERROR


def test_a_repeater_is_told_where_to_go() -> None:
    client = new_client(Options(repeater_id="inner.example:5901"))
    client.receive(b"RFB 000.000\n")
    sent = client.data_to_send()
    assert len(sent) == 250
    assert sent.rstrip(b"\0") == b"inner.example:5901"
    client.receive(OPENING_38)
    assert client.open


@pytest.mark.parametrize("name", [pack(">I", 65537), pack(">I", 2**32 - 1)])
def test_an_endless_name_ends_the_session(name: bytes) -> None:
    opening = OPENING_38[: OPENING_38.index(b"desk") - 4]
    with pytest.raises(RfbError, match="name of"):
        new_client().receive(opening + name)


@pytest.mark.parametrize(
    ("width", "height"), [(65535, 65535), (0, 100), (100, 0), (16385, 1), (16384, 16384)]
)
def test_absurd_sizes_end_the_session(width: int, height: int) -> None:
    opening = b"RFB 003.008\n\x01\x01" + OK
    with pytest.raises(RfbError, match="beyond the limit"):
        new_client().receive(opening + server_init(width, height))


PASSWORD = Credentials(None, "secret")
BOTH = Credentials("alice", "secret")
NOTHING = Credentials()


@pytest.mark.parametrize(
    ("offered", "known", "chosen"),
    [
        ([1], NOTHING, 1),
        ([1, 2], NOTHING, 1),
        ([1, 2], PASSWORD, 2),
        ([2, 16], PASSWORD, 16),
        ([2, 30], PASSWORD, 2),
        ([2, 30], BOTH, 30),
        ([30, 33], NOTHING, 30),
        ([2, 19], PASSWORD, 19),
        ([2, 5, 6, 129, 130], PASSWORD, 129),
        ([2, 5, 6], PASSWORD, 5),
        ([2, 6, 130], PASSWORD, 130),
        ([2, 18, 200], NOTHING, 2),
    ],
)
def test_the_best_type_that_needs_no_question_is_chosen(
    offered: list[int], known: Credentials, chosen: int
) -> None:
    assert choose(offered, known, Trust()) == chosen


def test_a_pinned_key_excludes_types_without_one() -> None:
    pinned = Trust(fingerprint="ab" * 32)
    assert choose([1, 2, 6], PASSWORD, pinned) == 6
    with pytest.raises(RfbError, match="does not know: None, VncAuth"):
        choose([1, 2], PASSWORD, pinned)
    with pytest.raises(RfbError, match="does not know"):
        choose([5, 2], PASSWORD, Trust(authorities="-----BEGIN CERTIFICATE-----"))


def test_unknown_types_are_listed_by_number() -> None:
    with pytest.raises(RfbError, match="type 20, type 22"):
        new_client().receive(b"RFB 003.008\n\x02\x14\x16")


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(BOTH)
