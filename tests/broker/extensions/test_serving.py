"""Bundles through the broker: what browsers are sent, and how long they may keep it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from broker.reload import read_again
from tests.broker.extensions.bundles import PAGE, archive, files, folder

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS: dict[str, str | bytes] = {
    "css/a.css": "body{}",
    "js/a.js": "a()",
    "h.html": '<meta name="after" content=".logo"><i></i>',
    "r/logo.svg": "<svg/>",
    "r/help.html": "<p>help</p>",
    "secret.txt": "not declared",
    "t/en.json": '{"APP": {"NAME": "Gateway to Saturn"}, "cancel": "Stop"}',
    "t/eo.json": '{"NAME": "Esperanto"}',
    "s.png": b"\x89PNG\r\n\x1a\n",
}
MANIFEST: dict[str, Any] = {
    "css": ["css/a.css"], "js": ["js/a.js"], "html": ["h.html"], "translations": ["t/en.json", "t/eo.json"],
    "resources": {"r/logo.svg": "image/svg+xml", "r/help.html": "text/html"}, "smallIcon": "s.png",
}  # fmt: skip


@pytest.fixture
def directory(tmp_path: Path, page_folder: Path) -> Path:
    config = '<script type="application/json">{{ config | tojson }}</script></head>'
    page = PAGE.replace("</head>", config).replace('lang="en"', 'lang="{{ lang }}"')
    (page_folder / "templates" / "page.html").write_text(page)
    (tmp_path / "extensions").mkdir()
    archive(tmp_path / "extensions" / "a.jar", files(CONTENTS, **MANIFEST))
    return tmp_path / "extensions"


@pytest.mark.parametrize(
    ("path", "media_type", "body"),
    [
        ("app/ext/example/r/logo.svg", "image/svg+xml", b"<svg/>"),
        ("app/ext/example/r/help.html", "text/html", b"<p>help</p>"),
        ("app.css", "text/css", b"body{}"),
        ("app.js", "text/javascript", b"a()"),
        ("images/logo-64.png", "image/png", b"\x89PNG\r\n\x1a\n"),
    ],
)
async def test_files(serve: Any, directory: Path, path: str, media_type: str, body: bytes) -> None:
    async with serve(extension_directory=directory) as broker:
        answer = await broker.client.get(f"/guacamole/{path}")
        assert (answer.status, answer.content_type, await answer.read()) == (200, media_type, body)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = await broker.client.get(
            f"/guacamole/{path}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", answer.headers["ETag"])


@pytest.mark.parametrize(
    "path",
    ["app/ext/example/secret.txt", "app/ext/example/guac-manifest.json", "app/ext/example/css/a.css", "app/ext/other/r/logo.svg",
     "app/ext/example/r/../secret.txt", "app/ext/example/r/%2e%2e/secret.txt", "app/ext/example/", "app.0000000000000000.css",
     "images/logo-144.png", "translations/xx.json", "app/ext/example/r%2flogo.svg%00"],
)  # fmt: skip
async def test_only_what_is_declared_is_served(serve: Any, directory: Path, path: str) -> None:
    from yarl import URL

    async with serve(extension_directory=directory) as broker:
        answer = await broker.client.get(URL(f"/guacamole/{path}", encoded=True))
        assert answer.status == 404


async def test_the_page_and_what_it_loads(serve: Any, directory: Path) -> None:
    async with serve(extension_directory=directory) as broker:
        page = await (await broker.client.get("/guacamole/")).text()
        names = re.findall(r'"/guacamole/(app\.[0-9a-f]{16}\.(?:css|js))"', page)
        assert len(names) == 2
        for name in names:
            answer = await broker.client.get(f"/guacamole/{name}")
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]


async def test_texts_and_languages(serve: Any, directory: Path) -> None:
    async with serve(extension_directory=directory) as broker:
        client = broker.client
        languages = await (await client.get("/guacamole/api/languages")).json()
        assert languages == {"en": "English", "de": "Deutsch", "eo": "Esperanto"}
        english = await (await client.get("/guacamole/translations/en.json")).json()
        assert english == {"NAME": "English", "APP.NAME": "Gateway to Saturn", "cancel": "Stop"}
        esperanto = await client.get("/guacamole/", headers={"Accept-Language": "eo"})
        assert '<html lang="eo">' in await esperanto.text()
        assert (await (await client.get("/guacamole/translations/eo.json")).json())["cancel"] == "Stop"


@pytest.mark.parametrize(
    ("settings", "name"),
    [({}, "Gateway to Saturn"), ({"site_name": "Example University"}, "Example University")],
)
async def test_the_name_of_the_site(serve: Any, directory: Path, settings: dict[str, str], name: str) -> None:
    async with serve(extension_directory=directory, **settings) as broker:
        page = await (await broker.client.get("/guacamole/")).text()
        (config,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
        assert json.loads(config)["name"] == name


async def test_patches_as_they_are(serve: Any, directory: Path) -> None:
    async with serve(extension_directory=directory) as broker:
        assert await (await broker.client.get("/guacamole/api/patches")).json() == [CONTENTS["h.html"]]


async def test_a_broken_bundle_leaves_the_site_as_it_is(serve: Any, directory: Path) -> None:
    (directory / "broken.jar").write_bytes(b"PK")
    async with serve(extension_directory=directory) as broker:
        assert (await broker.client.get("/guacamole/")).status == 200
        assert [problem.file for problem in broker.parts.extensions.current.problems] == ["broken.jar"]


async def test_a_new_theme_is_worn_without_a_restart(
    serve: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.app.EXTENSIONS_INTERVAL", 0.01)
    async with serve(extension_directory=directory) as broker:
        token = await broker.token()
        folder(directory / "b", files({"a.css": ".new{}"}, css=["a.css"], namespace="b"))
        read_again(broker.parts)
        async with asyncio.timeout(10):
            while ".new{}" not in await (await broker.client.get("/guacamole/app.css")).text():
                await asyncio.sleep(0.01)
        answer = await broker.client.get("/guacamole/api/session/tunnels", headers={"Guacamole-Token": token})
        assert answer.status == 200
