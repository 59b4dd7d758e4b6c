"""The session is where it was left: after a reload, a lost network, a broker that died, and in another browser."""

from __future__ import annotations

import shutil
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from tests.e2e.screen import Screen, eventually
from tests.e2e.site import Site
from tests.servers.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.real, pytest.mark.e2e]

HALF = "printf half-typed-"
BLUE = (0x20, 0x40, 0x60)


@pytest.fixture(scope="module")
def site(built_page: None) -> Iterator[Site]:
    with Site(settings={"detach-timeout": 900}) as running:
        yield running


@pytest.fixture
def shell(page: Page, site: Site) -> Iterator[Screen]:
    """A shell with half a command at its prompt."""
    try:
        yield begin(Screen(page).open(site.link("ssh")))
    finally:
        site.log_out()


def begin(screen: Screen) -> Screen:
    unobstructed(screen)
    screen.wait_for_row(lambda row: row.endswith(("#", "$")), "a prompt")
    screen.type(HALF)
    screen.wait_for_row(lambda row: row.endswith(HALF), "what was typed")
    return screen


def unobstructed(screen: Screen) -> None:
    """Wait until no notice covers what is to be read: where letters stand is found once."""
    screen.page.locator("#notice").wait_for(state="hidden", timeout=30_000)


def finish(screen: Screen, tmp_path: Path) -> None:
    """The half command is there, and it can be finished."""
    screen.wait_for("connected")
    screen.wait_for_row(lambda row: row.endswith(HALF), "what had been typed")
    proof = tmp_path / "proof"
    screen.page.locator("#session").focus()
    screen.type(f"once >{proof}\n")
    eventually(
        lambda: proof.exists() and proof.read_text() == "half-typed-once", "the whole command ran once"
    )


def resumed(screen: Screen) -> str:
    notice = screen.page.locator("#notice")
    notice.wait_for(state="visible", timeout=30_000)
    return str(notice.text_content())


def test_a_reload(page: Page, site: Site, tmp_path: Path) -> None:
    """The screen is there again, and what has scrolled off it."""
    shell = Screen(page).open(site.link("ssh"))
    unobstructed(shell)
    shell.wait_for_row(lambda row: row.endswith(("#", "$")), "a prompt")
    shell.type("seq 5000 5099\n")
    shell.wait_for_row(lambda row: row == "5099", "a hundred rows")
    begin(shell)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    shell.wait_for("connected")
    assert resumed(shell) == "Your session is where you left it"
    unobstructed(shell)
    for _ in range(4):
        page.keyboard.press("Shift+PageUp")
    shell.wait_for_row(lambda row: row.split()[:1] == ["5000"], "the first row, scrolled back to")
    for _ in range(4):
        page.keyboard.press("Shift+PageDown")
    finish(shell, tmp_path)
    site.log_out()


def test_a_lost_network(page: Page, site: Site, tmp_path: Path) -> None:
    with Wire(site.broker_port) as wire:
        screen = begin(Screen(page).open(site.link("ssh").replace(str(site.broker_port), str(wire.port))))
        wire.cut()
        screen.wait_for("disconnected")
        wire.mend()
        finish(screen, tmp_path)
        site.log_out()


def test_a_device_that_sleeps(page: Page, site: Site, tmp_path: Path) -> None:
    """Its processes stand still while its connections die; it wakes before it has a network again."""
    with Wire(site.broker_port) as wire:
        screen = begin(Screen(page).open(site.link("ssh").replace(str(site.broker_port), str(wire.port))))
        device = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
        assert device
        try:
            for process in device:
                process.suspend()
            wire.cut()
            eventually(lambda: "session detached" in site.log("proxyd").splitlines()[-1], "nobody looks")
        finally:
            for process in device:
                process.resume()
        screen.wait_for("disconnected")
        wire.mend()
        finish(screen, tmp_path)
        site.log_out()


def test_a_broker_that_is_killed_and_one_that_is_upgraded(shell: Screen, site: Site, tmp_path: Path) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        site.kill("broker", number)
        eventually(lambda: shell.state != "connected", "the page noticed")
        site.start("broker", site.broker_port)
        shell.wait_for("connected")
        shell.wait_for_row(lambda row: row.endswith(HALF), "what had been typed")
    finish(shell, tmp_path)


def test_another_browser_of_the_same_person(
    shell: Screen, chromium: Browser, site: Site, tmp_path: Path
) -> None:
    phone = chromium.new_context(viewport={"width": 600, "height": 500})
    phone.add_init_script("try { localStorage.setItem('fanlight.menu-hint-seen', '1') } catch {}")
    other = Screen(phone.new_page()).open(site.link("ssh"))
    resumed(other)
    eventually(lambda: other.picture().size == (600, 500), "the session took the size of this window")
    unobstructed(other)
    other = Screen(other.page)  # reads with fresh eyes
    other.wait_for_row(lambda row: row.endswith(HALF), "what had been typed at the desk")
    shell.page.close(run_before_unload=False)
    finish(other, tmp_path)
    phone.close()


def test_ending_it_ends_it(shell: Screen, site: Site) -> None:
    before = site.sshd.sessions()
    shell.page.keyboard.press("Control+Alt+Shift")
    shell.page.locator("#end-session").click()
    shell.wait_for("disconnected")
    eventually(lambda: site.sshd.sessions() < before, "the shell is gone")
    shell.open(site.link("ssh"))
    shell.wait_for_row(lambda row: row.endswith(("#", "$")), "a new prompt")


def test_nothing_is_done_while_nobody_looks(shell: Screen, site: Site) -> None:
    """Half a minute would be more exact; a busy loop shows in two seconds."""
    shell.page.close(run_before_unload=False)
    eventually(lambda: "session detached" in site.log("proxyd").splitlines()[-1], "the session is left alone")

    def spent() -> float:
        return sum(sum(p.cpu_times()[:2]) for p in site.family("proxyd"))

    before = spent()
    time.sleep(2)
    assert spent() - before < 0.1


def test_a_desktop_with_an_open_window(page: Page, chromium: Browser, site: Site) -> None:
    """It is there after a reload, a lost network, a broker that was killed, and in another browser."""
    with Wire(site.broker_port) as wire:
        link = site.link("vnc").replace(str(site.broker_port), str(wire.port))
        desktop = Screen(page).open(link)
        page.on("dialog", lambda dialog: dialog.accept())
        terminal = shutil.which("xterm") or "xterm"
        window = site.xvnc.spawn(terminal, "-geometry", "80x24+150+150", "-bg", "#204060")
        try:
            eventually(lambda: shows_window(desktop), "the window")
            connections = _to(site.xvnc.port)

            page.reload()
            desktop.wait_for("connected")
            eventually(lambda: shows_window(desktop), "the window, after the reload")

            wire.cut()
            desktop.wait_for("disconnected")
            wire.mend()
            desktop.wait_for("connected", seconds=30)
            eventually(lambda: shows_window(desktop), "the window, with the network back")

            site.kill("broker", signal.SIGKILL)
            eventually(lambda: desktop.state != "connected", "the page noticed")
            site.start("broker", site.broker_port)
            desktop.wait_for("connected", seconds=30)
            eventually(lambda: shows_window(desktop), "the window, after the broker was killed")

            phone = chromium.new_context(viewport={"width": 800, "height": 600})
            other = Screen(phone.new_page()).open(site.link("vnc"))
            eventually(lambda: shows_window(other), "the window, in another browser")
            phone.close()
            assert _to(site.xvnc.port) == connections  # the same connection to the desktop all the time
        finally:
            window.terminate()
            window.wait()


def shows_window(desktop: Screen) -> bool:
    picture = desktop.pixels().reshape(-1, 3).astype(int)
    return bool((np.abs(picture - BLUE).sum(axis=1) < 12).mean() > 0.05)


def _to(port: int) -> set[int]:
    """Local ports of connections to a desktop."""
    return {c.laddr.port for c in psutil.net_connections("tcp") if c.raddr and c.raddr.port == port}
