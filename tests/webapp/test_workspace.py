"""Several sessions in one window: tabs, side by side, and whose keys are whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import eventually
from tests.fakes import tunnel_scripts, web_tier

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator

    from tests.fakes.web_tier import Line
    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e


def tile(person: Person, number: int) -> FrameLocator:
    return person.page.frame_locator(".client-tile iframe").nth(number)


def open_from_home(person: Person, name: str) -> Line:
    """Choose a card of the home page, and wait for the picture."""
    count = len(person.tier.lines)
    person.see(f"#connections a:has-text('{name}')").click()
    eventually(lambda: len(person.tier.lines) > count, "a tunnel was opened")
    number = person.page.locator(".client-tile").count() - 1
    tile(person, number).locator("#session[data-state='connected'] canvas").first.wait_for()
    return person.tier.lines[-1]


def open_two(person: Person) -> tuple[Line, Line]:
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    desktop = open_from_home(person, "desktop")
    person.page.locator("#tabs-home").click()
    return desktop, open_from_home(person, "shell")


def typed(line: Line) -> str:
    keys = [args for opcode, args in line.received if opcode == "key"]
    return "".join(chr(int(keysym)) for keysym, pressed in keys if pressed == "1")


def test_tabs_keep_running_and_keys_go_to_the_one_in_front(person: Person) -> None:
    desktop, shell = open_two(person)
    tabs = person.page.get_by_role("tab")
    eventually(lambda: tabs.all_inner_texts() == ["alice's desktop", "alice@dev: ~"], "tabs have names")
    person.page.keyboard.type("ls")
    eventually(lambda: typed(shell) == "ls", "the shell took the keys")
    tabs.nth(0).click()
    person.page.keyboard.type("x")
    eventually(lambda: typed(desktop) == "x", "the desktop took the keys")
    assert typed(shell) == "ls"
    assert not desktop.ended
    assert not shell.ended
    assert [opcode for opcode, _ in desktop.received].count("size") == 0, "what is behind keeps its size"


def test_side_by_side_the_menu_belongs_to_the_one_that_has_the_focus(person: Person) -> None:
    person.page.set_viewport_size({"width": 1200, "height": 700})
    desktop, shell = open_two(person)
    person.page.locator("#tabs-arrange").click()
    boxes = [person.page.locator(".client-tile").nth(number).bounding_box() for number in (0, 1)]
    assert all(box is not None and box["width"] == pytest.approx(599, abs=2) for box in boxes)
    eventually(lambda: any(opcode == "size" for opcode, _ in desktop.received), "each takes its half")
    tile(person, 0).locator("#picture").click(position={"x": 50, "y": 50})
    for key in ("Control", "Alt", "Shift"):
        person.page.keyboard.down(key)
    for key in ("Control", "Alt", "Shift"):
        person.page.keyboard.up(key)
    tile(person, 0).locator("#guac-menu[open]").wait_for()
    assert tile(person, 1).locator("#guac-menu[open]").count() == 0
    tile(person, 0).locator("#sessions-section > summary").click()
    tile(person, 0).get_by_role("button", name="Next session").click()
    person.page.locator(".client-tile.focused:last-child").wait_for()
    person.page.keyboard.type("y")
    eventually(lambda: typed(shell) == "y", "the next one took the keys")


def test_typing_to_all_reaches_every_shell_shown_and_nothing_else(person: Person) -> None:
    tier = person.tier
    tier.connections |= {"one": "ssh", "two": "ssh", "looked-at": "ssh"}
    tier.scripts |= dict.fromkeys(("one", "two", "looked-at"), tunnel_scripts.paints_shell)
    tier.read_only = {"looked-at"}
    person.page.set_viewport_size({"width": 1200, "height": 800})
    names = ("one", "two", "looked-at", "desktop")
    person.page.goto(f"{tier.url}#/client/{'.'.join(names)}?token={web_tier.TOKEN}")
    for number in range(len(names)):
        tile(person, number).locator("#session[data-state='connected']").wait_for(state="attached")
    lines = {line.query["GUAC_ID"]: line for line in tier.lines}
    assert person.page.locator("#tabs-type-all").is_hidden(), "one at a time: nothing to type to besides"
    person.page.locator("#tabs-arrange").click()
    person.see("#tabs-type-all").click()
    assert "all 2 shells" in person.see("#type-all-warning").inner_text()
    labels = person.page.locator(".fl-typed-label")
    assert labels.all_inner_texts() == ["⚠ typed to as well"] * 2

    tile(person, 0).locator("#picture").click(position={"x": 200, "y": 200})
    person.page.keyboard.type("ls")
    person.page.keyboard.press("Escape")
    eventually(lambda: typed(lines["two"]).startswith("ls\uff1b"), "the other shell took the keys")
    assert typed(lines["one"]) == typed(lines["two"])
    assert person.page.locator("#type-all-warning").is_visible(), "Escape belongs to the shells"

    person.page.keyboard.down("Shift")
    eventually(lambda: typed(lines["two"]).endswith("\uffe1"), "the modifier is down in both")
    person.page.locator("#type-all-off").click()
    person.page.keyboard.up("Shift")
    ups = [args for opcode, args in lines["two"].received if opcode == "key" and args[1] == "0"]
    eventually(
        lambda: ("65505", "0") in [a for o, a in lines["two"].received if o == "key"], f"it came up: {ups}"
    )
    tile(person, 0).locator("#picture").click(position={"x": 200, "y": 200})
    person.page.keyboard.type("x")
    eventually(lambda: typed(lines["one"]).endswith("x"), "the first shell took the key")
    assert not typed(lines["two"]).endswith("x")
    assert typed(lines["looked-at"]) == typed(lines["desktop"]) == ""


def test_the_home_page_remembers_until_the_person_logs_out(person: Person) -> None:
    open_two(person)
    kept = "localStorage.getItem('fanlight.recent') ?? ''"
    eventually(lambda: person.page.evaluate(kept).count("data:image/webp") == 2, "both were photographed")
    person.page.locator("#tabs-home").click()
    first = person.see("#home li:first-child")
    assert "now" in first.inner_text() or "minute" in first.inner_text()
    assert "shell" in first.inner_text(), "the last one comes first"
    assert first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    person.page.locator("#home-log-out").click()
    person.see("#sign-in")
    assert person.page.evaluate(kept) == ""


def test_a_reload_opens_them_again_and_closing_asks(person: Person) -> None:
    open_two(person)
    answers: list[str] = []
    person.page.on("dialog", lambda dialog: (answers.append(dialog.message), dialog.accept()))
    person.page.reload()
    for number in (0, 1):
        tile(person, number).locator("#session[data-state='connected']").wait_for(state="attached")
    person.page.locator("#tabs-close").click()
    assert any("It is open" in answer for answer in answers)
    assert person.page.get_by_role("tab").count() == 1


def test_logging_out_in_one_leaves_all(person: Person) -> None:
    desktop, shell = open_two(person)
    tile(person, 1).locator("#menu-handle").click()
    tile(person, 1).locator("#log-out").click()
    assert "You are logged out" in person.see("#sign-in").inner_text()
    eventually(lambda: desktop.ended and shell.ended, "both were left")
    assert ("DELETE", "/guacamole/api/session") in person.tier.requests
    assert person.page.locator("iframe").count() == 0


def test_one_that_fails_leaves_the_others_alone(person: Person) -> None:
    person.tier.connections["broken"] = "vnc"
    person.tier.scripts["broken"] = tunnel_scripts.fails(519, "desktop: <b>bold</b>\u202e. (ref 7K2A)")
    link = person.tier.url + "#/client/desktop.broken?token=" + web_tier.TOKEN
    person.page.goto(link)
    tile(person, 1).locator("#failure:not([hidden])").wait_for()
    tile(person, 0).locator("#session[data-state='connected']").wait_for(state="attached")
    person.page.get_by_role("tab", selected=True).focus()
    for key in ("ArrowLeft", "ArrowRight"):
        person.page.keyboard.press(key)
    assert person.page.get_by_role("tab", selected=True).evaluate("tab => tab === document.activeElement")
    person.page.keyboard.press("Delete")
    assert person.page.get_by_role("tab").count() == 1
