"""A whole run of the real process at its loudest: every secret that was used, and none of them in its log."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from broker.links import Signer
from tests.fakes.guacd import Guacd
from tests.fakes.platform import Platform
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

V1_SECRET = "the-platforms-own-secret"
JWT_SECRET = bytes(range(100, 132))
PASSWORD = "kXq7-display-password"
TYPED = "what-a-person-typed"


def write(folder: Path) -> str:
    """Settings, key ring and a user's key; returns the key."""
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    (folder / "keys" / "alice").mkdir(parents=True)
    for path in (folder / "keys", folder / "keys" / "alice"):
        path.chmod(0o700)
    file = folder / "keys" / "alice" / "id_ed25519_guac"
    file.write_bytes(key)
    file.chmod(0o600)
    (folder / "ring.toml").write_text(
        f'[portal]\nsecret = "{base64.b64encode(JWT_SECRET).decode()}"\nschemes = ["jwt"]\noperator = true\n'
    )
    return key.decode()


async def everything(url: str, daemon: Guacd, secrets: set[str]) -> None:
    """What people, platforms and strangers do in a day; `secrets` learns each secret as it is used."""
    platform = Platform(url, V1_SECRET)
    signer = Signer("https://desk.example/guacamole/", "portal", JWT_SECRET)
    async with aiohttp.ClientSession() as browser:

        async def post(body: str) -> dict[str, Any]:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            async with browser.post(f"{url}/api/tokens", data=body, headers=headers) as answer:
                return await answer.json()

        body = platform.body("10.1.2.3", "ssh", "abc")
        secrets.add(dict(pair.split("=", 1) for pair in body.split("&"))["signature"])
        token = (await post(body))["authToken"]
        secrets.add(token)
        await post(body)  # replayed
        await post(body.replace("10.1.2.3", "10.1.2.4"))
        await post("signature=%00&guac.password=" + PASSWORD)
        async with browser.get(
            f"{url}/connect?{platform.body('10.1.2.5', 'ssh')}", allow_redirects=False
        ) as answer:
            secrets.add(answer.cookies["fanlight-token"].value)
        link = signer.token("vnc", "10.1.2.3", "alice", {"password": PASSWORD})
        secrets |= {link, link.rsplit(".", 1)[1]}
        await post(f"jwt={link}")
        await post(f"jwt={link}x")
        async with browser.get(f"{url}/connect?jwt={quote(link)}") as answer:
            assert answer.status == 403

        query = {"token": token, "GUAC_ID": "abc", "GUAC_TYPE": "c", "GUAC_DATA_SOURCE": "hmac"}
        async with browser.ws_connect(f"{url}/websocket-tunnel", params=query) as socket:
            tunnel = (await socket.receive_str())[6:-1]
            peer = await daemon.accepted()
            assert "PRIVATE KEY" in peer.parameters["private-key"]
            await socket.send_str(f"4.argv,1.0,10.text/plain,8.password;4.blob,1.0,{len(TYPED)}.{TYPED};")
            await peer.until("blob")
            path = f"{url}/api/session/tunnels/{tunnel}/activeConnection/sharingCredentials/watch"
            async with browser.get(path, params={"token": token}) as answer:
                key = (await answer.json())["values"]["key"]
            secrets.add(key)
            await post(f"key={key}")
            await post(f"key={key}x")
            peer.send_raw(f"nonsense {TYPED}".encode())
            await socket.receive()
        async with browser.post(f"{url}/tunnel?connect", data=query) as answer:
            secrets.add(answer.headers["Guacamole-Tunnel-Token"])
            headers = {"Guacamole-Tunnel-Token": answer.headers["Guacamole-Tunnel-Token"]}
        async with browser.post(f"{url}/tunnel?write:x", data=TYPED, headers=headers):
            pass
        for request in (
            browser.delete(f"{url}/api/tokens/{token}"),
            browser.get(f"{url}/websocket-tunnel", params=query),
            browser.get(f"{url}/{token}?token={token}"),
            browser.request("BREW", f"{url}/api/tokens/{token}"),
            browser.get(
                f"{url}/api/session/data/hmac/self", headers={"Guacamole-Token": token, "X": "y" * 9000}
            ),
        ):
            async with request:
                pass
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(url.split(":")[2].split("/", maxsplit=1)[0])
    )
    writer.write(f"GET /guacamole/?token={token} HTTP/9\r\nGuacamole-Token: {token}\r\n\r\n".encode())
    await reader.read()
    writer.close()


@contextmanager
def broker(folder: Path, daemon: Guacd, log_format: str) -> Iterator[str]:
    """The process at its loudest; its address."""
    port = processes.free_port()
    with (folder / "log").open("wb") as written:
        process = subprocess.Popen(
            [
                sys.executable, "-X", "dev", "-P", "-m", "broker", "--bind", f"127.0.0.1:{port}", "--metrics-bind", "",
                "--guacd-hostname", "127.0.0.1", "--guacd-port", str(daemon.port), "--log-level", "debug",
                "--log-format", log_format, "--store", f"sqlite:///{folder}/b.sqlite", "--use-local-privkey", "true",
                "--key-directory", str(folder / "keys"), "--key-ring", str(folder / "ring.toml"),
                "--public-origin", "https://desk.example", "--v1-vnc-password", PASSWORD, "--ban-after", "0",
            ],
            stderr=written, stdout=written,
            env={**os.environ, "FANLIGHT_SECRET_KEY": V1_SECRET, "PYTHONASYNCIODEBUG": "1"},
        )  # fmt: skip
    try:
        processes.wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}/guacamole"
    finally:
        process.terminate()
        assert process.wait(timeout=15) == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_no_secret_reaches_the_log(tmp_path: Path, log_format: str) -> None:
    private_key = write(tmp_path)
    secrets = {V1_SECRET, PASSWORD, TYPED, base64.b64encode(JWT_SECRET).decode()}
    secrets |= set(private_key.splitlines()[1:-1])
    async with Guacd() as daemon:
        with broker(tmp_path, daemon, log_format) as url:
            await everything(url, daemon, secrets)
    text = (tmp_path / "log").read_text()
    assert text.count("refused") >= 5
    assert "tunnel opened" in text
    assert "nobody foresaw" not in text, text
    if log_format == "json":
        assert all(json.loads(line) for line in text.splitlines())
    assert not {
        secret
        for secret in secrets
        for form in (secret, secret.replace("+", " "), quote(secret))
        if form in text
    }
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("b.sqlite*"))
    assert not {secret for secret in secrets if secret.encode() in stored}
