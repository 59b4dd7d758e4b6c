"""Somebody in front of the page, and what they see and do."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from tests.e2e.screen import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import BrowserContext, Locator

    from tests.fakes.web_tier import Line, WebTier

__all__ = ["Person"]


class Person:
    """One browser window.

    Attributes:
        complaints: errors of the page's script, violations of its policy, requests to other hosts.
    """

    def __init__(self, context: BrowserContext, tier: WebTier) -> None:
        self.context = context
        self.tier = tier
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("request", lambda request: self._watch(request.url))

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.complaints.append(text)

    def _watch(self, url: str) -> None:
        if not url.startswith((self.tier.url, "blob:", "data:")):
            self.complaints.append(f"requested {url}")

    def open(self, identifier: str) -> Line:
        """Open a connection and wait for its picture."""
        self.page.goto(self.tier.link(identifier))
        self.wait_for("connected")
        self.page.wait_for_selector("#display canvas")
        return self.line

    @property
    def line(self) -> Line:
        """The server's end of the newest tunnel."""
        return self.tier.lines[-1]

    def wait_for(self, state: str) -> None:
        self.page.wait_for_selector(f"#session[data-state='{state}']", timeout=30_000)

    def see(self, selector: str) -> Locator:
        """Wait until something is on the screen."""
        self.page.wait_for_selector(selector, state="visible", timeout=30_000)
        return self.page.locator(selector)

    def miss(self, selector: str) -> None:
        """Wait until something is not on the screen."""
        self.page.wait_for_selector(selector, state="hidden", timeout=30_000)

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """A pixel of the window."""
        shot = self.page.screenshot(clip={"x": x, "y": y, "width": 1, "height": 1})
        colour = Image.open(io.BytesIO(shot)).convert("RGB").getpixel((0, 0))
        assert isinstance(colour, tuple)
        return colour[0], colour[1], colour[2]

    def sent(self, opcode: str) -> list[tuple[str, ...]]:
        """Arguments of every instruction of this kind that the person's browser sent on the newest tunnel."""
        return [instruction.args for instruction in self.line.received if instruction.opcode == opcode]

    def wait_sent(self, opcode: str, expected: Sequence[tuple[str, ...]]) -> None:
        """Wait until the browser sent exactly this at the end."""
        try:
            eventually(
                lambda: self.sent(opcode)[-len(expected) :] == list(expected), f"{opcode} {expected} was sent"
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; it was {self.sent(opcode)[-8:]}") from None

    def open_menu(self, section: str = "") -> Locator:
        """Open the drawer by its handle, and a section of it."""
        self.page.locator("#menu-handle").click()
        menu = self.see("#guac-menu[open]")
        if section and self.page.locator(f"#{section}").get_attribute("open") is None:
            self.page.locator(f"#{section} > summary").click()
        return menu
