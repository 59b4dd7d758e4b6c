"""VeNCrypt with a TLS server in memory."""

from __future__ import annotations

import ssl
from struct import pack
from typing import TYPE_CHECKING

import pytest

from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import SessionOpened
from proxyd.rfb.options import Options, Trust
from proxyd.wire.status import Status
from tests.fakes.rfb_server import new_client, server_init
from tests.servers.certificates import Certificate, new_certificate

if TYPE_CHECKING:
    from proxyd.rfb.events import Event
    from proxyd.rfb.protocol import RfbClient

OK = pack(">I", 0)
CHALLENGE = bytes(range(16))
ANSWER = bytes.fromhex("62a9ec29328f3e9bc04b3976f75eb93d")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return new_certificate(tmp_path_factory.mktemp("tls"), address="10.0.0.5")


class Server:
    """The server's side: agrees on a subtype, starts TLS, then speaks through it."""

    def __init__(self, client: RfbClient, certificate: Certificate | None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate is None:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("AECDH:@SECLEVEL=0")
        else:
            context.load_cert_chain(certificate.path)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._client = client

    def agree(self, *subtypes: int) -> int:
        """Offer subtypes; returns the one that was chosen."""
        self._client.receive(b"RFB 003.008\n\x01\x13\x00\x02")
        assert self._client.data_to_send() == b"RFB 003.008\n\x13\x00\x02"
        self._client.receive(b"\x00" + bytes([len(subtypes)]) + pack(f">{len(subtypes)}I", *subtypes))
        return int.from_bytes(self._client.data_to_send())

    def start(self) -> None:
        self._client.receive(b"\x01")
        while True:
            self._incoming.write(self._client.data_to_send())
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._client.receive(self._outgoing.read())
            else:
                break
        self._client.receive(self._outgoing.read())

    def say(self, data: bytes, step: int = 7) -> list[Event]:
        self._tls.write(data)
        sealed = self._outgoing.read()
        return [
            event
            for start in range(0, len(sealed), step)
            for event in self._client.receive(sealed[start : start + step])
        ]

    def hear(self) -> bytes:
        self._incoming.write(self._client.data_to_send())
        heard = b""
        try:
            while True:
                heard += self._tls.read(65536)
        except ssl.SSLWantReadError:
            return heard


@pytest.mark.parametrize(
    ("subtype", "name"),
    [
        (257, "TLSNone"),
        (258, "TLSVnc"),
        (259, "TLSPlain"),
        (260, "X509None"),
        (261, "X509Vnc"),
        (262, "X509Plain"),
    ],
)
def test_each_subtype_opens_the_session(subtype: int, name: str, certificate: Certificate) -> None:
    client = new_client(username="alice", password="display")
    server = Server(client, certificate if name.startswith("X509") else None)
    assert server.agree(subtype, 263) == subtype
    server.start()
    if name.endswith("Vnc"):
        server.say(CHALLENGE)
        assert server.hear() == ANSWER
    elif name.endswith("Plain"):
        assert server.hear() == pack(">II", 5, 7) + b"alicedisplay"
    opened, *_ = server.say(OK + server_init())
    assert opened == SessionOpened(
        8, 4, f"VeNCrypt/{name}", certificate.fingerprint if name.startswith("X509") else ""
    )
    server.hear()
    client.key(0x61, True)
    assert server.hear() == b"\x04\x01\0\0\0\0\0\x61"


@pytest.mark.parametrize(
    ("offered", "username", "password", "chosen"),
    [
        ([257, 258, 259, 260, 261, 262], "u", "p", 262),
        ([257, 258, 259, 260, 261, 262], None, "p", 261),
        ([257, 258, 259, 260, 261, 262], None, None, 260),
        ([2, 258, 262], None, "p", 262),
        ([2, 1, 258], None, "p", 258),
        ([1, 2], None, "p", 2),
    ],
)
def test_the_best_protected_is_chosen(
    offered: list[int], username: str | None, password: str | None, chosen: int
) -> None:
    client = new_client(username=username, password=password)
    assert Server(client, None).agree(*offered) == chosen


def test_a_certificate_of_the_authority_is_accepted(certificate: Certificate) -> None:
    for host in ("desk.example", "10.0.0.5"):
        client = new_client(Options(host=host, trust=Trust(authorities=certificate.pem)))
        server = Server(client, certificate)
        server.agree(260)
        server.start()
        server.say(OK + server_init())
        assert client.open


@pytest.mark.parametrize("host", ["other.example", "10.0.0.6"])
def test_a_certificate_for_another_host_is_refused(host: str, certificate: Certificate) -> None:
    client = new_client(Options(host=host, trust=Trust(authorities=certificate.pem)))
    server = Server(client, certificate)
    server.agree(260)
    with pytest.raises(RfbError, match="certificate is not trusted") as caught:
        server.start()
    assert caught.value.status is Status.CLIENT_FORBIDDEN


def test_a_pinned_certificate_is_enough(certificate: Certificate) -> None:
    pinned = certificate.fingerprint
    coloned = ":".join(pinned[i : i + 2] for i in range(0, 64, 2)).upper()
    client = new_client(Options(host="10.9.9.9", trust=Trust(fingerprint=coloned)))
    server = Server(client, certificate)
    server.agree(260)
    server.start()
    server.say(OK + server_init())
    assert client.open
    client = new_client(Options(trust=Trust(fingerprint="0" * 64)))
    server = Server(client, certificate)
    server.agree(260)
    with pytest.raises(RfbError, match="not the pinned one"):
        server.start()


def test_a_name_that_is_none_is_our_fault(certificate: Certificate) -> None:
    client = new_client(Options(host=".example", trust=Trust(authorities=certificate.pem)))
    server = Server(client, certificate)
    server.agree(260)
    with pytest.raises(RfbError, match="name cannot be checked"):
        client.receive(b"\x01")


def test_a_desktop_that_called_us_needs_no_name(certificate: Certificate) -> None:
    client = new_client(Options(trust=Trust(authorities=certificate.pem)))
    server = Server(client, certificate)
    server.agree(260)
    server.start()


def test_trust_excludes_what_proves_nothing() -> None:
    client = new_client(Options(trust=Trust(fingerprint="0" * 64)))
    with pytest.raises(RfbError, match="VeNCrypt type 257"):
        Server(client, None).agree(257, 1)


def test_an_unreadable_authority_is_our_fault() -> None:
    client = new_client(Options(trust=Trust(authorities="nonsense")))
    server = Server(client, None)
    server.agree(260)
    with pytest.raises(RfbError, match="cannot be read") as caught:
        client.receive(b"\x01")
    assert caught.value.status is Status.SERVER_ERROR


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x01",
        b"\x00\x02\x01",
        b"\x00\x02\x00\x00",
        b"\x00\x02\x00\x01\x00\x00\x01\x07",
        b"\x00\x02\x00\x01\x00\x00\x01\x01\x00",
    ],
)
def test_disagreements_are_named(said: bytes) -> None:
    with pytest.raises(RfbError):
        new_client().receive(b"RFB 003.008\n\x01\x13" + said)


def test_what_is_not_tls_is_named(certificate: Certificate) -> None:
    client = new_client()
    Server(client, certificate).agree(260)
    client.receive(b"\x01")
    with pytest.raises(RfbError, match="TLS failed"):
        client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_bytes_changed_on_the_way_are_noticed(certificate: Certificate) -> None:
    client = new_client()
    server = Server(client, certificate)
    server.agree(260)
    server.start()
    server._tls.write(OK)
    sealed = bytearray(server._outgoing.read())
    sealed[-1] ^= 1
    with pytest.raises(RfbError, match="TLS failed"):
        client.receive(bytes(sealed))
