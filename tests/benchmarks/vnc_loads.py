"""The three loads of the desktop benchmark: programs that draw on an X display.

python -m tests.benchmarks.vnc_loads video --display :7 --seconds 8

video: a 960x540 film of shifting, smoothly interpolated noise, 30 frames/s.
scroll: the whole screen scrolls by 20 pixels a frame; lines of coloured 20-pixel proportional text on white, 30 frames/s.
desktop: a 420x300 window, a title bar and ten lines of text, moves over a gradient, 20 frames/s.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.servers.blitter import Blitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Step = tuple[int, int, Pixels]

TEXT = (
    "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not "
    "what all were we when your can said there use an each which she do how their if will up other about out many then"
)
WORDS = TEXT.split()
LINE = 20


def video(width: int, height: int) -> Iterator[Step]:
    """A film in the middle of the screen."""
    size = (min(960, width), min(540, height))
    pictures = _bgrx(film(size[0] + 400, size[1] + 300))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    for frame in _count():
        x, y = int(200 + 200 * math.sin(frame / 37)), int(150 + 150 * math.sin(frame / 23))
        yield left, top, pictures[y : y + size[1], x : x + size[0]]


def scroll(width: int, height: int) -> Iterator[Step]:
    """Text over the whole screen."""
    chooser = random.Random(2)
    lines = height // LINE
    text = _bgrx(paper(chooser, width, (lines + 200) * LINE))
    for frame in _count():
        top = frame % 200 * LINE
        yield 0, 0, text[top : top + height]


def desktop(width: int, height: int) -> Iterator[Step]:
    """A window on its way over the screen; what it leaves is drawn again."""
    gradient = np.mgrid[:height, :width]
    channels = (
        gradient[0] * 200 // height,
        gradient[1] * 200 // width,
        (gradient[0] + gradient[1]) * 200 // (width + height),
    )
    background = _bgrx(Image.fromarray(np.stack(channels, -1).astype(np.uint8)))
    window = _bgrx(_window(random.Random(3), 420, 300))
    yield 0, 0, background
    old = None
    for frame in _count():
        x = int((width - 420) * (0.5 + 0.5 * math.sin(frame / 31)))
        y = int((height - 300) * (0.5 + 0.5 * math.sin(frame / 19)))
        scene = background.copy()
        scene[y : y + 300, x : x + 420] = window
        left, top = (min(x, old[0]), min(y, old[1])) if old else (x, y)
        right, bottom = (max(x, old[0]) + 420, max(y, old[1]) + 300) if old else (x + 420, y + 300)
        yield left, top, scene[top:bottom, left:right]
        old = x, y


@dataclass(frozen=True)
class Load:
    """What is drawn, and how often a second."""

    steps: Callable[[int, int], Iterator[Step]]
    rate: int


LOADS = {"video": Load(video, 30), "scroll": Load(scroll, 30), "desktop": Load(desktop, 20)}


def run(name: str, display: str, seconds: float) -> int:
    """Draw a load and return the number of frames; late frames are left out."""
    load = LOADS[name]
    with Blitter(display) as blitter:
        steps = load.steps(blitter.width, blitter.height)
        step = next(steps)  # prepares the pictures
        drawn = 0
        start = time.monotonic()
        while (now := time.monotonic() - start) < seconds:
            blitter.put(*step)
            blitter.wait()
            drawn += 1
            step = next(steps)
            due = math.ceil(now * load.rate + 1e-6) / load.rate
            time.sleep(max(start + due - time.monotonic(), 0))
        return drawn


def _count() -> Iterator[int]:
    frame = 0
    while True:
        yield frame
        frame += 1


def _bgrx(picture: Image.Image) -> Pixels:
    data = picture.convert("RGB").tobytes("raw", "BGRX")
    return np.frombuffer(data, np.uint8).reshape(picture.height, picture.width, 4)


def film(width: int, height: int) -> Image.Image:
    """Noise, smoothly interpolated: every pixel differs a little from the next."""
    noise = np.random.default_rng(1).integers(0, 256, (124, 200, 3), np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def paper(chooser: random.Random, width: int, height: int) -> Image.Image:
    """Lines of text, three words of a colour."""
    font = ImageFont.load_default(LINE - 4)
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    for y in range(0, height, LINE):
        x = 4.0
        while x < width - 160:
            words = "".join(chooser.choice(WORDS) + " " for _ in range(3))
            pen.text((x, y), words, font=font, fill=tuple(chooser.randrange(180) for _ in range(3)))
            x += pen.textlength(words, font=font)
    return sheet


def _window(chooser: random.Random, width: int, height: int) -> Image.Image:
    font = ImageFont.load_default(LINE - 4)
    window = Image.new("RGB", (width, height), (245, 245, 245))
    pen = ImageDraw.Draw(window)
    pen.rectangle((0, 0, width, 28), fill=(52, 86, 139))
    pen.text((10, 4), "A window", font=font, fill="white")
    for line in range(10):
        words = " ".join(chooser.choice(WORDS) for _ in range(9))
        pen.text((12, 40 + 25 * line), words, font=font, fill=(30, 30, 30))
    return window


def main() -> None:
    """Draw one load."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("--display", required=True, help="like :7")
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    drawn = run(options.load, options.display, options.seconds)
    sys.stdout.write(f"{options.load}: {drawn} frames in {options.seconds:g} s\n")


if __name__ == "__main__":
    main()
