"""Themes on a whole site: an existing one as it is, and the two that come with Fanlight."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e.screen import Screen, eventually
from tests.e2e.site import ROOT, Site
from tests.e2e.themes import pack_portal_theme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.real, pytest.mark.e2e]

AXE = ROOT / "webapp" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})"""


@pytest.fixture(scope="module")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the site's extensions are in: first the portal's, later others."""
    folder = tmp_path_factory.mktemp("theme")
    directory = tmp_path_factory.mktemp("extensions")
    pack_portal_theme(folder, directory / "theme.jar")
    (directory / "broken.jar").write_bytes(b"PK\3\4 not much of an archive")
    return directory


@pytest.fixture(scope="module")
def themed(built_page: None, extensions: Path) -> Iterator[Site]:
    with Site(settings={"extension-directory": str(extensions)}) as running:
        yield running


@pytest.fixture
def told(page: Page) -> list[str]:
    """What the browser complains of, and every request to another host."""
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("request", lambda request: lines.append(request.url) if foreign(request.url) else None)
    return lines


def foreign(url: str) -> bool:
    return urlsplit(url).scheme.startswith("http") and urlsplit(url).hostname != "127.0.0.1"


def test_the_sign_in_page_is_the_theme_s(page: Page, themed: Site, told: list[str]) -> None:
    page.goto(themed.url + "/")
    assert "Welcome to the desktops of Example!" in page.locator("#sign-in").inner_text()
    assert page.locator(".login-dialog").count() == 0
    logo = page.locator(".welcome img")
    eventually(lambda: logo.evaluate("image => image.naturalWidth") == 304, "the logo")
    assert page.locator(".welcome p").evaluate("p => getComputedStyle(p).fontSize") == "16px"
    assert told == []


def test_an_old_link_is_still_explained(page: Page, themed: Site) -> None:
    page.goto(f"{themed.url}/#/?token={'0' * 64}")
    page.wait_for_selector(".login-error", state="visible")
    assert page.locator(".login-error").inner_text().startswith("This link is no longer valid. ")
    assert page.locator(".welcome").is_visible()


def test_the_session_has_the_banner_and_the_guide(page: Page, themed: Site, told: list[str]) -> None:
    screen = Screen(page).open(themed.link("vnc"))
    banner = page.locator("#help-section")
    box, picture = banner.bounding_box(), page.locator("#display").bounding_box()
    assert box is not None
    assert picture is not None
    assert box["y"] + box["height"] == 768
    assert picture["y"] + picture["height"] <= box["y"]
    assert banner.evaluate("banner => getComputedStyle(banner).backgroundColor") == "rgb(9, 113, 171)"
    page.keyboard.press("Control+Alt+Shift")
    guide = page.locator(".menu-section", has_text="Portal Guide").first
    guide.wait_for(state="visible")
    place, clipboard = guide.bounding_box(), page.locator("#clipboard-settings").bounding_box()
    assert place is not None
    assert clipboard is not None
    assert place["y"] < clipboard["y"]
    page.keyboard.press("Escape")
    banner.click()
    eventually(lambda: (banner.bounding_box() or {"height": 1})["height"] == 0, "the banner hides")
    assert screen.state == "connected"
    assert told == []


def test_the_broken_one_is_named_and_no_more(themed: Site) -> None:
    assert re.search(r"extension skipped .*broken\.jar", themed.log("broker"))
    assert "Traceback" not in themed.log("broker")


APPEARANCES: dict[str, dict[str, str]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "contrast": {"color_scheme": "light", "contrast": "more"},
}
OURS = [("university", "light"), ("university", "dark"), ("night", "light"), ("night", "contrast")]


def wear(name: str, site: Site, directory: Path) -> None:
    """Put one of Fanlight's own themes in the place of the others while the site runs."""
    if (directory / name).exists():
        return
    for path in directory.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = site.log("broker").count("extension in use")
    shutil.copytree(ROOT / "extensions" / name, directory / name)
    eventually(lambda: site.log("broker").count("extension in use") > before, "the theme in use")


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate(RUN)["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def sign_in(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    page.wait_for_selector("#sign-in", state="visible")


def home(page: Page, site: Site) -> None:
    portal = site.platform
    token = portal.post(portal.body("127.0.0.1", "ssh"))
    portal.post(f"{portal.body('127.0.0.1', 'vnc')}&token={token}")
    page.goto(f"{site.url}/#/?token={token}")
    page.wait_for_selector("#connections a", state="visible")


def menu(page: Page, site: Site) -> None:
    Screen(page).open(site.link("ssh"))
    page.keyboard.press("Control+Alt+Shift")
    page.wait_for_selector("#guac-menu[open]")


@pytest.mark.parametrize(("name", "appearance"), OURS)
def test_our_themes_are_readable_everywhere(
    chromium: Browser, themed: Site, extensions: Path, name: str, appearance: str
) -> None:
    wear(name, themed, extensions)
    context = chromium.new_context(
        viewport={"width": 1024, "height": 768}, reduced_motion="reduce", **APPEARANCES[appearance]
    )
    context.add_init_script("try { localStorage.setItem('fanlight.menu-hint-seen', '1') } catch {}")
    page = context.new_page()
    page.set_default_timeout(10_000)
    failed: list[str] = []
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    screens: list[Callable[[Page, Site], None]] = [sign_in, home, menu]
    for screen in screens:
        page.goto("about:blank")
        screen(page, themed)
        assert (screen.__name__, violations(page)) == (screen.__name__, [])
    context.close()
    assert failed == []
