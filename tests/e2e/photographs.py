"""The picture of a desktop in README.md: `python -m tests.e2e.photographs`. A real Xvnc, a real page, nobody's data."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import FLAGS
from tests.e2e.screen import Screen, eventually
from tests.e2e.site import ROOT, Site

WIDTH, HEIGHT = 1000, 620
PAPER = (0x24, 0x3B, 0x53)
ROWS = """\
\\033[1;34mreads.fastq.gz\\033[0m     412 MB   trimmed
\\033[1;34mreference.fa\\033[0m       3.1 GB   indexed
\\033[1;34mvariants.vcf\\033[0m        18 MB   \\033[32m4,512 found\\033[0m

alice@instance:~$ """


def take(target: Path) -> None:
    """Open a desktop with two windows on it, and the menu beside them."""
    with Site() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        context.add_init_script("localStorage.setItem('fanlight.menu-hint-seen', '1')")
        desktop = Screen(context.new_page()).open(site.link("vnc"))
        site.xvnc.run("xsetroot", "-solid", "#" + "".join(f"{part:02x}" for part in PAPER))
        site.xvnc.run("vncconfig", "-set", "desktop=alice@dev-7")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
            text.write(ROWS)
            text.flush()
            site.xvnc.spawn(
                "xterm", "-geometry", "64x14+24+40", "-fa", "DejaVu Sans Mono", "-fs", "10", "-title", "results",
                "-bg", "#10151c", "-fg", "#d7dde5", "-e", "sh", "-c", f"printf '%b' \"$(cat {text.name})\"; sleep 600",
            )  # fmt: skip
            site.xvnc.spawn("xclock", "-geometry", "150x150+400+330", "-update", "60")
            for name in ("results", "xclock"):
                site.xvnc.run("xdotool", "search", "--sync", "--onlyvisible", "--name", name)
            eventually(lambda: shows(desktop), "both windows")
            desktop.page.locator("#menu-handle").click()
            desktop.page.locator("#share-links > summary").click()
            desktop.page.wait_for_timeout(500)
            desktop.page.screenshot(path=str(target))
        browser.close()


def shows(desktop: Screen) -> bool:
    """Most of the screen is its paper, and much of it is something else."""
    paper = (np.asarray(desktop.picture()) == PAPER).all(axis=2).mean()
    return bool(0.3 < paper < 0.8)


if __name__ == "__main__":
    take(ROOT / "docs" / "images" / "desktop.png")
