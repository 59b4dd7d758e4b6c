"""A signed link opens a real desktop in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.e2e.screen import Screen, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.site import Site

pytestmark = [pytest.mark.real, pytest.mark.e2e]


@pytest.fixture
def desktop(page: Page, site: Site) -> Screen:
    return Screen(page).open(site.link("vnc"))


def test_a_click_reaches_the_program_and_its_effect_is_seen(desktop: Screen, site: Site) -> None:
    # xterm with mouse reporting would do; a window of one colour that a click turns into another is plainer
    site.xvnc.run("xsetroot", "-solid", "#204060")
    eventually(lambda: _is(desktop, 500, 400, (0x20, 0x40, 0x60)), "the background")
    window = site.xvnc.spawn(
        "xmessage",
        "-geometry",
        "300x120+200+200",
        "-buttons",
        "Press me:7",
        "-title",
        "clickme",
        "click the button",
    )
    eventually(lambda: not _is(desktop, 300, 230, (0x20, 0x40, 0x60)), "the window")
    place = site.xvnc.run(
        "xdotool", "search", "--sync", "--onlyvisible", "--name", "clickme", "getwindowgeometry"
    )
    x, y = (int(n) for n in place.split("Position:")[1].split()[0].split(","))
    box = desktop.page.locator("#display").bounding_box()
    assert box is not None
    for dx, dy in [(34, 107), (34, 100), (34, 112), (34, 92)]:
        if window.poll() is None:
            desktop.page.mouse.click(box["x"] + x + dx, box["y"] + y + dy)
            desktop.page.wait_for_timeout(150)
    eventually(lambda: window.poll() is not None, "the program noticed the click")
    assert window.returncode == 7
    eventually(lambda: _is(desktop, 300, 230, (0x20, 0x40, 0x60)), "the window is gone from the screen")


def test_what_is_typed_arrives(desktop: Screen, site: Site) -> None:
    terminal = site.xvnc.typed()
    desktop.page.mouse.click(400, 300)
    desktop.type("Hello, World! @#{}~")
    eventually(lambda: terminal.text() == "Hello, World! @#{}~", f"the keys, not {terminal.text()!r}")


def test_text_travels_both_ways(desktop: Screen, site: Site) -> None:
    page = desktop.page
    page.evaluate("navigator.clipboard.writeText('from the browser: grüße')")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    eventually(lambda: site.xvnc.pasted() == "from the browser: grüße", "text on the instance")
    site.xvnc.copy("from the instance: äöü €")
    eventually(
        lambda: page.evaluate("navigator.clipboard.readText()") == "from the instance: äöü €",
        "text in the browser",
    )


def test_the_picture_is_exact(desktop: Screen, site: Site) -> None:
    site.xvnc.run("xsetroot", "-mod", "7", "3", "-fg", "#ff8000", "-bg", "#0040ff")
    seen = slice(None), slice(0, 1000)  # at the right edge is the menu's handle
    eventually(
        lambda: np.array_equal(desktop.pixels()[seen], site.xvnc.screenshot()[seen]), "equal pixels", 20
    )


def test_the_desktop_follows_the_window(desktop: Screen, site: Site) -> None:
    desktop.page.set_viewport_size({"width": 900, "height": 650})
    eventually(lambda: site.xvnc.size() == (900, 650), "the new size")
    eventually(lambda: desktop.picture().size == (900, 650), "the picture fills the window")
    desktop.page.set_viewport_size({"width": 1024, "height": 768})
    eventually(lambda: site.xvnc.size() == (1024, 768), "the old size")


def _is(screen: Screen, x: int, y: int, colour: tuple[int, int, int]) -> bool:
    pixels = screen.pixels()
    return (
        y < pixels.shape[0]
        and x < pixels.shape[1]
        and bool((abs(pixels[y, x].astype(int) - colour) <= 2).all())
    )
