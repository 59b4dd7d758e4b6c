"""A peer's client unchanged: both tunnels of guacamole-common-js 1.5.0 in Chromium, through a real nginx with TLS."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.e2e.screen import eventually
from tests.e2e.site import ROOT, Site
from tests.packaging.test_nginx import adapt, write_certificate
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.real, pytest.mark.e2e]

LIBRARY = ROOT / "webapp" / "node_modules" / "guacamole-common-js" / "dist" / "esm" / "guacamole-common.js"
DRIVER = """
window.start = (kind, parameters) => {
  const tunnel = kind === "http"
    ? new Guacamole.HTTPTunnel("/guacamole/tunnel")
    : new Guacamole.WebSocketTunnel("/guacamole/websocket-tunnel");
  const client = window.client = new Guacamole.Client(tunnel);
  window.states = []; window.failures = []; window.frames = 0;
  client.onstatechange = (state) => window.states.push(state);
  client.onerror = tunnel.onerror = (status) => window.failures.push([status.code, status.message]);
  client.onsync = () => window.frames++;
  document.body.append(client.getDisplay().getElement());
  client.connect(parameters);
};
window.type = (text) => {
  for (const character of text) {
    const keysym = character === "\\n" ? 0xff0d : character.charCodeAt(0);
    client.sendKeyEvent(1, keysym); client.sendKeyEvent(0, keysym);
  }
};
window.ready = true;
"""
CONNECTED, DISCONNECTED = 3, 5
"""States of `Guacamole.Client`."""


@pytest.fixture(scope="module")
def secure_site(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """A site behind nginx, and its address there."""
    folder = tmp_path_factory.mktemp("nginx")
    with Site(640, 480, {"trusted-proxies": ["127.0.0.1"]}) as site:
        plain, secure = processes.free_port(), processes.free_port()
        write_certificate(folder)
        port = urlsplit(site.url).port
        assert port
        nginx = processes.start("nginx", "-c", str(adapt(folder, port, plain, secure)))
        try:
            processes.wait_for_port(secure, nginx)
            yield site, f"https://127.0.0.1:{secure}/guacamole"
        finally:
            processes.stop(nginx)


@pytest.fixture
def peer_page(chromium: Browser, secure_site: tuple[Site, str]) -> Iterator[Page]:
    """The library and nothing of ours, on a real page of the site: browsers trust a made-up one less."""
    context = chromium.new_context(ignore_https_errors=True, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{secure_site[1]}/api/languages")
    library = LIBRARY.read_text().rpartition("export ")[0]
    page.add_script_tag(content=f"{library}\nwindow.Guacamole = Guacamole;\n{DRIVER}", type="module")
    page.wait_for_function("window.ready")
    yield page
    context.close()


def parameters(site: Site) -> str:
    """What the stock page sends after the platform's link was opened."""
    link = urlsplit(site.link("ssh"))
    encoded, query = link.fragment.removeprefix("/client/").split("?", 1)
    identifier, kind, source = base64.b64decode(encoded).decode().split("\0")
    return urlencode(
        {
            "token": parse_qs(query)["token"][0], "GUAC_ID": identifier, "GUAC_TYPE": kind, "GUAC_DATA_SOURCE": source,
            "GUAC_WIDTH": 640, "GUAC_HEIGHT": 480, "GUAC_DPI": 96, "GUAC_IMAGE": "image/png",
        }
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_a_whole_session(secure_site: tuple[Site, str], peer_page: Page, kind: str, tmp_path: Path) -> None:
    site, _ = secure_site
    peer_page.evaluate("([kind, parameters]) => start(kind, parameters)", [kind, parameters(site)])
    peer_page.wait_for_function(f"states.includes({CONNECTED})", timeout=20_000)
    proof = tmp_path / "proof"
    peer_page.evaluate("text => type(text)", f"echo $((6*7)) >{proof}\n")
    eventually(lambda: proof.exists() and proof.read_text() == "42\n", "the shell ran what was typed")
    size = peer_page.evaluate("[client.getDisplay().getWidth(), client.getDisplay().getHeight()]")
    assert size[0] > 600
    assert size[1] > 440
    peer_page.wait_for_function("frames > 0", timeout=20_000)
    before = peer_page.evaluate("frames")
    # how many frames a flood takes is the daemon's business: a quick machine needs few
    peer_page.evaluate("text => type(text)", f"seq 1 3000; echo done >{proof}\n")
    eventually(lambda: proof.read_text() == "done\n", "the flood ended")
    peer_page.wait_for_function(f"frames > {before}", timeout=20_000)
    peer_page.evaluate("text => type(text)", "exit\n")
    peer_page.wait_for_function(f"states.includes({DISCONNECTED})", timeout=20_000)
    assert peer_page.evaluate("failures") == []


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_a_token_that_is_not_good(secure_site: tuple[Site, str], peer_page: Page, kind: str) -> None:
    site, _ = secure_site
    wrong = re.sub(r"token=[0-9A-F]+", f"token={'0' * 64}", parameters(site))
    peer_page.evaluate("([kind, parameters]) => start(kind, parameters)", [kind, wrong])
    peer_page.wait_for_function("failures.length > 0", timeout=20_000)
    assert peer_page.evaluate("failures[0][0]") == 0x0301
