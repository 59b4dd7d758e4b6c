"""Recordings as guacd and asciinema write them: a picture that changes, and a shell that is used."""

from __future__ import annotations

import base64
import io
import json

from PIL import Image

from proxyd.wire.instruction import encode
from tests.fakes.tunnel_scripts import desktop_picture

__all__ = ["cast", "desktop"]

SIZE = (640, 400)


def desktop(colours: list[str], seconds: float = 10.0) -> bytes:
    """A desktop on which a square takes one colour after the other, with `seconds` between them."""
    now = 1_000_000
    parts = [encode("size", 0, *SIZE), _img(desktop_picture(*SIZE), 0, 0), encode("sync", now, 1)]
    for colour in colours:
        now += int(seconds * 1000)
        parts += [_img(Image.new("RGB", (200, 200), colour), 0, 0), encode("sync", now, 1)]
    return b"".join(parts)


def _img(picture: Image.Image, x: int, y: int) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG")
    blob = base64.b64encode(data.getvalue()).decode()
    return encode("img", 1, 14, 0, "image/png", x, y) + encode("blob", 1, blob) + encode("end", 1)


def cast() -> bytes:
    """A shell in which somebody lists a folder, and a while later says something."""
    green, plain = "\x1b[1;32m", "\x1b[0m"
    events = [
        [0.2, "o", f"{green}alice@dev{plain}:~$ "], [1.0, "o", "ls\r\n"],
        [1.1, "o", "\x1b[34mdata\x1b[0m  notes.md  reads.fastq.gz\r\n"], [1.2, "o", f"{green}alice@dev{plain}:~$ "],
        [40.0, "o", "echo done\r\n"], [40.2, "o", f"done\r\n{green}alice@dev{plain}:~$ "], [60.0, "o", "\x07"],
    ]  # fmt: skip
    header = {"version": 2, "width": 80, "height": 24, "timestamp": 1_763_800_000}
    return "\n".join(json.dumps(line) for line in [header, *events]).encode()
