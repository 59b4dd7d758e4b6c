"""The page, its files, and what every answer carries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from broker.webapp import Assets, Webapp, default_folder

if TYPE_CHECKING:
    from tests.broker.conftest import Broker


async def test_the_page(serve: Any) -> None:
    async with serve(
        site_name="Example </script> University", portal_url="https://portal.example/"
    ) as broker:
        answer = await broker.client.get("/guacamole/")
        text = await answer.text()
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert '<script type="module" src="/guacamole/assets/main-abc123.js">' in text
        assert 'href="/guacamole/assets/main-abc123.css"' in text
        config = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', text)[0])
        assert config["name"] == "Example </script> University"
        assert config["portal_url"] == "https://portal.example/"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("fr,de;q=0.8", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("," * 500, "en"),
    ],
)
async def test_the_pages_language(broker: Broker, accepted: str, language: str) -> None:
    answer = await broker.client.get("/guacamole/", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in await answer.text()


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("assets/main-abc123.js", "immutable"),
        ("assets/main-abc123.css", "immutable"),
        ("favicon.svg", "no-cache"),
        ("translations/de.json", "no-cache"),
    ],
)
async def test_files(broker: Broker, path: str, cache: str) -> None:
    answer = await broker.client.get(f"/guacamole/{path}")
    assert answer.status == 200
    assert cache in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "none.js", ".hidden", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "assets/../../secret.txt",
        "assets", "assets/", "%00", "a%00b", "/etc/passwd", "//etc/passwd", "assets/%2e%2e/%2e%2e/secret.txt",
    ],
)  # fmt: skip
async def test_files_that_are_not_given(broker: Broker, path: str) -> None:
    from yarl import URL

    answer = await broker.client.get(URL(f"/guacamole/{path}", encoded=True))
    assert answer.status == 404
    assert await answer.text() != "no"


async def test_a_link_out_of_the_folder_is_not_followed(broker: Broker) -> None:
    dist = broker.parts.webapp.dist
    (dist / "leak.txt").symlink_to(dist.parent / "secret.txt")
    assert (await broker.client.get("/guacamole/leak.txt")).status == 404


async def test_the_root_leads_to_the_page(broker: Broker) -> None:
    answer = await broker.client.get("/", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/guacamole/")
    assert (await broker.client.get("/guacamole", allow_redirects=False)).headers["Location"] == "/guacamole/"


@pytest.mark.parametrize("base_path", ["/", "/desk/", "/a/b/"])
async def test_another_base_path(serve: Any, base_path: str) -> None:
    async with serve(base_path=base_path) as broker:
        assert f'src="{base_path}assets/main-abc123.js"' in await (await broker.client.get(base_path)).text()
        assert (await broker.client.get(f"{base_path}assets/main-abc123.js")).status == 200
        assert (await broker.client.get(f"{base_path}api/languages")).status == 200


async def test_languages_and_patches(broker: Broker) -> None:
    assert await (await broker.client.get("/guacamole/api/languages")).json() == {
        "de": "Deutsch",
        "en": "English",
    }
    assert await (await broker.client.get("/guacamole/api/patches")).json() == []


@pytest.mark.parametrize(
    "path",
    [
        "/guacamole/",
        "/guacamole/api/languages",
        "/guacamole/none",
        "/healthz",
        "/guacamole/assets/main-abc123.js",
    ],
)
async def test_what_every_answer_carries(serve: Any, path: str) -> None:
    async with serve(allowed_origins="https://portal.example") as broker:
        headers = (await broker.client.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'self' https://portal.example"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in headers


async def test_a_person_gets_a_page_and_a_program_gets_json(broker: Broker) -> None:
    person = await broker.client.get("/guacamole/none", headers={"Accept": "text/html,*/*"})
    assert (person.status, person.content_type) == (404, "text/html")
    assert "There is nothing here" in await person.text()
    program = await broker.client.get("/guacamole/none")
    assert (program.status, program.content_type) == (404, "application/json")


async def test_without_a_bundle_it_says_so(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker.parts.webapp, "assets", Assets())
    answer = await broker.client.get("/guacamole/")
    assert answer.status == 503
    assert "make setup" in await answer.text()


def test_the_manifest_is_followed() -> None:
    manifest = {
        "src/main.ts": {
            "file": "assets/main.js",
            "css": ["assets/main.css"],
            "imports": ["_a.js"],
            "dynamicImports": ["lazy"],
        },
        "_a.js": {"file": "assets/a.js", "css": ["assets/a.css"], "imports": ["_b.js"]},
        "_b.js": {"file": "assets/b.js", "imports": ["_a.js"]},
        "lazy": {"file": "assets/lazy.js"},
    }
    assets = Assets.of(manifest)
    assert assets == Assets(
        ("assets/main.js",), ("assets/main.css", "assets/a.css"), ("assets/a.js", "assets/b.js")
    )
    assert Assets.of({}) == Assets()


def test_the_page_that_is_shipped(tmp_path: Path) -> None:
    """The real templates render with what the broker gives them."""
    webapp = Webapp(default_folder())
    config = dict.fromkeys(
        ("name", "version", "portal_url", "portal_name", "help_url", "help_name", "banner"), ""
    )
    assert "</html>" in webapp.render("page.html", "/guacamole/", "en", config)
    assert "went wrong" in webapp.render(
        "error.html", "/guacamole/", "en", config, title="t", sentence="went wrong", code=""
    )


async def test_what_portals_load_may_come_from_another_site(broker: Broker, page_folder: Path) -> None:
    """The script for embedding, and nothing else."""
    (page_folder / "dist" / "embed.js").write_text("1")
    answer = await broker.client.get("/guacamole/embed.js")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer = await broker.client.get("/guacamole/favicon.svg")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
