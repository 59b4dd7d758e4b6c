"""Kind pages for links that do not open, and sessions that break: plain words, the right hop, nothing left behind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from tests.e2e.screen import Screen, eventually
from tests.e2e.site import SECRET, Site
from tests.fakes.platform import Platform, PlatformError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.real, pytest.mark.e2e]


@pytest.fixture
def own_site(built_page: None) -> Iterator[Site]:
    with Site(640, 480) as running:
        yield running


def sockets_opened(page: Page) -> list[str]:
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


def test_an_unknown_token_gets_a_plain_page_and_no_tunnel(page: Page, site: Site) -> None:
    opened = sockets_opened(page)
    page.goto(
        site.url + "/#/client/" + site.link("ssh").split("#/client/")[1].split("?")[0] + "?token=" + "0" * 64
    )
    page.wait_for_selector(".login-ui", state="visible")
    assert "portal" in page.locator(".login-ui").inner_text().lower()
    assert opened == []


def test_a_spoiled_request_gets_no_token(site: Site) -> None:
    platform = site.platform
    body = platform.body("127.0.0.1", "ssh")
    late = Platform(site.url, SECRET, clock=lambda: time.time() - 3600, ports=platform.ports)
    for spoiled in [
        body.replace("signature=", "signature=AAAA"),
        body.replace("guac.hostname=127.0.0.1", "guac.hostname=127.0.0.2"),
        late.body("127.0.0.1", "ssh"),
    ]:
        with pytest.raises(PlatformError) as refused:
            platform.post(spoiled)
        assert refused.value.status == 403
    assert platform.post(body)
    with pytest.raises(PlatformError):
        platform.post(body)


def test_sshd_dies_and_the_page_names_the_instance(page: Page, own_site: Site, chromium: Browser) -> None:
    shell = Screen(page).open(own_site.link("ssh"))
    other_page = chromium.new_context(viewport={"width": 640, "height": 480}).new_page()
    other = Screen(other_page).open(own_site.link("vnc"))
    before = {process.pid for process in own_site.family("proxyd")}
    own_site.sshd.stop()
    shell.wait_for("error")
    card = page.locator("#failure")
    assert card.get_attribute("data-hop") == "instance"
    assert card.get_attribute("data-code", timeout=1000).startswith("F-515-")
    assert "instance" in card.inner_text().lower()
    reference = card.get_attribute("data-code").rsplit("-", 1)[1]
    assert reference.lower() in own_site.log("proxyd").lower()
    assert reference.lower() in own_site.log("broker").lower()
    assert other.state == "connected"
    assert {process.pid for process in own_site.family("proxyd")} == before
    other_page.context.close()


def test_xvnc_dies_and_the_page_names_the_desktop(page: Page, own_site: Site) -> None:
    desktop = Screen(page).open(own_site.link("vnc"))
    own_site.xvnc.close()
    desktop.wait_for("error")
    card = page.locator("#failure")
    assert card.get_attribute("data-hop") == "desktop"
    assert card.get_attribute("data-code").startswith("F-515-")

    page.goto("about:blank")
    page.goto(own_site.link("vnc"))  # now that none listens
    desktop.wait_for("error")
    assert card.get_attribute("data-hop") == "desktop"
    assert str(own_site.xvnc.port) in card.inner_text()


def test_a_dead_proxyd_is_named_and_the_page_stays(page: Page, own_site: Site) -> None:
    desktop = Screen(page).open(own_site.link("vnc"))
    own_site.stop("proxyd")
    eventually(lambda: desktop.state in {"error", "disconnected", "reconnecting"}, "the page noticed")
    assert page.locator("#display canvas").first.is_visible()


def test_nothing_is_left_after_sessions_end(page: Page, site: Site) -> None:
    def footprint() -> list[tuple[int, int]]:
        """Open descriptors and threads of each of our processes, but for what the browser keeps open."""
        return [
            (p.num_fds() - kept_alive(p), p.num_threads())
            for name in ("proxyd", "broker")
            for p in site.family(name)
        ]

    def kept_alive(process: psutil.Process) -> int:
        """Connections to the page's address that the browser did not close: it may ask for more on them."""
        return sum(
            connection.laddr.port == urlsplit(site.url).port and connection.status == psutil.CONN_ESTABLISHED
            for connection in process.net_connections("tcp")
        )

    for protocol in ("ssh", "vnc"):  # what is made once and kept is made now
        Screen(page).open(site.link(protocol))
        page.goto("about:blank")
    eventually(lambda: site.sshd.sessions() == 0, "the first session ended")
    settled = footprint()
    for _ in range(3):
        for protocol in ("ssh", "vnc"):
            Screen(page).open(site.link(protocol))
            page.goto("about:blank")
    eventually(lambda: site.sshd.sessions() == 0, "every session ended")
    eventually(
        lambda: all(now[0] <= then[0] + 1 for now, then in zip(footprint(), settled, strict=True)),
        f"descriptors return to {settled}, now {footprint()}",
    )
