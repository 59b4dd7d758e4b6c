"""A signed link opens a real shell in a real browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import Screen, eventually
from tests.e2e.site import ROOT

if TYPE_CHECKING:
    from pathlib import Path

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


PICTURE = r"""
import random
random.seed(7)
edge, blue, green, plain = "\x1b[38;5;240m", "\x1b[1;34m", "\x1b[32m", "\x1b[0m"
print(f"{edge}\u250c{'\u2500' * 12}\u252c{'\u2500' * 34}\u252c{'\u2500' * 9}\u2510{plain}")
for name in ["alignment", "assembly", "variants", "annotation"]:
    part = random.randint(12, 32)
    bar = f"{green}{'\u2588' * part}{edge}{'\u2591' * (32 - part)}{plain}"
    print(f"{edge}\u2502{blue} {name:<11}{edge}\u2502{plain} {bar} {edge}\u2502{plain} {part * 100 // 32:>5} % {edge}\u2502{plain}")
print(f"{edge}\u2514{'\u2500' * 12}\u2534{'\u2500' * 34}\u2534{'\u2500' * 9}\u2518{plain}")
print("".join(f"\x1b[48;2;{40 + 3 * n};{90 + n};{200 - 2 * n}m " for n in range(58)) + plain)
"""


def test_the_page_is_photographed_for_the_readme(page: Page, shell: Screen, tmp_path: Path) -> None:
    """A picture that shows nothing of the machine it was taken on."""
    for name in ["reads.fastq.gz", "reference.fa", "notes.md"]:
        (tmp_path / name).touch()
    (tmp_path / "results").mkdir()
    (tmp_path / "progress").write_text(f"#!{sys.executable}\n{PICTURE}")
    (tmp_path / "progress").chmod(0o755)
    page.set_viewport_size({"width": 1000, "height": 420})
    prompt = r"\[\e[1;32m\]alice@instance\[\e[0m\]:\[\e[1;34m\]~\[\e[0m\]\$ "
    shell.type(f"cd {tmp_path}; PS1='{prompt}'; clear\n")
    shell.type("ls --color=always\n./progress\nvim -u NONE notes.md")
    shell.wait_for_row(lambda row: row.endswith("vim -u NONE notes.md"), "everything was typed")
    eventually(lambda: shell.picture().size == (1000, 420), "the window's size")
    target = ROOT / "docs" / "images" / "session.png"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        page.screenshot(path=str(target))
    assert target.stat().st_size > 5000
