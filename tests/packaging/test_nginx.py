"""docs/how-to/nginx.conf, loaded by a real nginx in front of a server that tells what arrives."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, TCPConnector, WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONFIG = Path(__file__).parents[2] / "docs" / "how-to" / "nginx.conf"
HOST = "desk.example.net"

pytestmark = pytest.mark.real


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "site.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "site.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def adapt(folder: Path, upstream: int, plain: int, secure: int) -> Path:
    """The site as an operator would adapt it, inside a whole configuration."""
    site = CONFIG.read_text()
    for pattern, value in {
        r"server 127\.0\.0\.1:8080;": f"server 127.0.0.1:{upstream};",
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        r"(?m)(ssl_certificate +).*?;": rf"\1{folder}/site.pem;",
        r"(?m)(ssl_certificate_key +).*?;": rf"\1{folder}/site.key;",
    }.items():
        site, count = re.subn(pattern, value, site)
        assert count == 1, pattern
    (folder / "site.conf").write_text(site)
    whole = folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole.write_text(
        f"pid {folder}/pid; daemon off; error_log stderr; worker_processes 1; user root;\n"
        f"events {{}}\nhttp {{ access_log {folder}/access.log;\n{temporary}include {folder}/site.conf; }}\n"
    )
    return whole


@pytest.fixture
async def backend() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Stands in for the broker: echoes headers, streams, speaks WebSocket."""
    go_on = asyncio.Event()

    async def headers(request: web.Request) -> web.Response:
        return web.json_response(
            {"path": request.raw_path, **{k.lower(): v for k, v in request.headers.items()}}
        )

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await go_on.wait()
        await response.write(b"second")
        return response

    async def upload(request: web.Request) -> web.Response:
        first = await request.content.readany()
        go_on.set()
        rest = await request.content.read()
        return web.Response(text=str(len(first) + len(rest)))

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(protocols=["guacamole"])
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data[::-1])
        return response

    app = web.Application(client_max_size=1 << 30)
    for path, handler in {"headers": headers, "slow": slow, "socket": socket}.items():
        app.router.add_get(f"/guacamole/{path}", handler)
    app.router.add_post("/guacamole/upload", upload)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1], go_on
    go_on.set()
    await runner.cleanup()


@pytest.fixture
async def front(backend: tuple[int, asyncio.Event], tmp_path: Path) -> AsyncIterator[tuple[int, int]]:
    """The ports of nginx, plain and TLS."""
    plain, secure = processes.free_port(), processes.free_port()
    write_certificate(tmp_path)
    config = adapt(tmp_path, backend[0], plain, secure)
    nginx = processes.start("nginx", "-c", str(config), stderr=subprocess.PIPE)
    try:
        await asyncio.to_thread(processes.wait_for_port, secure, nginx)
        yield plain, secure
    finally:
        processes.stop(nginx)
        assert nginx.stderr is not None
        nginx.stderr.close()


@pytest.fixture
async def http(front: tuple[int, int]) -> AsyncIterator[ClientSession]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with ClientSession(f"https://127.0.0.1:{front[1]}", connector=TCPConnector(ssl=context)) as session:
        yield session


async def test_the_broker_learns_who_asked_and_how(http: ClientSession) -> None:
    async with http.get(
        "/guacamole/headers?a=b%26c", headers={"Host": HOST, "X-Forwarded-For": "192.0.2.9"}
    ) as answer:
        seen = await answer.json()
        assert answer.headers["Strict-Transport-Security"]
    assert seen["path"] == "/guacamole/headers?a=b%26c"
    assert seen["host"] == HOST
    assert seen["x-forwarded-for"] == "192.0.2.9, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"


async def test_a_websocket_passes(http: ClientSession) -> None:
    async with http.ws_connect("/guacamole/socket", protocols=["guacamole"]) as socket:
        assert socket.protocol == "guacamole"
        await socket.send_str("3.nop;")
        message = await socket.receive(timeout=5)
    assert (message.type, message.data) == (WSMsgType.TEXT, ";pon.3")


async def test_an_answer_is_passed_on_as_it_comes(
    http: ClientSession, backend: tuple[int, asyncio.Event]
) -> None:
    async with http.get("/guacamole/slow") as answer:
        assert await asyncio.wait_for(answer.content.readany(), 5) == b"first"
        backend[1].set()
        assert await answer.content.read() == b"second"


async def test_an_upload_is_passed_on_as_it_comes(
    http: ClientSession, backend: tuple[int, asyncio.Event]
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await asyncio.wait_for(backend[1].wait(), 5)
        for _ in range(40):
            yield b"y" * 100_000

    async with http.post("/guacamole/upload", data=body()) as answer:
        assert await answer.text() == "4001000"


async def test_plain_http_is_sent_to_https_and_the_root_to_the_page(
    http: ClientSession, front: tuple[int, int]
) -> None:
    async with http.get(
        f"http://127.0.0.1:{front[0]}/guacamole/x?y", headers={"Host": HOST}, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/guacamole/x?y")
    async with http.get("/", headers={"Host": HOST}, allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["Location"].endswith("/guacamole/")


async def test_tokens_do_not_reach_a_log(http: ClientSession, tmp_path: Path) -> None:
    async with http.get("/guacamole/headers?token=GEHEIM") as answer:
        assert answer.status == 200
    assert "GEHEIM" not in (tmp_path / "access.log").read_text()
