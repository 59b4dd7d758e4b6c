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


def test_a_link_that_is_clicked_opens_beside_the_session(shell: Screen, site: Site) -> None:
    page, target = shell.page, f"{site.url}/api/languages"
    shell.type(f"clear; printf '\\e]8;;{target}\\aopen-me\\e]8;;\\a\\n'\n")
    row = shell.wait_for_row(lambda row: row.strip() == "open-me", "a link")
    place = shell.place(shell.text().index(row), 2)
    page.mouse.click(*place)
    page.keyboard.down("Control")
    page.mouse.move(place[0] + 1, place[1])
    with page.context.expect_page() as opened:
        page.mouse.click(*place)
    page.keyboard.up("Control")
    assert opened.value.url == target
    assert opened.value.evaluate("window.opener") is None


def test_the_menu_searches_downloads_and_reads_what_was_shown(shell: Screen) -> None:
    page = shell.page
    shell.type("clear; seq 5000 | sed s/^/line-/; echo re''ady\n")
    shell.wait_for_row(lambda row: row.strip() == "ready", "the end of it")
    page.locator("#menu-handle").click()
    page.locator("#connection-settings > summary").click()
    page.locator("#text-wanted").check()
    eventually(lambda: "\nready\n" in page.locator("#screen-text").input_value(), "the screen as text")
    page.locator("#text-wanted").uncheck()
    page.locator("#search-text").fill("line-45")
    state = page.locator("#search-state")
    eventually(lambda: state.inner_text() == "1 of 100, from the newest", "what was found")
    shell.wait_for_row(lambda row: row.startswith("line-4600 "), "the row below the newest match")
    page.locator("#search-older").click()
    eventually(lambda: state.inner_text().startswith("2 of 100"), "the match before")
    with page.expect_download() as download:
        page.locator("#terminal-save").click()
    text = download.value.path().read_text()
    assert download.value.suggested_filename == "terminal.txt"
    assert "\nline-4999\nline-5000\nready\n" in text


def test_the_shell_ends_and_the_page_says_so(shell: Screen) -> None:
    shell.type("exit\n")
    shell.wait_for("disconnected")


def test_no_secret_stands_in_any_log(shell: Screen, site: Site) -> None:
    for name in ("broker", "proxyd"):
        log = site.log(name)
        assert log
        assert not [secret for secret in site.secrets if secret in log], name
        assert "Traceback" not in log, log


PROGRESS = """
edge, blue, green, plain = "\\x1b[38;5;240m", "\\x1b[1;34m", "\\x1b[32m", "\\x1b[0m"
rows = {"alignment": 32, "assembly": 27, "variants": 18, "annotation": 5}
print(edge + "┌────────────┬──────────────────────────────────┬─────────┐" + plain)
for name, part in rows.items():
    bar = f"{green}{'█' * part}{edge}{'░' * (32 - part)}"
    print(f"{edge}│ {blue}{name:<10} {edge}│ {bar} {edge}│{plain}{part * 100 // 32:>6} % {edge}│")
print(edge + "└────────────┴──────────────────────────────────┴─────────┘" + plain)
print("".join(f"\\x1b[48;2;{40 + 3 * n};{90 + n};{200 - 2 * n}m " for n in range(58)) + plain)
"""


def test_the_page_is_photographed_for_the_readme(page: Page, shell: Screen, tmp_path: Path) -> None:
    """A picture that shows nothing of the machine it was taken on."""
    for name in ["reads.fastq.gz", "reference.fa", "notes.md"]:
        (tmp_path / name).touch()
    (tmp_path / "results").mkdir()
    (tmp_path / "progress").write_text(f"#!{sys.executable}\n{PROGRESS}", "utf-8")
    (tmp_path / "progress").chmod(0o755)
    page.set_viewport_size({"width": 1000, "height": 420})
    prompt = r"\[\e[1;32m\]alice@instance\[\e[0m\]:\[\e[1;34m\]~\[\e[0m\]$ "
    shell.type(f"cd {tmp_path}; PS1='{prompt}'; clear\n")
    for count, command in enumerate(["ls --color=always\n", "./progress\n", "vim notes.md"], 1):
        eventually(lambda count=count: " ".join(shell.text()).count("alice@instance:~$") == count, "a prompt")
        shell.type(command)
    shell.wait_for_row(lambda row: "vim notes.md" in row, "everything was typed")
    eventually(lambda: shell.picture().size == (1000, 420), "the window's size")
    target = ROOT / "docs" / "images" / "session.png"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        page.screenshot(path=str(target))
    assert target.stat().st_size > 5000
