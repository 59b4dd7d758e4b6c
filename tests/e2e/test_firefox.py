"""The page in the other engine: a shell that shows and takes keys, and a menu that opens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.e2e.firefox import firefox
from tests.e2e.reading import TerminalReader
from tests.e2e.screen import DPI, FONT_POINTS
from tests.e2e.site import Site
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

pytestmark = [pytest.mark.real, pytest.mark.e2e, pytest.mark.timeout(300)]

DEADLINE = 90.0


@pytest.fixture
def path() -> str:
    return processes.require("firefox-esr", "firefox")


@pytest.fixture
def running(built_page: None) -> Iterator[Site]:
    with Site() as site:
        yield site


async def eventually(
    fact: Callable[[], Awaitable[object]], what: str, seen: Callable[[], Awaitable[object]]
) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            while not await fact():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{what} within {DEADLINE:g} s; what was seen: {await seen()}") from None


async def test_firefox_shows_a_shell_that_takes_keys(running: Site, path: str) -> None:
    reader = TerminalReader(round(FONT_POINTS * DPI / 72))
    async with firefox(path, 640, 480) as browser:
        await browser.open(running.url + "/")
        await browser.evaluate("localStorage.setItem('fanlight.menu-hint-seen', '1')")
        await browser.open(running.link("ssh"))

        async def rows() -> list[str]:
            return [row.strip() for row in reader.read(await browser.picture())]

        async def prompted() -> bool:
            return any(row.endswith(("#", "$")) for row in await rows())

        async def answered() -> bool:
            return "42" in await rows()

        await eventually(prompted, "the shell's prompt was shown", rows)
        await browser.type("echo $((6*7))\ue007")
        await eventually(answered, "what was typed ran", rows)
        await browser.evaluate("document.getElementById('menu-handle').click()")
        assert await browser.evaluate("document.getElementById('guac-menu').matches(':modal')")
