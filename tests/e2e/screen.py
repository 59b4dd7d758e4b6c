"""The session page as its tests use it: open a link, look, type, click."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.e2e.reading import TerminalReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from playwright.sync_api import Page

__all__ = ["Screen", "eventually"]

FONT_POINTS = 12
DPI = 96


def eventually(fact: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until a fact holds; the message names what did not."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"{what} within {seconds:g} s"
        time.sleep(0.05)


class Screen:
    """One open page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._reader = TerminalReader(round(FONT_POINTS * DPI / 72))

    def open(self, link: str) -> Screen:
        """Go to a link and wait until the session shows."""
        self.page.goto(link)
        return self.wait_for("connected")

    def wait_for(self, state: str, seconds: float = 30.0) -> Screen:
        """Wait until the session root is in a state."""
        self.page.wait_for_selector(f"#session[data-state='{state}']", timeout=seconds * 1000)
        return self

    @property
    def state(self) -> str | None:
        return self.page.locator("#session").get_attribute("data-state")

    def picture(self) -> Image.Image:
        """The display's pixels, as the browser shows them."""
        return Image.open(io.BytesIO(self.page.locator("#display").screenshot(type="png"))).convert("RGB")

    def pixels(self) -> NDArray[np.uint8]:
        return np.asarray(self.picture())

    def text(self) -> list[str]:
        """The rows of a terminal, read off the pixels."""
        return self._reader.read(self.picture())

    def place(self, row: int, column: int) -> tuple[float, float]:
        """Where the middle of a terminal's cell is in the window."""
        box = self.page.locator("#display").bounding_box()
        assert box is not None
        x, y = self._reader.middle(row, column)
        return box["x"] + x, box["y"] + y

    def type(self, text: str) -> None:
        """Press keys as a person does."""
        self.page.keyboard.type(text)

    def wait_for_row(self, fits: Callable[[str], bool], what: str, seconds: float = 30.0) -> str:
        """Wait until a row of the terminal fits, and return it."""
        found: list[str] = []

        def fact() -> bool:
            found[:] = [row for row in self.text() if fits(row)]
            return bool(found)

        try:
            eventually(fact, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen says: {self.text()}") from None
        return found[0]
