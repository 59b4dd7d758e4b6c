"""A portal's page with a session in a frame of it: another site, a real browser, tickets from its own backend."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import eventually
from tests.e2e.site import Site
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import FrameLocator, Page

pytestmark = [pytest.mark.real, pytest.mark.e2e]

PAGE = """<!doctype html><html lang="en"><title>Portal</title>
<meta http-equiv="Content-Security-Policy"
  content="script-src 'self' %(fanlight)s; frame-src %(fanlight)s; style-src 'none'">
<h1>My instance</h1><div id="shell"></div><script src="%(script)s" %(kind)s></script>
<script src="/portal.js" %(kind)s></script></html>"""
SCRIPT = """
window.states = [];
window.session = Fanlight.open({
  target: "#shell",
  url: "%s/",
  title: "Shell of my instance",
  ticket: async () => (await fetch("/ticket", { method: "POST" })).text(),
  onState: (state, code) => window.states.push([state, code]),
});
"""


class Portal:
    """A portal on `localhost`, which to a browser is another site than `127.0.0.1`."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://localhost:{port}"
        self.tickets = 0
        self.kind = ""
        self.site: Site | None = None
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert portal.site is not None
                origin = portal.site.url.removesuffix("/guacamole")
                if self.path == "/portal.js":
                    self._answer("text/javascript", SCRIPT % portal.site.url)
                    return
                script = f"{portal.site.url}/embed.js"
                self._answer("text/html", PAGE % {"fanlight": origin, "script": script, "kind": portal.kind})

            def do_POST(self) -> None:
                assert portal.site is not None
                portal.tickets += 1
                self._answer("text/plain", portal.site.link("ssh"))

            def _answer(self, kind: str, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="portal")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def portal(built_page: None) -> Iterator[Portal]:
    running = Portal(processes.free_port())
    with Site(640, 480, {"allowed-origins": [running.origin]}) as site:
        running.site = site
        yield running
    running.close()


def wait_for(page: Page, state: str) -> None:
    # not wait_for_function: the portal's policy forbids what that does
    eventually(lambda: page.evaluate("s => window.states.some(([seen]) => seen === s)", state), state)


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title='Shell of my instance']")


@pytest.mark.parametrize("kind", ["", 'type="module"'], ids=["classic", "module"])
def test_a_session_in_a_portal_s_page(page: Page, portal: Portal, kind: str) -> None:
    portal.kind = kind
    before = portal.tickets
    page.goto(portal.origin)
    wait_for(page, "connected")
    assert portal.tickets == before + 1
    frame = frame_of(page)
    frame.locator("#session[data-state='connected']").wait_for()
    frame.locator("#display").click()
    page.keyboard.type("echo from-the-portal > /tmp/x; exit\n")
    wait_for(page, "disconnected")
    page.evaluate("window.session.close()")
    assert page.locator("iframe").count() == 0


def test_a_token_that_is_gone_is_replaced_by_a_fresh_ticket(page: Page, portal: Portal) -> None:
    portal.kind = ""
    assert portal.site is not None
    with page.expect_response("**/api/tokens") as answered:
        page.goto(portal.origin)
    wait_for(page, "connected")
    before = portal.tickets
    page.request.delete(f"{portal.site.url}/api/tokens/{answered.value.json()['authToken']}")
    frame = frame_of(page)
    frame.get_by_role("button", name="Open again").click()
    frame.locator("#session[data-state='connected']").wait_for()
    assert portal.tickets == before + 1


def test_two_frames_do_not_share_their_tokens(page: Page, portal: Portal) -> None:
    portal.kind = ""
    before = portal.tickets
    page.goto(portal.origin)
    wait_for(page, "connected")
    page.evaluate(
        """() => { window.seconds = []; const place = document.createElement("div"); document.body.append(place);
        Fanlight.open({ target: place, ticket: async () => (await fetch("/ticket", { method: "POST" })).text(),
            onState: (state) => window.seconds.push(state) }); }"""
    )
    eventually(lambda: page.evaluate("window.seconds.includes('connected')"), "the second one is open")
    assert portal.tickets == before + 2
    assert page.evaluate("window.states.at(-1)[0]") == "connected"


def test_a_page_that_is_not_listed_gets_nothing(page: Page, portal: Portal) -> None:
    """The browser keeps the frame closed: no ticket is asked for."""
    before = portal.tickets
    page.clock.install()
    page.goto(portal.origin.replace("localhost", "127.0.0.1"))
    page.wait_for_selector("iframe", state="attached")
    page.clock.run_for(16_000)
    wait_for(page, "unreachable")
    assert portal.tickets == before
