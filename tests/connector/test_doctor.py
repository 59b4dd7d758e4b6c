"""Every stage of a connector's way, each made to fail: what is said, and which exit code counts."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType, web

from connector import doctor as module
from connector.dialing import SUBPROTOCOL
from connector.doctor import EXITS, Check, examine
from connector.keyfile import ConnectorKey, Endpoint
from connector.settings import Settings
from connector.state import only_one, save_key, say
from tests.fakes.connectors import new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "SIGN_IN_TIMEOUT", 2.0)
    monkeypatch.setattr(module, "HTTP_TIMEOUT", 2.0)


@contextlib.asynccontextmanager
async def broker(banner: bytes | None = b"SSH-2.0-Fanlight\r\n", offset: float = 0) -> AsyncIterator[str]:
    """An endpoint that lets anybody in; without a banner it lets nobody in."""

    async def serve(request: web.Request) -> web.StreamResponse:
        headers = {"Date": formatdate(time.time() + offset, usegmt=True)}
        if "Upgrade" not in request.headers or banner is None:
            return web.Response(status=404 if banner is None else 400, headers=headers)
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        await socket.send_bytes(banner)
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break
        return socket

    application = web.Application()
    application.router.add_get("/connector", serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    try:
        yield f"ws://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/connector"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


def configured(state: Path, *endpoints: str, targets: str = "10.0.0.0/8:22", **more: Any) -> Settings:
    settings = Settings.model_validate({"state-directory": state, "allowed-targets": targets, **more})
    if endpoints:
        made = new_key()
        save_key(
            settings.key_path,
            ConnectorKey("lab", 1, tuple(map(Endpoint.parse, endpoints)), made.brokers, made.private),
        )
    return settings


async def failures(settings: Settings) -> dict[str, str]:
    """Stages that fail, in their order, with what is said."""
    checks = [check async for check in examine(settings)]
    assert {check.stage for check in checks} <= set(EXITS)
    return {check.stage: check.detail for check in checks if check.passed is False}


async def test_nothing_is_set_up(tmp_path: Path) -> None:
    found = await failures(configured(tmp_path / "state", targets=""))
    assert list(found) == ["targets", "key"]
    assert "connector.key cannot be read: No such file" in found["key"]


async def test_a_state_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert "disk" in await failures(configured(tmp_path / "state"))


async def test_a_full_disk_and_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_DISK", 1 << 62)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    found = await failures(configured(tmp_path))
    assert "MB free" in found["disk"]
    assert found["limits"] == "256 open files permitted, 1024 needed (ulimit -n)"


async def test_a_key_that_others_may_read(tmp_path: Path) -> None:
    settings = configured(tmp_path, "tcp://127.0.0.1:1")
    settings.key_path.chmod(0o644)
    assert "may be read by others: chmod 600" in (await failures(settings))["key"]


@pytest.mark.parametrize("scheme", ["wss://no-such.invalid/connector", "tcp://no-such.invalid:4830"])
async def test_a_name_that_nobody_knows(tmp_path: Path, scheme: str) -> None:
    found = await failures(configured(tmp_path, scheme))
    assert list(found) == ["dns", "accepted"]
    assert "no-such.invalid is not known: " in found["dns"]


async def test_nobody_answers(tmp_path: Path) -> None:
    found = await failures(configured(tmp_path, "wss://127.0.0.1:1/connector"))
    assert list(found) == ["https", "accepted"]
    assert found["https"] == "Connection refused"


async def test_a_plain_port_where_nobody_answers(tmp_path: Path) -> None:
    found = await failures(configured(tmp_path, "tcp://127.0.0.1:1"))
    assert list(found) == ["ssh", "accepted"]
    assert found["ssh"] == "tcp://127.0.0.1:1 cannot be reached: Connection refused"


async def test_an_authority_that_is_not_there(tmp_path: Path) -> None:
    settings = configured(
        tmp_path, "wss://127.0.0.1:1/connector", **{"certificate-authority": str(tmp_path / "ca.pem")}
    )
    assert "certificate-authority: " in (await failures(settings))["https"]


@pytest.mark.parametrize("offset", [-300, 300])
async def test_a_clock_that_is_off(tmp_path: Path, offset: float) -> None:
    async with broker(offset=offset) as endpoint:
        found = await failures(configured(tmp_path, endpoint))
    assert next(iter(found)) == "clock"
    match = re.fullmatch(r"the clock here is ([+-]\d+) s off the broker's", found["clock"])
    assert match is not None
    assert abs(int(match[1]) + offset) <= 5


async def test_a_path_that_takes_no_connectors(tmp_path: Path) -> None:
    async with broker(banner=None) as endpoint:
        found = await failures(configured(tmp_path, endpoint))
    assert list(found) == ["ssh", "accepted"]
    assert "nothing takes connectors under this path" in found["ssh"]


@pytest.mark.parametrize("banner", [b"HTTP/1.1 400 no\r\n", b"\x1b]0;owned\x07\r\n"])
async def test_what_speaks_something_else(tmp_path: Path, banner: bytes) -> None:
    async with broker(banner) as endpoint:
        found = await failures(configured(tmp_path, endpoint))
    assert next(iter(found)) == "ssh"
    assert found["ssh"].isprintable()


async def test_a_daemon_that_says_hello_and_does_not_sign_in(tmp_path: Path) -> None:
    async with broker() as endpoint:
        found = await failures(configured(tmp_path, endpoint))
    assert list(found) == ["accepted"]
    assert "nobody signed in" in found["accepted"]


async def test_one_that_runs_is_believed(tmp_path: Path) -> None:
    async with broker() as endpoint:
        settings = configured(tmp_path, endpoint)
        with only_one(tmp_path):
            say(tmp_path, {"state": "connected", "network": "lab", "generation": 1, "endpoint": endpoint})
            assert await failures(settings) == {}


async def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    before = len(asyncio.all_tasks())
    async with broker() as endpoint:
        await failures(configured(tmp_path, endpoint, "tcp://127.0.0.1:1"))
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0.01)


def test_every_stage_has_a_code_of_its_own() -> None:
    assert len(set(EXITS.values())) == len(EXITS)
    assert min(EXITS.values()) > 3, "what other commands end with"
    assert Check("key", "", None, "").milliseconds == 0
