"""A site and a real browser for the tests in this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.site import ROOT, Site
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


# by module: while it is open the thread has a running loop, which async tests could not bear
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = processes.require("chromium", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def built_page() -> None:
    if not (ROOT / "webapp" / "dist" / "manifest.json").exists():
        pytest.fail("webapp/dist is not built: run `make setup`")


@pytest.fixture(scope="module")
def site(built_page: None) -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1024, "height": 768})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(
        "try { localStorage.setItem('fanlight.menu-hint-seen', '1') } catch {}"
    )  # the notice covers the picture
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert failures == []
