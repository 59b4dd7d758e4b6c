"""Everything that is quick: format, lint, types, the page, architecture and unit tests. `make check` runs this.

Steps that load different parts of the machine run side by side; each prints one line, and its output where it failed.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv" / "bin"
QUICK = "not real and not e2e"

LANES: list[list[tuple[str, list[str]]]] = [
    [
        ("format", [f"{BIN}/ruff", "format", "--check", "--quiet", "."]),
        ("lint", [f"{BIN}/ruff", "check", "--quiet", "."]),
        ("types", [f"{BIN}/mypy", "--no-error-summary"]),
        ("page", ["npm", "--prefix", "webapp", "run", "--silent", "check"]),
        ("page tests", ["npm", "--prefix", "webapp", "test", "--silent"]),
    ],
    [("tests", [f"{BIN}/python", "-m", "pytest", "-q", "-n", "auto", "-m", QUICK])],
]
"""Each lane's steps run one after the other; lanes run side by side."""


async def run(name: str, command: list[str]) -> bool:
    """Run one step; True where it passed."""
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    output, _ = await process.communicate()
    passed = process.returncode == 0
    print(f"{'✓' if passed else '✕'} {name:11} {time.monotonic() - started:5.1f} s", flush=True)
    if not passed or name == "tests":
        text = output.decode(errors="replace").rstrip()
        print(text if not passed else text.splitlines()[-1], flush=True)
    return passed


async def lane(steps: list[tuple[str, list[str]]]) -> bool:
    """Run steps in order; all of them, even after a failure."""
    return all([await run(name, command) for name, command in steps])


async def main() -> int:
    """Run all lanes; 1 where a step failed."""
    return int(not all(await asyncio.gather(*(lane(steps) for steps in LANES))))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
