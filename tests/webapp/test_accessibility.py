"""axe-core finds nothing on any screen, in any appearance and language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.site import ROOT
from tests.fakes import web_tier

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

AXE = ROOT / "webapp" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})"""


def violations(person: Person) -> list[str]:
    """What axe-core objects to, one line each."""
    person.page.evaluate(AXE.read_text())
    found = person.page.evaluate(RUN)["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def sign_in(person: Person) -> None:
    person.page.goto(person.tier.link("desktop", token="B" * 64))
    person.see("#sign-in")


def home(person: Person) -> None:
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#home")


def connecting(person: Person) -> None:
    person.tier.scripts["slow"] = web_tier.never_answers
    person.page.goto(person.tier.link("slow"))
    person.see("#connecting [data-step=reach][data-progress=current]")


def failure(person: Person) -> None:
    person.tier.scripts["broken"] = web_tier.fails(519, "desktop: Nothing listens. (ref 7K2A)")
    person.page.goto(person.tier.link("broken"))
    person.see("#failure")


def credentials(person: Person) -> None:
    person.tier.scripts["locked"] = web_tier.asks_password
    person.page.goto(person.tier.link("locked"))
    person.see("#credentials")


def session(person: Person) -> None:
    person.open("desktop")


def error_page(person: Person) -> None:
    person.page.goto(person.tier.url + "error-page")


SCREENS = (sign_in, home, connecting, failure, credentials, session, error_page)
APPEARANCES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "contrast": {"color_scheme": "dark", "contrast": "more"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}


@pytest.mark.parametrize("appearance", APPEARANCES)
def test_every_screen_is_clean(visit: Callable[..., Person], appearance: str) -> None:
    found: list[str] = []
    for screen in SCREENS:
        person = visit(**APPEARANCES[appearance], reduced_motion="reduce")
        screen(person)
        found += [f"{screen.__name__}: {line}" for line in violations(person)]
        person.context.close()
    assert found == []


@pytest.mark.parametrize("appearance", ["light", "dark", "contrast"])
def test_every_panel_is_clean(visit: Callable[..., Person], appearance: str) -> None:
    person = visit(**APPEARANCES[appearance], reduced_motion="reduce", has_touch=True)
    person.tier.scripts["files"] = web_tier.HasFiles({"/data": None, "/report.csv": b"x"})
    found: list[str] = []
    for identifier in ("shell", "files"):
        person.page.on("dialog", lambda dialog: dialog.accept())
        person.open(identifier)
        menu = person.open_menu()
        for section in menu.locator("details:visible").all():
            if section.get_attribute("open") is None:
                section.locator("summary").click()
            name = section.get_attribute("id")
            if name == "devices":
                person.see("#files >> text=report.csv")
            found += [f"{identifier} {name}: {line}" for line in violations(person)]
    assert found == []
