"""A signed link opens a real shell in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import Screen, eventually
from tests.e2e.site import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.site import Site

pytestmark = [pytest.mark.real, pytest.mark.e2e]


@pytest.fixture
def shell(page: Page, site: Site) -> Screen:
    screen = Screen(page).open(site.link("ssh"))
    screen.wait_for_row(lambda row: row.rstrip().endswith(("#", "$")), "a prompt")
    return screen


def test_what_is_typed_is_run_and_its_answer_is_on_the_screen(shell: Screen) -> None:
    shell.type("echo $((6*7))\n")
    shell.wait_for_row(lambda row: row.strip() == "42", "the answer")


def test_the_token_leaves_the_address_bar(shell: Screen) -> None:
    assert "token" not in shell.page.url


def test_the_terminal_follows_the_window(shell: Screen) -> None:
    shell.type("stty size\n")
    before = shell.wait_for_row(lambda row: row.replace(" ", "").isdigit(), "the size")
    shell.page.set_viewport_size({"width": 700, "height": 500})
    eventually(lambda: shell.picture().size == (700, 500), "the picture fills the window")
    shell.type("clear; stty size\n")

    def is_smaller(row: str) -> bool:
        words, old = row.split(), before.split()
        return (
            len(words) == 2
            and row.replace(" ", "").isdigit()
            and all(int(now) < int(then) for now, then in zip(words, old, strict=True))
        )

    shell.wait_for_row(is_smaller, "a smaller size")


def test_text_travels_from_the_browser_to_the_shell_and_back(shell: Screen) -> None:
    page = shell.page
    page.evaluate("navigator.clipboard.writeText('echo p\"\"asted')")
    page.evaluate("window.dispatchEvent(new Event('focus'))")

    def pasted() -> bool:  # the browser reads its clipboard in its own time
        page.keyboard.press("Control+Shift+V")
        page.keyboard.press("Enter")
        return any(row.strip() == "pasted" for row in shell.text())

    eventually(pasted, "what was pasted ran")
    shell.type("clear; printf 'copy-%s\\n' me\n")
    row = shell.wait_for_row(lambda row: row.strip() == "copy-me", "something to copy")
    page.mouse.dblclick(*shell.place(shell.text().index(row), 2))
    eventually(lambda: "copy-me" in page.evaluate("navigator.clipboard.readText()"), "the copied text")


def test_a_full_screen_program_and_its_leaving(shell: Screen) -> None:
    shell.type("clear; echo before; printf 'one\\ntwo\\nthree\\n' | less -+F -+X\n")
    shell.wait_for_row(lambda row: row.strip() == "two", "less")
    assert not any(row.strip() == "before" for row in shell.text())
    shell.type("q")
    shell.wait_for_row(lambda row: row.strip() == "before", "the screen before")


def test_the_shell_ends_and_the_page_says_so(shell: Screen) -> None:
    shell.type("exit\n")
    shell.wait_for("disconnected")


def test_no_secret_stands_in_any_log(shell: Screen, site: Site) -> None:
    for name in ("broker", "proxyd"):
        log = site.log(name)
        assert log
        assert not [secret for secret in site.secrets if secret in log], name
        assert "Traceback" not in log, log


def test_the_page_is_photographed_for_the_readme(shell: Screen) -> None:
    page = shell.page
    page.set_viewport_size({"width": 1280, "height": 720})
    shell.type("clear; ls --color=always -la / | head -20\n")
    shell.wait_for_row(lambda row: "drwx" in row, "a listing")
    target = ROOT / "docs" / "images" / "session.png"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        page.screenshot(path=str(target))
    assert target.stat().st_size > 5000
