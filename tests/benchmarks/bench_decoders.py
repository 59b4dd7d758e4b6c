"""What decoding and encoding again cost: `python -m tests.benchmarks.bench_decoders [--seconds 4]`.

Draws each load on a real Xvnc, records what the server sends at 30 frames/s in each encoding, then plays the recording
to decoders, encoder and emitter. Times are CPU of one core; what the server and the pictures' drawing cost is not in them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from proxyd.display.emit import emit
from proxyd.display.encode import encode
from proxyd.display.ops import Indexed, Pixels
from proxyd.rfb.encodings import Encoding, quality
from tests.benchmarks.vnc_loads import LOADS
from tests.captures.rfb.record import Client, Take
from tests.rfb_replay import Replay
from tests.servers.xvnc import Xvnc

OFFERS: dict[str, tuple[int, ...]] = {
    "tight q6": (Encoding.COPYRECT, Encoding.TIGHT, quality(6)),
    "tight q3": (Encoding.COPYRECT, Encoding.TIGHT, quality(3)),
    "tight exact": (Encoding.COPYRECT, Encoding.TIGHT),
    "zrle": (Encoding.COPYRECT, Encoding.ZRLE),
    "hextile": (Encoding.COPYRECT, Encoding.HEXTILE),
    "raw": (Encoding.RAW,),
}
TICK = 1 / 30
IMAGES = frozenset({"image/png", "image/jpeg"})
HEADS = ("load", "encoding", "frames", "KB in", "decode ms", "encode ms", "emit ms", "KB out", "ops a frame")


def record(load: str, offered: tuple[int, ...], seconds: float) -> bytes:
    """What Xvnc sends while a load is drawn."""
    with Xvnc(1280, 800) as server:
        server.spawn(
            sys.executable, "-m", "tests.benchmarks.vnc_loads", load, "--display", server.display, "--seconds", str(seconds + 3)
        )  # fmt: skip
        client = Client(server.port, Take(lambda: server, offered))
        client.update(incremental=False)
        time.sleep(1.5)  # the load prepares its pictures
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            due = time.monotonic() + TICK
            client.update(incremental=True, draw=False)
            time.sleep(max(due - time.monotonic(), 0))
        client.close()
        return bytes(client.recording)


def measure(recording: bytes) -> list[str]:
    """The figures of one recording, a frame."""
    start = time.process_time()
    frames = [[op for drawn in update for op in drawn.ops] for update in Replay(recording).updates()]
    decoded = time.process_time()
    encoded = [
        [encode(op, accepts=IMAGES) if isinstance(op, Indexed | Pixels) else op for op in frame]
        for frame in frames
    ]
    finished = time.process_time()
    sent = sum(len(b"".join([emit(op) for op in frame])) for frame in encoded)
    emitted = time.process_time()
    kinds = Counter(type(op).__name__ for frame in frames for op in frame)
    count = len(frames)
    return [
        str(count),
        f"{len(recording) / 1024 / count:.1f}",
        *(
            f"{1000 * spent / count:.2f}"
            for spent in (decoded - start, finished - decoded, emitted - finished)
        ),
        f"{sent / 1024 / count:.1f}",
        ", ".join(f"{name} {number / count:.1f}" for name, number in kinds.most_common()),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each recording")
    parser.add_argument("--load", choices=LOADS, action="append", help="all by default")
    parser.add_argument("--encoding", choices=OFFERS, action="append", help="all by default")
    asked = parser.parse_args()
    _line(HEADS)
    for load in asked.load or LOADS:
        for name in asked.encoding or OFFERS:
            _line((load, name, *measure(record(load, OFFERS[name], asked.seconds))))


def _line(cells: tuple[str, ...] | list[str]) -> None:
    *columns, last = cells
    sys.stdout.write("".join(f"{cell:>12}" for cell in columns) + f"  {last}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
