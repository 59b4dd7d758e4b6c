"""A session shared by its menu: a second person watches, controls, and is gone when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import Screen, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.e2e.site import Site

SIZE = {"width": 640, "height": 480}
pytestmark = [pytest.mark.real, pytest.mark.e2e]


def is_prompt(row: str) -> bool:
    return row.rstrip().endswith(("#", "$"))


def shared_link(page: Page, profile: str) -> str:
    page.locator("#menu-handle").click()
    if page.locator("#share-links").get_attribute("open") is None:
        page.locator("#share-links > summary").click()
    page.locator(f"#share-{profile}").check()
    fields = page.locator("#shares li input")
    made = fields.count()
    page.locator("#share-form button").click()
    fields.nth(made).wait_for()
    address = fields.nth(made).input_value()
    page.keyboard.press("Escape")
    return address


def test_a_guest_sees_what_the_owner_sees_and_does_what_the_link_permits(
    page: Page, chromium: Browser, site: Site
) -> None:
    page.set_viewport_size(SIZE)
    owner = Screen(page).open(site.link("ssh"))
    owner.wait_for_row(is_prompt, "a prompt")
    watch, control = shared_link(page, "watch"), shared_link(page, "control")
    contexts = [chromium.new_context(viewport=SIZE) for _ in range(2)]
    for context in contexts:
        context.add_init_script("localStorage.setItem('fanlight.menu-hint-seen', '1')")
    watcher, helper = (
        Screen(context.new_page()).open(link)
        for context, link in zip(contexts, (watch, control), strict=True)
    )
    page.wait_for_selector("#notice >> text=Guest 2")
    for screen in (watcher, helper):
        screen.wait_for_row(is_prompt, "the owner's prompt")
    watcher.type("echo nev''er\n")
    helper.type("clear; echo fr''om-helper\n")
    for screen in (owner, watcher, helper):
        screen.wait_for_row(lambda row: row.strip() == "from-helper", "what the helper ran")
    assert not any("nev" in row for row in owner.text())
    assert not watcher.page.locator("#share-links").is_visible()
    page.locator("#menu-handle").click()
    assert page.locator("#guests li").count() == 2
    page.locator("#share-stop").click()
    for screen in (watcher, helper):
        eventually(lambda screen=screen: screen.state in {"error", "disconnected"}, "the guest was sent away")
        assert "ended" in screen.page.locator("#failure").inner_text()
    assert owner.state == "connected"
    for context in contexts:
        context.close()
