from __future__ import annotations

import pytest

from proxyd.rfb.errors import RfbError
from proxyd.rfb.security.eax import EaxChannel, _Eax
from tests.cuts import every_cut

ONE, OTHER = bytes(range(16)), bytes(range(16, 32))


@pytest.mark.parametrize(
    ("key", "nonce", "header", "message", "sealed"),
    [  # of the paper's appendix
        ("233952DEE4D5ED5F9B9C6D6FF80FF478", "62EC67F9C3A4A407FCB2A8C49031A8B3", "6BFB914FD07EAE6B", "", "E037830E8389F27B025A2D6527E79D01"),
        ("91945D3F4DCBEE0BF45EF52255F095A4", "BECAF043B0A23D843194BA972C66DEBD", "FA3BFD4806EB53FA", "F7FB", "19DD5C4C9331049D0BDAB0277408F67967E5"),
        ("8395FCF1E95BEBD697BD010BC766AAC3", "22E7ADD93CFC6393C57EC0B3C17D6B44", "126735FCC320D25A", "CA40D7446E545FFAED3BD12A740A659FFBBB3CEAB7", "CB8920F87A6C75CFF39627B56E3ED197C552D295A7CFC46AFC253B4652B1AF3795B124AB6E"),
    ],
)  # fmt: skip
def test_published_vectors(key: str, nonce: str, header: str, message: str, sealed: str) -> None:
    eax = _Eax(bytes.fromhex(key))
    eax._count = int.from_bytes(bytes.fromhex(nonce), "little")
    assert eax.seal(bytes.fromhex(message), bytes.fromhex(header)).hex().upper() == sealed


def test_what_one_side_sends_the_other_reads_however_it_is_cut() -> None:
    messages = [b"hello", b"", b"x" * 40]
    sent = b"".join(EaxChannel(ONE, OTHER).send(message) for message in messages[:1])
    for pieces in every_cut(sent):
        receiver = EaxChannel(OTHER, ONE)
        assert b"".join(receiver.receive(piece) for piece in pieces) == b"hello"


def test_long_data_is_sent_in_several_messages() -> None:
    sender, receiver = EaxChannel(ONE, OTHER), EaxChannel(OTHER, ONE)
    data = bytes(range(256)) * 300
    assert receiver.receive(sender.send(data)) == data
    assert receiver.receive(sender.send(b"more")) == b"more"


def test_a_changed_byte_is_noticed() -> None:
    sent = bytearray(EaxChannel(ONE, OTHER).send(b"hello"))
    for position in range(2, len(sent)):
        broken = bytes(sent[:position]) + bytes([sent[position] ^ 1]) + bytes(sent[position + 1 :])
        with pytest.raises(RfbError, match="encrypted bytes are broken"):
            EaxChannel(OTHER, ONE).receive(broken)
