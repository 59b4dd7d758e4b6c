"""The page under a theme in the shape of the one that portals have: three patches, malformed as theirs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.extensions.inline import Inline
from broker.extensions.patching import parse_patch, patch_page
from tests.e2e.themes import BANNER, GUIDE, WELCOME

if TYPE_CHECKING:
    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

PATCHES = [parse_patch("theme", source, Inline()) for source in (WELCOME, BANNER, GUIDE)]


def themed(page: str) -> str:
    """The page with the theme's patches, and nothing of its styles."""
    return patch_page(page, PATCHES).html


@pytest.fixture(autouse=True)
def theme(person: Person) -> None:
    person.tier.patch = themed


def test_the_sign_in_page_is_the_theme_s(person: Person) -> None:
    person.page.goto(person.tier.link("desktop", token="B" * 64))
    assert "Welcome to the desktops of Example!" in person.see("#sign-in").inner_text()
    assert person.page.locator(".login-dialog").count() == 0


def test_the_banner_lies_below_a_picture_that_still_fits(person: Person) -> None:
    line = person.open("desktop")
    banner = person.see("#help-section").bounding_box()
    picture = person.page.locator("#display").bounding_box()
    assert banner is not None
    assert picture is not None
    assert int(line.query["GUAC_HEIGHT"]) == picture["height"] == banner["y"]
    assert banner["y"] + banner["height"] == 600


def test_the_guide_lies_above_the_clipboard(person: Person) -> None:
    person.open("desktop")
    person.open_menu()
    guide = person.see(".menu-section >> text=Portal Guide").bounding_box()
    clipboard = person.see("#clipboard-settings").bounding_box()
    assert guide is not None
    assert clipboard is not None
    assert guide["y"] < clipboard["y"]
