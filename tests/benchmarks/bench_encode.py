"""What pictures cost to encode, and what else could have been chosen: `python -m tests.benchmarks.bench_encode`.

Milliseconds of one core and KB, both for a megapixel of each kind of picture; the best of some rounds.
"""

from __future__ import annotations

import io
import random
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from proxyd.display.encode import cost, encode
from proxyd.display.ops import Indexed, Pixels
from tests.benchmarks.vnc_loads import film, paper

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
SIDES = (1024, 64, 16)


def pictures() -> dict[str, PillowImage.Image]:
    """Text in many colours, text in few, a photograph."""
    text = paper(random.Random(1), 1024, 1024)
    return {"text": text, "grey text": text.convert("L").convert("RGB"), "photograph": film(1024, 1024)}


def best(work: Callable[[], bytes]) -> tuple[float, int]:
    """(milliseconds, bytes) of the quickest round."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        data = work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times), len(data)


def line(kind: str, side: int, how: str, work: Callable[[], bytes], estimate: float | None = None) -> None:
    """Measure and print one way to encode a square of that side."""
    milliseconds, size = best(work)
    megapixels = side * side / 1e6
    guess = "" if estimate is None else f"{estimate / megapixels:10.2f} estimated"
    sys.stdout.write(
        f"{kind:>12}{side:>6}{how:>26}{milliseconds / megapixels:10.2f} ms{size / 1024 / megapixels:10.1f} KB{guess}\n"
    )


def ours(op: Pixels | Indexed) -> Callable[[], bytes]:
    accepts = frozenset({"image/png", "image/jpeg"})
    return lambda: encode(op, accepts=accepts).data


def pillow(picture: PillowImage.Image, kind: str, **options: object) -> Callable[[], bytes]:
    def work() -> bytes:
        out = io.BytesIO()
        picture.save(out, kind, **options)
        return out.getvalue()

    return work


def main() -> None:
    """Print the table."""
    for kind, whole in pictures().items():
        for side in SIDES:
            picture = whole.crop((0, 0, side, side))
            exact = Pixels(0, 0, side, side, picture.tobytes())
            line(kind, side, "exact", ours(exact), cost(exact))
            line(kind, side, "lossy allowed, quality 75", ours(exact._replace(quality=75)))
            if picture.getcolors(256) is not None:
                reduced = picture.quantize(256)
                palette = bytes(reduced.getpalette() or ())[:768]
                indexed = Indexed(0, 0, side, side, 8, np.asarray(reduced).tobytes(), palette)
                line(kind, side, "palette", ours(indexed), cost(indexed))
            line(kind, side, "Pillow PNG, level 1", pillow(picture, "PNG", compress_level=1))
            line(
                kind,
                side,
                "WebP lossless, method 0",
                pillow(picture, "WEBP", lossless=True, quality=0, method=0),
            )
            line(kind, side, "WebP quality 75, method 0", pillow(picture, "WEBP", quality=75, method=0))


if __name__ == "__main__":
    main()
