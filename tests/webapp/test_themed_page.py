"""The page under a theme in the shape of the one that portals have: three patches, malformed as theirs are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

WELCOME = '<div class="welcome"><h1>Welcome to our site!</h2><p>Sessions open from the portal.</p></div>'
BANNER = '<div id="help-section"><p><b>Attention:</b> use <code>CTRL+ALT+SHIFT</code></p></div>'
GUIDE = (
    '<div class="menu-section"><h3>User Guide</h3><div class="content"><p class="description">Hints</p></div>'
)


def themed(page: str) -> str:
    """Replace the dialog, put a banner after the content and a guide before the clipboard."""
    page = re.sub(
        r'<div class="login-dialog .*?</div>\s*</div>\s*</div>\s*</div>',
        WELCOME + "</div>",
        page,
        flags=re.DOTALL,
    )
    page = re.sub(r"(?=</main>\s*<dialog)", BANNER, page)
    return page.replace(
        '<details class="menu-section" id="clipboard',
        GUIDE + '</div><details class="menu-section" id="clipboard',
    )


@pytest.fixture(autouse=True)
def theme(person: Person) -> None:
    person.tier.patch = themed


def test_the_sign_in_page_is_the_theme_s(person: Person) -> None:
    person.page.goto(person.tier.link("desktop", token="B" * 64))
    assert "Welcome to our site!" in person.see("#sign-in").inner_text()
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
    guide = person.see(".menu-section >> text=User Guide").bounding_box()
    clipboard = person.see("#clipboard-settings").bounding_box()
    assert guide is not None
    assert clipboard is not None
    assert guide["y"] < clipboard["y"]
