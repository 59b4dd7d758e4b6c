"""The page in a real browser, in front of a web tier that does as scripted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import built_page, chromium
from tests.fakes import tunnel_scripts, web_tier
from tests.webapp.person import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.fakes.web_tier import WebTier

__all__ = ["built_page", "chromium"]


@pytest.fixture
def tier(built_page: None) -> Iterator[WebTier]:
    with web_tier.WebTier() as running:
        running.connections = {"desktop": "vnc", "shell": "ssh"}
        running.scripts = {"desktop": tunnel_scripts.paints_desktop, "shell": tunnel_scripts.paints_shell}
        yield running


@pytest.fixture
def visit(chromium: Browser, tier: WebTier) -> Iterator[Callable[..., Person]]:
    """Makes persons, each with a browser of their own; at the end nothing may have gone wrong unseen."""
    persons: list[Person] = []

    def make(**settings: object) -> Person:
        persons.append(
            Person(chromium.new_context(**{"viewport": {"width": 800, "height": 600}} | settings), tier)
        )
        return persons[-1]

    yield make
    for person in persons:
        person.context.close()
    assert [complaint for person in persons for complaint in person.complaints] == []


@pytest.fixture
def person(visit: Callable[..., Person]) -> Person:
    return visit(permissions=["clipboard-read", "clipboard-write"])
