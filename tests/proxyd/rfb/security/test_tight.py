from __future__ import annotations

from struct import pack

import pytest

from proxyd.rfb.errors import RfbError
from proxyd.rfb.options import Options, Trust
from tests.cuts import every_cut
from tests.fakes.rfb_server import new_client, server_init

START = b"RFB 003.008\n\x01\x10"
NOTHING = pack(">I", 0)
OK = pack(">I", 0)
INTERACTION = pack(">HHHxx", 1, 0, 1) + bytes(32)


def capabilities(*codes: int) -> bytes:
    return pack(">I", len(codes)) + b"".join(pack(">i4s8s", code, b"TGHT", b"whatever") for code in codes)


def test_no_types_mean_no_password() -> None:
    opening = START + NOTHING + NOTHING + OK + server_init() + INTERACTION
    for pieces in every_cut(opening):
        client = new_client()
        for piece in pieces:
            client.receive(piece)
        assert client.open


def test_the_tunnel_without_one_is_taken_and_the_password_type() -> None:
    client = new_client(password="display")
    client.receive(
        START + capabilities(5, 0) + capabilities(1, 2, 129) + bytes(range(16)) + OK + server_init()
    )
    assert not client.open  # the lists are part of the opening
    sent = client.data_to_send()[13:]
    assert sent.startswith(pack(">ii", 0, 2) + bytes.fromhex("62a9ec29328f3e9bc04b3976f75eb93d"))
    client.receive(INTERACTION)
    assert client.open


def test_a_login_in_the_clear_must_be_allowed() -> None:
    asked = START + NOTHING + capabilities(129)
    with pytest.raises(RfbError, match="Tight type 129"):
        new_client(username="u", password="p").receive(asked)
    client = new_client(Options(trust=Trust(weak=True)), username="alice", password="secret")
    client.receive(asked)
    assert client.data_to_send().endswith(pack(">iII", 129, 5, 6) + b"alicesecret")


@pytest.mark.parametrize("lists", [capabilities(5), NOTHING + capabilities(77), pack(">I", 2**31)])
def test_lists_without_anything_for_us_are_refused(lists: bytes) -> None:
    with pytest.raises(RfbError):
        new_client(password="p").receive(START + lists)
