"""axe-core finds nothing on any screen, in any appearance, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.site import ROOT
from tests.webapp.screens import DEVICES, SCREENS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

AXE = ROOT / "webapp" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})"""
APPEARANCES = {
    "light": {"color_scheme": "light", "contrast": "no-preference"},
    "dark": {"color_scheme": "dark", "contrast": "no-preference"},
    "contrast": {"color_scheme": "light", "contrast": "more"},
}


def violations(person: Person) -> list[str]:
    """What axe-core objects to, one line each."""
    if not person.page.evaluate("() => 'axe' in window"):
        person.page.evaluate(AXE.read_text())
    found = person.page.evaluate(RUN)["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize(("device", "appearances"), [("laptop", ["light", "contrast"]), ("phone", ["dark"])])
@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_found(
    visit: Callable[..., Person], screen: str, device: str, appearances: list[str]
) -> None:
    person = visit(**DEVICES[device], reduced_motion="reduce")
    SCREENS[screen](person)
    for appearance in appearances:
        person.page.emulate_media(**APPEARANCES[appearance])
        assert violations(person) == [], appearance
