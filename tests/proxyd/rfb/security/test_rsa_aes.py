"""RSA-AES against a server side that is written here from the sheet (section H.2)."""

from __future__ import annotations

import hashlib
from struct import pack, unpack_from

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers, generate_private_key

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import CredentialsMissed, KeyMissed, SessionOpened
from proxyd.rfb.options import Options, Trust
from proxyd.rfb.security.base import Credentials
from proxyd.rfb.security.eax import EaxChannel
from tests.cuts import every_cut
from tests.fakes.rfb_server import new_client, server_init

SERVER_KEY = generate_private_key(65537, 1024)
CLIENT_KEY = generate_private_key(65537, 1024)
KINDS = {
    5: (hashlib.sha1, 16, True),
    6: (hashlib.sha1, 16, False),
    129: (hashlib.sha256, 32, True),
    130: (hashlib.sha256, 32, False),
}
OK = pack(">I", 0)


def key_bytes(numbers: RSAPublicNumbers) -> bytes:
    size = (numbers.n.bit_length() + 7) // 8
    return pack(">I", numbers.n.bit_length()) + numbers.n.to_bytes(size) + numbers.e.to_bytes(size)


KEY = key_bytes(SERVER_KEY.public_key().public_numbers())


class Server:
    """The server's side of types 5, 6, 129 and 130."""

    def __init__(self, number: int, subtype: int) -> None:
        self.digest, self.size, self.whole = KINDS[number]
        self.subtype = subtype
        self.random = bytes(range(self.size))

    def hash(self, data: bytes) -> bytes:
        return self.digest(data).digest()

    def exchange(self, sent: bytes, *, proof: bytes | None = None) -> bytes:
        """Take the client's key and random; answer with ours, our proof and what we ask for."""
        size = (unpack_from(">I", sent)[0] + 7) // 8
        self.client_key, rest = sent[: 4 + 2 * size], sent[4 + 2 * size :]
        (length,) = unpack_from(">H", rest)
        theirs = SERVER_KEY.decrypt(rest[2 : 2 + length], PKCS1v15())
        modulus, exponent = (
            int.from_bytes(part) for part in (self.client_key[4 : 4 + size], self.client_key[4 + size :])
        )
        ours = RSAPublicNumbers(exponent, modulus).public_key().encrypt(self.random, PKCS1v15())
        self.channel = EaxChannel(
            self.hash(theirs + self.random)[: self.size], self.hash(self.random + theirs)[: self.size]
        )
        said = self.channel.send(self.hash(KEY + self.client_key) if proof is None else proof)
        return pack(">H", len(ours)) + ours + said + self.channel.send(bytes([self.subtype]))

    def check(self, sent: bytes) -> bytes:
        """Take the client's proof; return the credentials."""
        plain = self.channel.receive(sent)
        size = self.digest().digest_size
        assert plain[:size] == self.hash(self.client_key + KEY)
        return plain[size:]

    def protected(self, data: bytes) -> bytes:
        return self.channel.send(data) if self.whole else data


@pytest.mark.parametrize("number", list(KINDS))
@pytest.mark.parametrize(("subtype", "said"), [(1, b"\x05alice\x06secret"), (2, b"\x00\x06secret")])
def test_both_sides_agree(number: int, subtype: int, said: bytes) -> None:
    server = Server(number, subtype)
    client = new_client(username="alice", password="secret")
    assert client.receive(b"RFB 003.008\n\x01" + bytes([number]) + KEY) == [KeyMissed()]
    client.data_to_send()
    client.give_key(CLIENT_KEY)
    answer = server.exchange(client.data_to_send())
    assert client.receive(answer) == []
    assert server.check(client.data_to_send()) == said
    opened, _ = client.receive(server.protected(OK + server_init()))
    assert opened == SessionOpened(
        8,
        4,
        {5: "RA2", 6: "RA2ne", 129: "RA2-256", 130: "RA2ne-256"}[number],
        hashlib.sha256(KEY).hexdigest(),
    )
    client.key(0x61, True)
    sent = client.data_to_send()
    heard = server.channel.receive(sent) if server.whole else sent
    assert heard.endswith(b"\x04\x01\0\0\0\0\0\x61")


def test_the_answer_may_be_cut_anywhere() -> None:
    server = Server(129, 2)
    client = new_client(password="secret")
    client.receive(b"RFB 003.008\n\x01\x81" + KEY)
    client.data_to_send()
    client.give_key(CLIENT_KEY)
    answer = server.exchange(client.data_to_send()) + server.protected(OK + server_init())
    for pieces in [[answer], *list(every_cut(answer))[2::40]]:
        other = new_client(password="secret")
        other.receive(b"RFB 003.008\n\x01\x81" + KEY)
        other.data_to_send()
        other.give_key(CLIENT_KEY)
        server = Server(129, 2)
        answer = server.exchange(other.data_to_send()) + server.protected(OK + server_init())
        cuts = [len(piece) for piece in pieces]
        for cut in cuts:
            other.receive(answer[:cut])
            answer = answer[cut:]
        assert other.open


def test_what_is_missing_is_asked_for() -> None:
    server = Server(5, 1)
    client = new_client(password="secret")
    client.receive(b"RFB 003.008\n\x01\x05" + KEY)
    client.data_to_send()
    client.give_key(CLIENT_KEY)
    assert client.receive(server.exchange(client.data_to_send())) == [CredentialsMissed(("username",))]
    client.give_credentials(Credentials("bob", "secret"))
    assert server.check(client.data_to_send()) == b"\x03bob\x06secret"


def test_another_key_than_the_pinned_one_is_refused() -> None:
    client = new_client(Options(trust=Trust(fingerprint="00" * 32)), password="secret")
    with pytest.raises(RfbError, match="not the pinned one"):
        client.receive(b"RFB 003.008\n\x01\x05" + KEY)
    pinned = new_client(
        Options(trust=Trust(fingerprint=hashlib.sha256(KEY).hexdigest().upper())), password="secret"
    )
    assert pinned.receive(b"RFB 003.008\n\x01\x05" + KEY) == [KeyMissed()]


def test_a_server_without_the_private_key_is_found_out() -> None:
    server = Server(5, 2)
    client = new_client(password="secret")
    client.receive(b"RFB 003.008\n\x01\x05" + KEY)
    client.data_to_send()
    client.give_key(CLIENT_KEY)
    with pytest.raises(RfbError, match="could not prove"):
        client.receive(server.exchange(client.data_to_send(), proof=bytes(20)))


@pytest.mark.parametrize("key", [pack(">I", 512), pack(">I", 8193), pack(">I", 2**31)])
def test_keys_of_absurd_sizes_are_refused(key: bytes) -> None:
    with pytest.raises(RfbError, match="RSA key of"):
        new_client(password="x").receive(b"RFB 003.008\n\x01\x05" + key)


def test_a_key_that_is_none_is_refused() -> None:
    client = new_client(password="x")
    client.receive(b"RFB 003.008\n\x01\x05" + pack(">I", 1024) + bytes(256))
    with pytest.raises(RfbError, match="RSA key is none"):
        client.give_key(CLIENT_KEY)


def test_keys_are_derived_as_the_sheet_says() -> None:
    server, client = bytes(range(16)), bytes(range(16, 32))
    assert hashlib.sha1(server + client).digest()[:16].hex() == "ae5bd8efea5322c4d9986d06680a7813"
    assert hashlib.sha1(client + server).digest()[:16].hex() == "b97cd424c4711eb518790ce07939ebac"
