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
APPEARANCES: dict[str, dict[str, object]] = {
    "light": DEVICES["laptop"] | {"color_scheme": "light"},
    "dark": DEVICES["phone"] | {"color_scheme": "dark"},
    "contrast": DEVICES["tablet"] | {"color_scheme": "light", "contrast": "more"},
}


def violations(person: Person) -> list[str]:
    """What axe-core objects to, one line each."""
    person.page.evaluate(AXE.read_text())
    found = person.page.evaluate(RUN)["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("appearance", APPEARANCES)
@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_found(visit: Callable[..., Person], screen: str, appearance: str) -> None:
    person = visit(**APPEARANCES[appearance], reduced_motion="reduce")
    SCREENS[screen](person)
    assert violations(person) == []
