"""The operator's page on a whole site: who is connected, a word to them, the end, and who is let in again."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from typing import TYPE_CHECKING

import asyncssh
import pytest

from broker.bans import Bans
from broker.gate.host_keys import GATE, PinnedKeys
from broker.gate.instances import Instances
from broker.gate.reports import Reports
from broker.links import Signer
from broker.networks.registry import Connector, PrivateNetworks
from broker.store import open_store
from tests.e2e.screen import Screen, eventually
from tests.e2e.site import ROOT, Site
from tests.fakes.platform import PlatformError
from tests.servers.private import ConnectorProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from broker.store import Store

pytestmark = [pytest.mark.real, pytest.mark.e2e]
AXE = ROOT / "webapp" / "node_modules" / "axe-core" / "axe.min.js"
SECRET = bytes(range(32))
ORIGIN = "https://desk.example.org"


@pytest.fixture(scope="module")
def site(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    ring: Path = tmp_path_factory.mktemp("ring") / "ring.toml"
    secret = base64.b64encode(SECRET).decode()
    ring.write_text(f'[ops]\nsecret = "{secret}"\nschemes = ["jwt"]\noperator = true\n')
    settings = {"key-ring": str(ring), "public-origin": ORIGIN, "ban-after": 2, "detach-timeout": 900}
    with Site(640, 480, settings) as running:
        yield running


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """The operator's page, by a link; at the end nothing may have gone wrong unseen."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(**settings: object) -> Page:
        # the cookie is for https: what a front proxy ends, the test leaves out
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}} | settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: "Policy" in message.text and complaints.append(message.text))
        token = Signer(ORIGIN, "ops", SECRET).token("", "", "", cnx={}, sub="olga", role="operator")
        answer = context.request.get(f"{site.url}/connect?jwt={token}", max_redirects=0)
        cookie = answer.headers["set-cookie"].partition(";")[0].partition("=")
        context.add_cookies([{"name": cookie[0], "value": cookie[2], "url": f"{site.url}/"}])
        page.goto(f"{site.url}/operator")
        page.wait_for_selector("#state:has-text('As of')")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_word_and_the_end(open_page: Callable[..., Page], page: Page, site: Site) -> None:
    Screen(page).open(site.link("ssh"))
    operator = open_page()
    assert operator.locator("#sessions").inner_text() == "1"
    assert operator.locator("#proxyd").inner_text() == "1 of 1"
    operator.fill("#filter", "nobody at all")
    assert operator.locator("#running tbody tr").count() == 0
    operator.fill("#filter", f"{site.sshd.user} ssh")
    operator.get_by_role("button", name="Details").click()
    operator.fill("#message input", "Maintenance at noon.")
    operator.get_by_role("button", name="Send").click()
    operator.wait_for_selector("#done:has-text('Sent.')")
    page.wait_for_selector("#notice:has-text('Maintenance at noon.')", state="visible")
    operator.fill("#end input", "It is noon.")
    operator.get_by_role("button", name="End session").click()
    page.wait_for_selector("#failure:has-text('It is noon.')", state="visible")
    operator.wait_for_selector("#running-empty", state="visible")


def test_who_is_away_is_shown_and_ended(open_page: Callable[..., Page], page: Page, site: Site) -> None:
    before = site.sshd.sessions()
    Screen(page).open(site.link("ssh"))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")
    operator = open_page()
    operator.wait_for_selector("#running td:has-text('away for')")
    assert site.sshd.sessions() == before + 1
    operator.get_by_role("button", name="Details").click()
    operator.fill("#end input", "Nobody was here.")
    operator.get_by_role("button", name="End session").click()
    operator.wait_for_selector("#running-empty", state="visible")
    eventually(lambda: site.sshd.sessions() == before, "the shell is gone")


def in_store(site: Site, work: Callable[[Store], Awaitable[None]]) -> None:
    """Do something with the site's store, as another broker on it would."""

    async def opened() -> None:
        store = open_store(f"sqlite:///{site.folder / 'broker.sqlite'}", time.time)
        await work(store)
        await store.close()

    thread = threading.Thread(target=lambda: asyncio.run(opened()))  # playwright has this one's loop
    thread.start()
    thread.join()


async def keep_out(store: Store) -> None:
    """What many refusals come to."""
    for _ in range(14):
        await Bans(store, time.time, 2, 3600).failed("address 192.0.2.9", "bad-signature")


def test_refusals_and_bans(open_page: Callable[..., Page], site: Site) -> None:
    body = site.platform.body("127.0.0.1", "ssh")
    with pytest.raises(PlatformError):
        site.platform.post(body.replace("guac.hostname=127.0.0.1", "guac.hostname=127.0.0.2"))
    in_store(site, keep_out)
    operator = open_page()
    operator.wait_for_selector("#refusals td:has-text('bad-signature')")
    operator.get_by_role("button", name="Let in again").click()
    operator.wait_for_selector("#bans-empty", state="visible")


async def go_back_from_an_update(store: Store) -> None:
    """A connector had its turn, and came back with the version that it had before."""
    rollouts = PrivateNetworks(store, time.time).rollouts
    connector = Connector("lab", "m1", connected=True, since=0, seen=0, host="gw1", version="1.0.0")
    await rollouts.take_turn(connector, "p1", "2.0.0")
    await rollouts.came(connector, "p2")


def test_a_private_network_gets_a_key_and_what_its_connector_reaches_is_tried(
    open_page: Callable[..., Page], site: Site, tmp_path: Path
) -> None:
    operator = open_page()
    operator.get_by_text("New network").click()
    operator.get_by_label("Name").fill("lab")
    operator.get_by_label("Connectors dial").fill(f"{site.url.replace('http', 'ws')}/connector")
    operator.get_by_role("button", name="Make its key").click()
    said = operator.wait_for_selector("#network-said:has-text('-----END FANLIGHT CONNECTOR KEY-----')")
    operator.get_by_role("button", name="Manage: lab").click()
    operator.wait_for_selector("#network-firewall:has-text('ip daddr 127.0.0.1 tcp dport')")
    operator.evaluate(AXE.read_text())
    assert violations(operator) == []
    operator.get_by_label("Try a target").fill("db:22")
    operator.get_by_role("button", name="Try").click()
    operator.wait_for_selector("#network-answer:has-text('No connector is connected.')")
    connector = ConnectorProcess(
        tmp_path / "connector", said.text_content(), f"127.0.0.1/32:{site.sshd.port}"
    )
    try:
        operator.wait_for_selector("#networks span:text-is('connected')", state="attached")
        for target, answer in [
            (f"127.0.0.1:{site.sshd.port}", "✓ banner: SSH: SSH-2.0-OpenSSH"),
            ("127.0.0.1:1", "✕ permit: 127.0.0.1:1 is not in the connector's allowed-targets"),
        ]:
            operator.get_by_label("Try a target").fill(target)
            operator.get_by_role("button", name="Try").click()
            operator.wait_for_selector(f'#network-answer:has-text("{answer}")')
    finally:
        connector.stop()
    in_store(site, go_back_from_an_update)
    row = operator.locator("#networks tbody tr")
    row.get_by_text("2.0.0 is held back").wait_for(state="attached")
    operator.get_by_role("button", name="Close").click()
    operator.get_by_role("button", name="Manage: lab").click()
    operator.get_by_text("2.0.0 is held back: gw1 went back to its old version").wait_for()
    assert violations(operator) == []
    operator.get_by_role("button", name="Try the update again").click()
    operator.wait_for_selector("#network-answer:has-text('Connectors may try it again')")
    row.get_by_text("2.0.0 is held back").wait_for(state="detached")
    operator.get_by_role("button", name="New key").click()
    operator.wait_for_selector("#network-answer:has-text('Key 2.')")
    operator.get_by_role("button", name="Revoke all keys").click()
    operator.wait_for_selector("#network-answer:has-text('Revoked')")


OLD, NEW, NEWER = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
MARKUP = "<img src=x onerror=\"document.title='owned'\">"


async def report(store: Store) -> None:
    """An instance that is not what it was, and whose every word is markup."""
    await Instances(store, time.time).add(
        {"name": MARKUP, "owner": "alice", "addresses": ["10.20.3.4"], "service": MARKUP}, identifier="42"
    )
    said = {"READY": "NO", "BROKER_AGENT": MARKUP, "BROKER_ERROR": f"\u202e{MARKUP}", "NOTE": f"\x9b{MARKUP}"}
    await Reports(store, time.time).merge(
        "42", {**said, "V": {"A": MARKUP}, "W" * 64: "w" * 400}, "10.20.3.4"
    )
    await show_keys(store, OLD, NEW)


async def show_keys(store: Store, *keys: asyncssh.SSHKey) -> None:
    for key in keys:
        text = key.export_public_key().decode()
        await PinnedKeys(store, time.time).saw("42", [text], GATE, "10.6.6.6")


def test_an_instance_that_changed_is_decided_about(open_page: Callable[..., Page], site: Site) -> None:
    in_store(site, report)
    operator = open_page(color_scheme="dark", viewport={"width": 390, "height": 844}, is_mobile=True)
    operator.fill("#instances-filter", "nothing of the kind")
    operator.wait_for_selector("#instances-empty:has-text('Nothing matches')", state="visible")
    operator.fill("#instances-filter", "changed 10.20")
    operator.wait_for_selector("#instances td:has-text('host key changed')")
    operator.get_by_role("button", name="Details: 42").click()
    alarm = operator.locator("#instance-alarm")
    alarm.wait_for()
    for key in (OLD, NEW):
        assert key.get_fingerprint() in alarm.inner_text()
    # its words are words
    assert operator.locator("#instance-words dd").all_inner_texts() == [
        "NO",
        MARKUP,
        MARKUP,
        MARKUP,
        f"[A={MARKUP}]",
        "w" * 199 + "…",
    ]
    assert operator.locator("#instances img, #instance img").count() == 0
    assert operator.title() == "Operator – Fanlight"
    for shown in ("document.documentElement", "document.querySelector('#instance')"):
        assert operator.evaluate(f"{shown}.scrollWidth <= {shown}.clientWidth")
    operator.evaluate(AXE.read_text())
    assert violations(operator) == []
    # another key, while the operator reads: what was not seen is not decided
    in_store(site, lambda store: show_keys(store, NEWER))
    operator.get_by_role("button", name="Accept new key").click()
    operator.wait_for_selector("#instance-answer:has-text('Accepted')")
    assert NEW.get_fingerprint() in operator.locator("#instance-pins").inner_text()
    assert NEWER.get_fingerprint() in alarm.inner_text()
    operator.get_by_role("button", name="Keep the old key").click()
    operator.wait_for_selector("#instance-answer:has-text('The old key stays')")
    assert alarm.is_hidden()
    operator.get_by_role("button", name="Revoke its tokens").click()
    operator.wait_for_selector("#instance-facts [data-bad]:has-text('none')")
    operator.once("dialog", lambda asked: asked.accept())
    operator.get_by_role("button", name="Remove it").click()
    operator.wait_for_selector("#instances-empty", state="visible")


@pytest.mark.parametrize(
    "appearance",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}, "is_mobile": True},
        {"color_scheme": "light", "contrast": "more"},
    ],
    ids=["light", "dark", "contrast"],
)
def test_nothing_is_found_by_axe(
    open_page: Callable[..., Page], page: Page, site: Site, appearance: dict[str, object]
) -> None:
    Screen(page).open(site.link("ssh"))
    operator = open_page(**appearance)
    assert operator.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    operator.evaluate(AXE.read_text())
    assert violations(operator) == []
    operator.get_by_role("button", name="Details").first.click()
    assert violations(operator) == []


def violations(page: Page) -> list[str]:
    found = page.evaluate("() => axe.run(document)")["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def test_other_people_get_a_page_that_says_no(page: Page, site: Site) -> None:
    answer = page.goto(f"{site.url}/operator")
    assert answer is not None
    assert answer.status == 403
    assert page.locator("h1").inner_text() == "This link is no longer valid"
