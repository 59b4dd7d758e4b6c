"""Instances behind a corporate gateway: one code in the terminal, then everything; and signing out again."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import numpy as np
import pytest

from tests.e2e.screen import Screen, eventually
from tests.e2e.site import SECRET, Site
from tests.fakes.platform import Platform
from tests.servers import processes
from tests.servers.corporate import Corporate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [pytest.mark.real, pytest.mark.e2e]

COLOUR = (0x20, 0x40, 0x60)
DESKTOP = ["Xvnc", ":78", "-rfbport", "5901", "-SecurityTypes", "None", "-geometry", "1024x768"]


@pytest.fixture(scope="module")
def network() -> Iterator[Corporate]:
    with Corporate(1) as network:
        yield network


@pytest.fixture
def behind(built_page: None, network: Corporate) -> Iterator[Site]:
    """A site whose operator has a gateway in the book."""
    entry = {
        "address": network.gateway.address,
        "host-key": [network.gateway.host_key],
        "targets": [f"{network.addresses[0]}/32"],
    }
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder, "gateways.toml")
        book.write_text(
            "[corp]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in entry.items())
        )
        settings = {"gateways": str(book), "v1-ports": "ssh=22,vnc=5901"}
        with Site(settings=settings) as site:
            own = asyncssh.import_private_key(site.sshd.private_key).export_public_key()
            with (network.inner[0].folder / "authorized_keys").open("ab") as file:
                file.write(own)
            site.platform = Platform(site.url, SECRET, site.sshd.user, ports={"ssh": 22, "vnc": 5901})
            yield site


def test_one_code_for_a_shell_and_a_desktop_and_another_after_signing_out(
    page: Page, behind: Site, network: Corporate
) -> None:
    inner = network.addresses[0]
    shell = Screen(page).open(behind.platform.token_url(inner, "ssh"))
    shell.wait_for_row(lambda row: "One-time password" in row, "the gateway's question")
    shell.type(f"{network.code()}\n")
    shell.wait_for_row(lambda row: row.rstrip().endswith(("#", "$")), "a prompt")

    with network.running(0, *DESKTOP):
        processes.wait_for(lambda: network.answers(0, 5901), "the desktop listens")
        network.run(0, "xsetroot", "-display", ":78", "-solid", "#204060")
        desktop = Screen(page.context.new_page()).open(behind.platform.token_url(inner, "vnc"))
        eventually(lambda: shows(desktop), "the desktop, without another code")
        desktop.page.locator("#menu-handle").click()
        badge = desktop.page.locator("#gateways")
        badge.get_by_text("Gateway corp: 2 sessions").wait_for()

        badge.get_by_role("button", name="Sign out at the gateway corp").click()
        shell.page.get_by_text("You signed out at the gateway corp").wait_for()
        desktop.page.keyboard.press("Escape")
        asked = desktop.page.get_by_role("textbox", name="One-time password")
        asked.wait_for()
        assert asked.get_attribute("type") == "password"
        assert desktop.pixels()[700, 900].any(), "the last picture stays, dimmed"
        asked.fill(network.code())
        asked.press("Enter")
        network.run(0, "xsetroot", "-display", ":78", "-solid", "#602040")
        eventually(lambda: shows(desktop, (0x60, 0x20, 0x40)), "the same session goes on")

        network.gateway.drop()  # the connection is cut: the same, without anybody having wanted it
        asked.wait_for()
        asked.fill(network.code())
        asked.press("Enter")
        network.run(0, "xsetroot", "-display", ":78", "-solid", "#204060")
        eventually(lambda: shows(desktop), "and again")
    assert all(secret not in behind.log(name) for secret in behind.secrets for name in ("broker", "proxyd"))


def shows(desktop: Screen, colour: tuple[int, int, int] = COLOUR) -> bool:
    return bool(np.abs(desktop.pixels()[700, 900].astype(int) - colour).max() < 8)
