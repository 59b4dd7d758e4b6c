"""A broker without a network: its application, a clock to turn, a small page, and links to redeem."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer

from broker.app import make_app
from broker.parts import PARTS
from broker.settings import Settings
from tests.fakes.guacd import Guacd
from tests.fakes.platform import Platform
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from broker.parts import Parts

SECRET = "so-secret"


class Clock:
    """Unix seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Broker:
    """An application under test, and what a platform and a browser do with it."""

    def __init__(self, client: TestClient[Any, Any], clock: Clock, daemon: Guacd | None) -> None:
        self.client = client
        self.clock = clock
        self.daemon = daemon
        self.app: web.Application = client.app
        self.platform = Platform("http://broker/guacamole", SECRET, clock=clock)

    @property
    def parts(self) -> Parts:
        return self.app[PARTS]

    async def post_form(self, body: str | bytes, **options: Any) -> Any:
        """POST `api/tokens` as the platform does."""
        data = body.encode() if isinstance(body, str) else body
        return await self.client.post(
            "/guacamole/api/tokens", data=data, skip_auto_headers=["Content-Type"], **options
        )

    async def token(self, host: str = "10.1.2.3", protocol: str = "ssh", identifier: str = "abc") -> str:
        """A token for one connection; a millisecond after the one before."""
        self.clock.now += 0.001
        answer = await self.post_form(self.platform.body(host, protocol, identifier))
        assert answer.status == 200, await answer.text()
        token: str = (await answer.json())["authToken"]
        return token

    async def refused(self, body: str | bytes, **options: Any) -> str:
        """The machine reason of a refusal whose answer must be the uniform one."""
        with structlog.testing.capture_logs() as lines:
            answer = await self.post_form(body, **options)
        assert answer.status == 403
        assert (await answer.json())["type"] == "INVALID_CREDENTIALS"
        (line,) = [line for line in lines if line["event"] == "refused"]
        reason: str = line["reason"]
        return reason

    async def idle(self) -> None:
        """Wait until no tunnel is open, and the store knows."""
        async with asyncio.timeout(5):
            while len(self.parts.sessions):
                await asyncio.sleep(0.01)
            await self.parts.gateway.settled()

    def tunnel_query(self, token: str, identifier: str = "abc", **more: str) -> dict[str, str]:
        """The parameters of a tunnel."""
        return {
            "token": token,
            "GUAC_ID": identifier,
            "GUAC_TYPE": "c",
            "GUAC_DATA_SOURCE": "hmac",
            "GUAC_WIDTH": "1280",
            "GUAC_HEIGHT": "800",
            "GUAC_DPI": "96",
            "GUAC_IMAGE": "image/png",
            **more,
        }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page_folder(tmp_path: Path) -> Path:
    """A page with a bundle of one script and one style sheet."""
    folder = tmp_path / "webapp"
    assets = folder / "dist" / "assets"
    assets.mkdir(parents=True)
    (assets / "main-abc123.js").write_text("console.log(1)")
    (assets / "main-abc123.css").write_text("body{}")
    (folder / "dist" / "favicon.svg").write_text("<svg/>")
    (folder / "dist" / ".hidden").write_text("no")
    (folder / "secret.txt").write_text("no")
    entry = {"file": "assets/main-abc123.js", "css": ["assets/main-abc123.css"], "imports": []}
    (folder / "dist" / "manifest.json").write_text(json.dumps({"src/main.ts": entry}))
    translations = folder / "dist" / "translations"
    translations.mkdir()
    (translations / "en.json").write_text('{"NAME": "English"}')
    (translations / "de.json").write_text('{"NAME": "Deutsch"}')
    templates = folder / "templates"
    templates.mkdir()
    (templates / "page.html").write_text(
        '<html lang="{{ lang }}"><title>{{ config.name }}</title>'
        '{% for url in assets.scripts %}<script type="module" src="{{ url }}"></script>{% endfor %}'
        '{% for url in assets.styles %}<link rel="stylesheet" href="{{ url }}">{% endfor %}'
        '<script type="application/json">{{ config | tojson }}</script></html>'
    )
    (templates / "operator.html").write_text("<h1>Operator</h1>")
    (templates / "error.html").write_text("<h1>{{ title }}</h1><p>{{ sentence }}</p>")
    return folder


@pytest.fixture
def serve(clock: Clock, page_folder: Path) -> Any:
    """`async with serve(setting=...) as broker`: the application, with a scripted daemon behind it if asked for."""

    @asynccontextmanager
    async def serving(daemon: Guacd | None = None, **settings: Any) -> AsyncIterator[Broker]:
        values: dict[str, Any] = {"secret_key": SECRET, "store": "sqlite://", **settings}
        values |= {"guacd_port": processes.free_port(), **values}
        if daemon is not None and daemon.port:
            values |= {"guacd_hostname": "127.0.0.1", "guacd_port": daemon.port}
        app = make_app(Settings(**values), clock=clock, webapp=page_folder)
        async with TestClient(TestServer(app)) as client:
            yield Broker(client, clock, daemon)

    return serving


@pytest.fixture
async def broker(serve: Any) -> AsyncIterator[Broker]:
    """A broker without a daemon."""
    async with serve() as serving:
        yield serving


@pytest.fixture
async def relay(serve: Any) -> AsyncIterator[Broker]:
    """A broker in front of a scripted daemon."""
    async with Guacd() as daemon, serve(daemon) as serving:
        yield serving


@pytest.fixture
def log_lines() -> Any:
    """Everything that is logged meanwhile."""
    with structlog.testing.capture_logs() as lines:
        yield lines
