"""No secret in any line, at any level, in either format."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
import structlog
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from broker import log
from broker.log import redact
from broker.settings import Settings

TOKEN = "0123456789ABCDEF" * 4
KEY = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    .decode()
)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "guac.password",
        "sftp_passphrase",
        "private_key",
        "secret-key",
        "token",
        "authToken",
        "signature",
        "Cookie",
        "Authorization",
        "jwt",
        "credentials",
    ],
)
def test_hidden_by_name(name: str) -> None:
    assert "hunter2" not in str(redact(None, "", {"event": "x", name: "hunter2"}))


@pytest.mark.parametrize(
    "text",
    [
        f"GET /guacamole/websocket-tunnel?token={TOKEN}&GUAC_ID=x",
        f"DELETE /guacamole/api/tokens/{TOKEN}",
        "POST guac.password=hunter2&guac.username=alice",
        "timestamp=1&signature=hunter2+/=&x",
        "GET /connect?jwt=hunter2.hunter2.hunter2",
        f"the key is {KEY} and no other",
        KEY[:200],
    ],
)
def test_hidden_by_shape(text: str) -> None:
    for value in (text, [text], {"x": text}, ValueError(text)):
        shown = str(redact(None, "", {"event": text, "detail": value, "exception": text}))
        for secret in ("hunter2", TOKEN, KEY.splitlines()[1]):
            assert secret not in shown


def test_what_is_no_secret_stays() -> None:
    event = {
        "event": "granted",
        "user": "alice",
        "port": 22,
        "ok": True,
        "nothing": None,
        "key_id": "portal-1",
    }
    assert redact(None, "", dict(event)) == event


def test_no_value_begins_a_line_of_its_own() -> None:
    shown = redact(
        None, "", {"event": "x", "user": "alice\n2026 granted user=root\r\x1b[2J\u2028", "long": "x" * 9999}
    )
    assert not set(str(shown["user"])) & set("\n\r\x1b\u2028")
    assert len(str(shown["long"])) == log.MAX_TEXT


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_every_level_in_either_format(
    log_format: str, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    try:
        log.configure(Settings(log_level=level, log_format=log_format))  # type: ignore[arg-type]
        structlog.get_logger("broker").warning("refused", token=TOKEN, user="alice")
        logging.getLogger("library").warning("GET /?token=%s", TOKEN)
        try:
            raise ValueError(f"signature=hunter2&token={TOKEN}")
        except ValueError:
            structlog.get_logger("broker").exception("failed", reason=f"token={TOKEN}")
        shown = capsys.readouterr().err
        assert "refused" in shown
        assert "alice" in shown
        assert TOKEN not in shown
        assert "hunter2" not in shown
        if log_format == "json":
            assert all(json.loads(line) for line in shown.splitlines())
    finally:
        logging.getLogger().handlers.clear()
        structlog.reset_defaults()


@pytest.mark.parametrize(
    "broken",
    [
        f"X-ONEGATE-TOKEN: {TOKEN.lower()}\r\r\n",  # a token file with a line end of Windows
        f"Guacamole-Token : {TOKEN.lower()}\r\n",
        f"Guacamole-Token: {TOKEN.lower() * 200}\r\n",
        f"A: b\r\n {TOKEN.lower()}\r\n",
    ],
)
async def test_what_is_no_request_is_one_line_and_repeats_nothing_of_it(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    runner = web.AppRunner(web.Application())
    try:
        log.configure(Settings())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(f"GET / HTTP/1.1\r\nHost: x\r\n{broken}\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.0 400 ")
        writer.close()
        (line,) = capsys.readouterr().err.splitlines()
        assert "warning" in line
        assert "from 127.0.0.1: no HTTP" in line
        assert TOKEN[:8].lower() not in line
    finally:
        await runner.cleanup()
        logging.getLogger().handlers.clear()
        structlog.reset_defaults()
