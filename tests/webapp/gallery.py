"""Pictures of every screen, to be looked at after each change of the page: `python -m tests.webapp.gallery`.

Writes one sheet for each device, light and dark, into docs/images.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import FLAGS
from tests.e2e.site import ROOT
from tests.fakes import tunnel_scripts, web_tier
from tests.webapp.person import Person
from tests.webapp.screens import DEVICES, SCREENS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COLUMNS = {"laptop": 3, "tablet": 4, "phone": 7}
SCALE = {"laptop": 0.5, "tablet": 0.5, "phone": 0.6}
GAP, CAPTION = 16, 28
QUALITY = 80


def picture_of(browser: Browser, device: str, scheme: str, screen: str) -> Image.Image:
    """One screen, with a fresh browser and web tier."""
    with web_tier.WebTier() as tier:
        tier.connections = {"desktop": "vnc", "shell": "ssh"}
        tier.scripts = {"desktop": tunnel_scripts.paints_desktop, "shell": tunnel_scripts.paints_shell}
        context = browser.new_context(**DEVICES[device], color_scheme=scheme, reduced_motion="reduce")
        context.add_init_script("localStorage.setItem('fanlight.menu-hint-seen', '1')")
        person = Person(context, tier)
        SCREENS[screen](person)
        picture = Image.open(io.BytesIO(person.page.screenshot())).convert("RGB")
        context.close()
    return picture


def sheet(pictures: dict[str, Image.Image], device: str) -> Image.Image:
    """All screens of a device on one picture, each with its name."""
    small = {name: picture.resize(scaled(picture, SCALE[device])) for name, picture in pictures.items()}
    width, height = next(iter(small.values())).size
    columns = COLUMNS[device]
    rows = -(-len(small) // columns)
    whole = Image.new(
        "RGB", (columns * (width + GAP) + GAP, rows * (height + CAPTION + GAP) + GAP), "#808790"
    )
    draw = ImageDraw.Draw(whole)
    for number, (name, picture) in enumerate(small.items()):
        x = GAP + number % columns * (width + GAP)
        y = GAP + number // columns * (height + CAPTION + GAP)
        draw.text((x, y), name, fill="white", font=ImageFont.load_default(18))
        whole.paste(picture, (x, y + CAPTION))
    return whole


def scaled(picture: Image.Image, factor: float) -> tuple[int, int]:
    return round(picture.width * factor), round(picture.height * factor)


def main(folder: Path) -> None:
    """Draw every sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for device in DEVICES:
            for scheme in ("light", "dark"):
                pictures = {name: picture_of(browser, device, scheme, name) for name in SCREENS}
                sheet(pictures, device).save(folder / f"screens-{device}-{scheme}.webp", quality=QUALITY)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
