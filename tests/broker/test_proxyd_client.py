"""The way to a daemon: sockets of every kind, handshakes that fail, and keys that stay at home."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker import proxyd_client
from broker.proxyd_client import Address, Upstream, answers, connect
from proxyd.wire.handshake import ClientHandshake, ClientInfo
from proxyd.wire.instruction import encode
from proxyd.wire.status import Status, StatusError
from tests.fakes.guacd import Guacd
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

PARAMETERS = {"hostname": "10.1.2.3", "port": "22"}


def handshake(parameters: Mapping[str, str] = PARAMETERS) -> ClientHandshake:
    return ClientHandshake(
        "ssh", parameters, ClientInfo(1280, 800, 96, name="alice", timezone="Europe/Paris")
    )


def at(daemon: Guacd) -> Address:
    return Address("127.0.0.1", daemon.port)


async def failure(daemon: Guacd, address: Address | None = None) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await connect(address or at(daemon), handshake())
    return caught.value


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("localhost", Address("localhost", 4822)),
        ("::1", Address("::1", 4822)),
        ("unix:/run/proxyd.sock", Address(path="/run/proxyd.sock")),
        ("/run/proxyd.sock", Address(path="/run/proxyd.sock")),
    ],
)
def test_addresses(hostname: str, expected: Address) -> None:
    assert Address.of(hostname, 4822, secure=False, authority=None) == expected


def test_addresses_are_shown() -> None:
    assert [str(Address("::1", 1)), str(Address("a", 1)), str(Address(path="/s"))] == [
        "[::1]:1",
        "a:1",
        "unix:/s",
    ]


async def test_the_handshake_says_everything() -> None:
    async with Guacd() as daemon:
        shake = handshake({**PARAMETERS, "made-up": "x"})
        upstream = await connect(at(daemon), shake)
        peer = await daemon.accepted()
        assert peer.selected == "ssh"
        assert peer.said["size"] == ("1280", "800", "96")
        assert peer.said["name"] == ("alice",)
        assert peer.said["timezone"] == ("Europe/Paris",)
        assert peer.parameters["hostname"] == "10.1.2.3"
        assert peer.parameters["password"] == ""
        assert shake.unused == ["made-up"]
        assert upstream.connection_id == peer.connection_id
        upstream.close()


async def test_an_old_daemon_without_versions() -> None:
    async with Guacd(version="") as daemon:
        upstream = await connect(at(daemon), handshake())
        peer = await daemon.accepted()
        assert peer.parameters["hostname"] == "10.1.2.3"
        assert "name" not in peer.said
        upstream.close()


async def test_what_comes_with_ready_is_not_lost() -> None:
    early = encode("size", 0, 800, 600) + encode("name", "d\u00e9j\u00e0") + encode("sync", 1)[:4]
    async with Guacd(with_ready=early) as daemon:
        upstream = await connect(at(daemon), handshake())
        assert await upstream.read() == early[:-4]
        peer = await daemon.accepted()
        peer.send_raw(encode("sync", 1)[4:])
        assert await upstream.read() == encode("sync", 1)
        peer.close()
        assert await upstream.read() == b""
        upstream.close()


async def test_instructions_go_both_ways() -> None:
    async with Guacd() as daemon:
        upstream = await connect(at(daemon), handshake())
        peer = await daemon.accepted()
        await upstream.write(encode("key", 97, 1))
        assert (await peer.until("key")).args == ("97", "1")
        upstream.write_soon(encode("nop"))
        await peer.until("nop")
        upstream.close()
        assert await peer.next() is None


@pytest.mark.parametrize("nonsense", [b"hello", b"\xff\xff", encode("name", "x").replace(b"x", b"\xff")])
async def test_a_daemon_that_talks_nonsense(nonsense: bytes) -> None:
    async with Guacd() as daemon:
        upstream = await connect(at(daemon), handshake())
        (await daemon.accepted()).send_raw(nonsense)
        with pytest.raises(StatusError) as caught:
            await upstream.read()
        assert caught.value.status is Status.UPSTREAM_ERROR
        upstream.close()


async def test_a_daemon_that_vanishes() -> None:
    async with Guacd() as daemon:
        upstream = await connect(at(daemon), handshake())
        (await daemon.accepted()).die()
        assert await upstream.read() == b""
        await upstream.write(encode("key", 97, 1))
        upstream.write_soon(encode("nop"))
        upstream.close()


# -- handshakes that fail --------------------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    with pytest.raises(StatusError) as caught:
        await connect(Address("127.0.0.1", processes.free_port()), handshake())
    assert caught.value.status is Status.UPSTREAM_UNAVAILABLE
    with pytest.raises(StatusError) as caught:
        await connect(Address(path="/nonexistent/socket"), handshake())
    assert caught.value.status is Status.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (encode("error", "no", 519), Status.UPSTREAM_NOT_FOUND),
        (encode("error", "no", "nonsense"), Status.SERVER_ERROR),
        (encode("disconnect"), Status.UPSTREAM_UNAVAILABLE),
        (encode("surprise"), Status.SERVER_ERROR),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Status.UPSTREAM_ERROR),
        (b"\xff\xff\xff", Status.UPSTREAM_ERROR),
    ],
)
@pytest.mark.parametrize("moment", ["args", "ready"])
async def test_other_answers(answer: bytes, status: Status, moment: str) -> None:
    daemon = Guacd(instead_of_args=answer) if moment == "args" else Guacd(instead_of_ready=answer)
    async with daemon:
        assert (await failure(daemon)).status is status


async def test_a_daemon_that_closes() -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        with pytest.raises(StatusError) as caught:
            await connect(Address("127.0.0.1", server.sockets[0].getsockname()[1]), handshake())
        assert caught.value.status in {Status.UPSTREAM_ERROR, Status.UPSTREAM_UNAVAILABLE}


async def test_a_daemon_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxyd_client, "HANDSHAKE_TIMEOUT", 0.05)
    async with Guacd(instead_of_args=b"") as daemon:
        assert (await failure(daemon)).status is Status.UPSTREAM_TIMEOUT


async def test_whether_it_answers() -> None:
    async with Guacd() as daemon:
        assert await answers(at(daemon))
    assert not await answers(Address("127.0.0.1", processes.free_port()))


# -- Unix sockets and TLS --------------------------------------------------------------------------------------------


async def test_a_unix_socket(tmp_path: Path) -> None:
    async with Guacd(path=str(tmp_path / "s")) as daemon:
        upstream = await connect(Address(path=str(tmp_path / "s")), handshake({"private-key": "x"}))
        assert (await daemon.accepted()).parameters["private-key"] == "x"
        upstream.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "proxyd.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


async def test_tls(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with Guacd(tls=context) as daemon:
        address = Address.of("localhost", daemon.port, secure=True, authority=certificate)
        upstream = await connect(address, handshake({"private-key": "x"}))
        assert (await daemon.accepted()).parameters["private-key"] == "x"
        upstream.close()


async def test_a_certificate_nobody_vouches_for(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with Guacd(tls=context) as daemon:
        address = Address.of("localhost", daemon.port, secure=True, authority=None)
        assert (await failure(daemon, address)).status is Status.UPSTREAM_ERROR


# -- private keys ----------------------------------------------------------------------------------------------------


class ElsewhereWriter:
    """A stream whose other end is on another host."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return self._peer, 4822


@pytest.mark.parametrize("name", ["private-key", "sftp-private-key"])
@pytest.mark.parametrize(
    ("peer", "fine"),
    [
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
    ],
)
def test_keys_cross_plain_tcp_on_this_host_only(name: str, peer: str, fine: bool) -> None:
    check = proxyd_client._check_privacy
    writer = ElsewhereWriter(peer)
    check(Address("proxyd", 4822), writer, handshake(PARAMETERS))  # type: ignore[arg-type]
    check(Address(path="/s"), writer, handshake({name: "x"}))  # type: ignore[arg-type]
    check(Address("proxyd", 4822, tls=ssl.create_default_context()), writer, handshake({name: "x"}))  # type: ignore[arg-type]
    if fine:
        check(Address("proxyd", 4822), writer, handshake({name: "x"}))  # type: ignore[arg-type]
    else:
        with pytest.raises(StatusError, match="may not cross plain TCP"):
            check(Address("proxyd", 4822), writer, handshake({name: "x"}))  # type: ignore[arg-type]


async def test_a_slow_daemon_stops_the_writer() -> None:
    """Nothing piles up: writing waits once the buffers are full."""
    async with Guacd() as daemon:
        upstream: Upstream = await connect(at(daemon), handshake())
        await daemon.accepted()  # and reads no more
        blob = encode("blob", 1, "A" * 8000)

        async def flood() -> None:
            while True:
                await upstream.write(blob * 20)

        flooding = asyncio.create_task(flood(), name="flood")
        transport = upstream._writer.transport
        async with asyncio.timeout(10):
            while transport.get_write_buffer_size() <= proxyd_client.WRITE_LIMIT:
                await asyncio.sleep(0)
        waiting = transport.get_write_buffer_size()
        for _ in range(100):
            await asyncio.sleep(0)
        assert transport.get_write_buffer_size() <= waiting
        assert waiting < proxyd_client.WRITE_LIMIT + len(blob) * 20
        flooding.cancel()
        transport.abort()
