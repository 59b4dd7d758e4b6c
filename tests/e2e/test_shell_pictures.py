"""What a terminal looks like in a real browser, at one and at two device pixels for each of the page's.

With PICTURES=folder in the environment the pictures are kept there; those in docs/images are from here.
"""

from __future__ import annotations

import io
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from wcwidth import wcswidth

from proxyd.terminal.fonts import PACKAGED
from proxyd.terminal.glyphs import find_atlas
from proxyd.terminal.layout import Layout
from tests.e2e.screen import FONT_POINTS, Screen, eventually
from tests.e2e.site import ROOT
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray
    from playwright.sync_api import Browser

    from tests.e2e.site import Site

pytestmark = [pytest.mark.real, pytest.mark.e2e]

WIDTH, HEIGHT = 900, 560
LINE, PAPER = (240, 80, 160), (16, 24, 40)
TABLE = [
    ("Latin", "ÅÉÇ gjpqy {|} @#&", "Ångström, façade"),
    ("Greek", "ΑΒΓΔ αβγδ ΣΩ", "Καλημέρα κόσμε"),
    ("Cyrillic", "АБВГ абвг ЖЩЯ", "Доброе утро, мир"),
    ("Wide", "漢字 かな 한글", "世界 🌍 wide"),
    ("Marks", "e\u0301 a\u0308 n\u0303 o\u0302", "combined in one cell"),
    ("Maths", "∀x∈ℝ ∑∏√∞ ≤≠≥", "∫ f(x) dx → ∂"),
    ("Braille", "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚", "⣀⣤⣶⣿⣶⣤⣀"),
    ("Blocks", "▁▂▃▄▅▆▇█ ▏▎▍▌▋▊▉", "░▒▓█ ▖▗▘▙▚▛"),
    ("Arrows", "←↑→↓ ↔↕ ⇐⇒⇔", "➜ ✔ ✘ ★ ♥"),
]
WIDTHS = (12, 24, 26)
STRIP = [(40 + 3 * n, 90 + n, 200 - 2 * n) for n in range(64)]
"""Colours that stand side by side as backgrounds, exactly."""
SAMPLE = "ÅÉgjpqy{|}@Q_M"


def table() -> str:
    """The output: a table in box lines, a strip of colours, a sample."""
    pen = f"\x1b[38;2;{';'.join(map(str, LINE))}m"

    def rule(left: str, middle: str, right: str) -> str:
        return pen + left + middle.join("─" * width for width in WIDTHS) + right + "\x1b[m\n"

    def row(cells: tuple[str, ...]) -> str:
        colours = ("\x1b[1;36m", "\x1b[33m", "\x1b[3;32m")
        parts = [
            f"{colour} {cell}\x1b[m{' ' * (width - 1 - wcswidth(cell))}"
            for colour, cell, width in zip(colours, cells, WIDTHS, strict=True)
        ]
        return f"{pen}│\x1b[m" + f"{pen}│\x1b[m".join(parts) + f"{pen}│\x1b[m\n"

    text = rule("┌", "┬", "┐") + rule("├", "┼", "┤").join(row(cells) for cells in TABLE) + rule("└", "┴", "┘")
    strip = "".join(f"\x1b[48;2;{r};{g};{b}m " for r, g, b in STRIP) + "\x1b[m\n"
    return text + strip + SAMPLE + "\n"


class View(NamedTuple):
    """A terminal at some scale.

    Attributes:
        pixels: of the screen, device pixels.
        x, y: where the cells begin.
        width, height: of a cell.
    """

    pixels: NDArray[np.uint8]
    x: int
    y: int
    width: int
    height: int

    def cells(self, row: int, left: int, right: int) -> NDArray[np.uint8]:
        """The pixels of some cells in a row."""
        top = self.y + row * self.height
        return self.pixels[top : top + self.height, self.x + left * self.width : self.x + right * self.width]


class Photographer:
    """A browser window with a shell in it."""

    def __init__(self, browser: Browser, site: Site, scale: int) -> None:
        self.scale = scale
        self.font_pixels = round(FONT_POINTS * 96 * scale / 72)
        self._context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=scale
        )
        self._context.add_init_script("localStorage.setItem('fanlight.menu-hint-seen', '1')")
        self.page = self._context.new_page()
        Screen(self.page).open(site.link("ssh"))
        eventually(self._is_written_on, "a prompt", 30)

    def close(self) -> None:
        self._context.close()

    def _is_written_on(self) -> bool:
        """There is something besides the cursor."""
        pixels = self.pixels()
        return bool((pixels != pixels[-1, -1]).any(axis=2).any(axis=0).sum() > 2 * self.font_pixels)

    def picture(self) -> Image.Image:
        data = self.page.locator("#display").screenshot(type="png", scale="device")
        return Image.open(io.BytesIO(data)).convert("RGB")

    def pixels(self) -> NDArray[np.uint8]:
        return np.asarray(self.picture())

    def run(self, command: str, *, until: tuple[int, int, int], cells: int = 0) -> View:
        """Type a command; it is done when the pixels of some colour would fill more than so many cells.

        What an earlier command left goes first, or it could be taken for this one's.
        """
        self.page.keyboard.type("PS1='$ '; clear\n")
        eventually(lambda: not self._count(until), f"a screen without {until}", 30)
        self.page.keyboard.type(f"clear; {command}\n")
        cell = find_atlas("", self.font_pixels).cell
        eventually(lambda: self._count(until) > cells * cell.width * cell.height, f"the colour {until}", 30)
        layout = Layout.fit(WIDTH * self.scale, HEIGHT * self.scale, 96 * self.scale, cell)
        return View(self.pixels(), layout.margin, layout.margin, cell.width, cell.height)

    def _count(self, colour: tuple[int, int, int]) -> int:
        """How many pixels have it."""
        return int((self.pixels() == colour).all(axis=2).sum())

    def keep(self, name: str) -> None:
        """Where somebody wants to look."""
        if folder := os.environ.get("PICTURES"):
            self.picture().save(f"{folder}/terminal-{name}-{self.scale}x.webp", lossless=True)


@pytest.fixture(scope="module", params=[1, 2], ids=["1x", "2x"])
def photographer(chromium: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Photographer]:
    found = Photographer(chromium, site, request.param)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shown(photographer: Photographer, tmp_path_factory: pytest.TempPathFactory) -> View:
    """The table on the screen."""
    file = tmp_path_factory.mktemp("pictures") / "table"
    file.write_text(table(), "utf-8")
    view = photographer.run(f"cat {file}; printf '\\e[?25l'", until=STRIP[-1])
    photographer.keep("table")
    return view


ROWS = 2 * len(TABLE) + 1
RIGHT = sum(WIDTHS) + len(WIDTHS)
"""Rows of the table, and the column of its right border."""


def is_line(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels have the colour of the box lines."""
    return (pixels == LINE).all(axis=2)


def test_the_picture_is_as_sharp_as_the_screen(shown: View, photographer: Photographer) -> None:
    scale = photographer.scale
    assert shown.pixels.shape == (HEIGHT * scale, WIDTH * scale, 3)
    if scale == 2:  # drawn for this screen, not stretched
        blocks = shown.pixels.reshape(HEIGHT, 2, WIDTH, 2, 3)
        assert (blocks != blocks[:, :1, :, :1]).any(axis=(1, 3, 4)).mean() > 0.005


def test_box_lines_are_joined(shown: View) -> None:
    columns = [0]
    for width in WIDTHS:
        columns.append(columns[-1] + width + 1)
    height = ROWS * shown.height
    for column in columns:
        stripe = is_line(shown.pixels)[
            shown.y : shown.y + height, shown.x + column * shown.width : shown.x + (column + 1) * shown.width
        ]
        bar = stripe.sum(axis=0).argmax()
        solid = stripe[shown.height : -shown.height, bar]
        assert solid.all(), f"column {column}: gaps at {np.flatnonzero(~solid)[:5]}"
    for row in range(0, ROWS, 2):
        stripe = is_line(shown.cells(row, 0, RIGHT + 1))
        bar = stripe.sum(axis=1).argmax()
        solid = stripe[bar, shown.width : -shown.width]
        assert solid.all(), f"row {row}: gaps at {np.flatnonzero(~solid)[:5]}"


def test_nothing_moves_the_border(shown: View) -> None:
    """Wide characters, clusters and emoji take the columns that programs count on."""
    border = is_line(shown.cells(1, RIGHT, RIGHT + 1))
    for row in range(1, ROWS, 2):
        assert (is_line(shown.cells(row, RIGHT, RIGHT + 1)) == border).all(), TABLE[row // 2][0]


def test_colours_are_exact(shown: View) -> None:
    for column, colour in enumerate(STRIP):
        assert (shown.cells(ROWS, column, column + 1) == colour).all()


def test_glyphs_are_whole(shown: View, photographer: Photographer) -> None:
    """Each is what Pillow draws of the same font, its ascenders and descenders included."""
    font = ImageFont.truetype(str(PACKAGED.regular.path), photographer.font_pixels)
    ascent, _ = font.getmetrics()
    paper = shown.cells(ROWS + 1, 70, 71)[0, 0]
    for column, character in enumerate(SAMPLE):
        found = np.abs(shown.cells(ROWS + 1, column, column + 1).astype(int) - paper).sum(axis=2)
        drawn = Image.new("L", (shown.width, shown.height))
        ImageDraw.Draw(drawn).text((0, ascent), character, fill=255, font=font, anchor="ls")
        ink, expected = found / found.max(), np.asarray(drawn) / 255
        assert np.abs(ink - expected).mean() < 0.04, character
        assert extent(ink) == pytest.approx(extent(expected), abs=1), character


def extent(ink: NDArray[np.float64]) -> tuple[int, int]:
    """The first and last row with ink."""
    rows = np.flatnonzero(ink.max(axis=1) > 0.4)
    return int(rows[0]), int(rows[-1])


VIM = """\
set nocompatible termguicolors background=dark number cursorline laststatus=2 noswapfile
syntax on
colorscheme habamax
highlight Normal guifg=#d0d0d0 guibg=#101828
highlight StatusLine guifg=#101828 guibg=#f050a0 gui=NONE
"""


def test_a_colourful_vim(photographer: Photographer, tmp_path: Path) -> None:
    processes.require("vim")
    (tmp_path / "vimrc").write_text(VIM)
    shutil.copy(ROOT / "proxyd" / "terminal" / "colours.py", tmp_path)
    vim = "vim -Nu vimrc -c 'normal 12G' colours.py"
    view = photographer.run(f"cd {tmp_path}; {vim}", until=LINE, cells=WIDTH // FONT_POINTS)
    photographer.keep("vim")
    colours, counts = np.unique(packed(view.pixels), return_counts=True)
    assert {packed(PAPER), packed(LINE)} <= set(colours[counts > view.width * view.height])
    status = (view.pixels == LINE).all(axis=2)
    rows = np.flatnonzero(status.mean(axis=1) > 0.5)
    assert len(rows) >= view.height - 4, "the status line is one band"
    assert (np.diff(rows) <= 1).mean() > 0.9
    rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255])
    assert ((counts > 20) & (np.ptp(rgb, axis=0) > 60)).sum() > 6, "syntax has colours"


def packed(colours: ArrayLike) -> NDArray[np.int64]:
    """Colours as single numbers."""
    return np.asarray(colours) @ np.array([65536, 256, 1])
