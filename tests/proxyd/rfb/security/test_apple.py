"""Apple's types against a server side that is written here from the sheet (section H.4)."""

from __future__ import annotations

import hashlib
from struct import pack

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import CredentialsMissed
from tests.fakes.rfb_server import new_client, server_init

# RFC 2409, second Oakley group
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
SECRET = 0x1234567890ABCDEF << 256
OK = pack(">I", 0)


def group(prime: int = PRIME, public: int | None = None, generator: int = 2, size: int = 128) -> bytes:
    public = pow(generator, SECRET, prime) if public is None else public
    return (
        b"RFB 003.889\n\x01\x1e" + pack(">HH", generator, size) + prime.to_bytes(size) + public.to_bytes(size)
    )


def fields(plain: bytes) -> list[bytes]:
    return [plain[:64].split(b"\0")[0], plain[64:].split(b"\0")[0]]


def test_diffie_hellman_carries_user_and_password() -> None:
    client = new_client(username="älice", password="p" * 100)
    client.receive(group())
    sent = client.data_to_send()[len(b"RFB 003.008\n\x1e") :]
    shared = pow(int.from_bytes(sent[128:]), SECRET, PRIME).to_bytes(128)
    plain = Cipher(AES(hashlib.md5(shared).digest()), modes.ECB()).decryptor().update(sent[:128])
    assert fields(plain) == ["älice".encode(), b"p" * 63]
    client.receive(OK + server_init())
    assert client.open


@pytest.mark.parametrize(
    "bad",
    [
        group(prime=2**1023, public=5),
        group(public=0),
        group(public=1),
        group(public=PRIME - 1),
        group(generator=1),
        b"RFB 003.889\n\x01\x1e" + pack(">HH", 2, 64),
        b"RFB 003.889\n\x01\x1e" + pack(">HH", 2, 65535),
    ],
)
def test_groups_that_are_none_are_refused(bad: bytes) -> None:
    with pytest.raises(RfbError, match="Diffie-Hellman group"):
        new_client(username="u", password="p").receive(bad)


def test_both_credentials_are_asked_for() -> None:
    assert new_client().receive(group()) == [CredentialsMissed(("username", "password"))]


def test_rsa_carries_user_and_password() -> None:
    key = generate_private_key(65537, 2048)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    client = new_client(username="alice", password="secret")
    client.receive(b"RFB 003.889\n\x01\x21")
    assert client.data_to_send().endswith(bytes.fromhex("0000000a 0100 52534131 0000 0000"))
    client.receive(pack(">IHI", len(der) + 7, 1, len(der)) + der + b"\0")
    sent = client.data_to_send()
    assert sent.startswith(bytes.fromhex("0000018a 0100 52534131 0001"))
    assert len(sent) == 4 + 0x18A
    session = key.decrypt(sent[-256:], PKCS1v15())
    plain = Cipher(AES(session), modes.ECB()).decryptor().update(sent[12:140])
    assert fields(plain) == [b"alice", b"secret"]
    client.receive(bytes(4) + OK + server_init())
    assert client.open


@pytest.mark.parametrize("key", [pack(">IHI", 8, 1, 1) + b"x\0", pack(">IHI", 8, 1, 2**31)])
def test_rsa_keys_that_are_none_are_refused(key: bytes) -> None:
    with pytest.raises(RfbError, match="key"):
        new_client(username="u", password="p").receive(b"RFB 003.889\n\x01\x21" + key)
