"""Desktops in motion on a real Xvnc: frames, processor time, bytes, and how true the picture is."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import psutil

from tests.benchmarks.rows import Benchmark, Options, Row
from tests.fakes.viewer import Viewer
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tests.benchmarks.target import Target

    Picture = NDArray[np.uint8]

__all__ = ["BENCHMARKS", "draw"]

REFERENCE = 8.0
"""Seconds that the budgets mean; shorter runs are scaled."""
SETTLED = 0.15
"""Seconds after the last change at which its frames have arrived, and nothing better yet."""
REST = 3.0
"""Seconds after which what rests shall be exact."""


async def measure(name: str, target: Target, options: Options) -> dict[str, float]:
    """Watch one load from its first frame to its last, then the picture it leaves."""
    with Xvnc(1280, 800) as server:
        async with await target.desktop(server, **options.parameters) as meter:
            xvnc = psutil.Process(server.pid)
            meter.reset()
            cpu, xvnc_cpu = target.cpu(), sum(xvnc.cpu_times()[:2])
            drawn = await draw(name, server.display, options.seconds)
            ended = time.perf_counter()
            frames, received = meter.frames, meter.bytes
            await asyncio.sleep(SETTLED)
            cpu, xvnc_cpu = target.cpu() - cpu, sum(xvnc.cpu_times()[:2]) - xvnc_cpu
            truth = server.screenshot()
            await asyncio.sleep(REST)
        moving, rest = _errors(meter.recording, [ended + SETTLED, ended + REST], truth)
    scale = REFERENCE / options.seconds
    return {
        "drawn": drawn * scale,
        "frames": frames * scale,
        "cpu": cpu * scale,
        "xvnc": xvnc_cpu * scale,
        "size": received / max(frames, 1) / 1000,
        "moving": moving,
        "rest": rest,
    }


async def draw(name: str, display: str, seconds: float) -> int:
    """Draw a load to its end; how many frames it had time for."""
    module = ["-m", "tests.benchmarks.vnc_loads", name, "--display", display, "--seconds", str(seconds)]
    load = await asyncio.create_subprocess_exec(sys.executable, *module, stdout=asyncio.subprocess.PIPE)
    said, _ = await load.communicate()  # "video: 240 frames in 8 s"
    return int(said.split()[1])


def _errors(recording: Iterable[tuple[float, bytes]], moments: list[float], truth: Picture) -> list[float]:
    """Mean difference a channel between the truth and what was shown at these moments."""
    viewer = Viewer()
    errors: list[float] = []
    for came, data in [*recording, (float("inf"), b"")]:
        while len(errors) < len(moments) and came > moments[len(errors)]:
            shown = viewer.canvas.layer(0)[..., :3]
            errors.append(float(np.abs(shown.astype(int) - truth).mean()))
        viewer.feed(data)
    return errors


def _benchmark(
    name: str, *, frames: float, cpu: float, size: float, true_in_motion: bool = False
) -> Benchmark:
    rows = (
        Row("drawn", f"VNC {name}, frames that were drawn in 8 s", ""),
        Row("frames", f"VNC {name}, frames that were shown", "", least=frames),
        Row("cpu", f"VNC {name}, processor time", "s", most=cpu),
        Row("xvnc", f"VNC {name}, Xvnc's processor time", "s"),
        Row("size", f"VNC {name}, a frame", "KB", most=size),
        Row("moving", f"VNC {name}, picture error in motion", "levels", not_worse=true_in_motion),
        Row("rest", f"VNC {name}, picture error at rest", "levels", most=0),
    )
    return Benchmark(name, rows, partial(measure, name))


BENCHMARKS = (
    _benchmark("video", frames=220, cpu=0.6, size=174),
    _benchmark("scroll", frames=210, cpu=1.3, size=230, true_in_motion=True),
    _benchmark("desktop", frames=150, cpu=0.4, size=24),
)
