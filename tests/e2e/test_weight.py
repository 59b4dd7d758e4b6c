"""What a first visit costs, and that a second one costs next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

    from tests.e2e.site import Site

pytestmark = [pytest.mark.real, pytest.mark.e2e]

FIRST_LOAD = 100_000
"""Bytes as they travel, without images."""


def test_a_first_load_is_light_and_asks_no_other_host(page: Page, site: Site) -> None:
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    Screen(page).open(site.link("ssh"))
    loaded = [answer for answer in answers if not urlsplit(answer.url).path.endswith((".svg", ".png"))]
    assert sum(answer.request.sizes()["responseBodySize"] for answer in loaded) < FIRST_LOAD
    packed = [answer for answer in loaded if "/assets/" in answer.url or answer.url.endswith("/guacamole/")]
    assert packed
    assert all(answer.headers.get("content-encoding") for answer in packed)
    assert {urlsplit(answer.url).netloc for answer in answers} == {urlsplit(site.url).netloc}


def test_hashed_files_are_not_asked_for_again(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    page.wait_for_selector("#sign-in", state="visible")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    asked: dict[str, bool] = {}

    def note(event: dict[str, Any]) -> None:
        asked.setdefault(event["response"]["url"], bool(event["response"].get("fromDiskCache")))

    kept: set[str] = set()
    network.on("Network.responseReceived", note)
    network.on("Network.requestServedFromCache", lambda event: kept.add(event["requestId"]))
    page.goto("about:blank")
    page.goto(site.url + "/")
    page.wait_for_selector("#sign-in", state="visible")
    hashed = {url: cached for url, cached in asked.items() if "/assets/" in url}
    assert len(hashed) >= 2
    assert all(hashed.values()) or len(kept) >= len(hashed)
