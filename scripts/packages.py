"""Install what the tests drive (`packages.txt`) on Debian as root; elsewhere say what is missing and how to get it.

With `CI=true` a missing part ends the run with exit code 1; otherwise the tests that need it are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("packages.txt")


class Package(NamedTuple):
    """One row of the table."""

    name: str
    shown_by: str
    reason: str

    def present(self) -> bool:
        """Whether the file is there or the command is found."""
        if "/" in self.shown_by:
            return Path(self.shown_by).exists()
        return shutil.which(self.shown_by) is not None


def table() -> list[Package]:
    """The rows of `packages.txt`."""
    lines = TABLE.read_text().splitlines()
    return [Package(*line.split(None, 2)) for line in lines if line and not line.startswith("#")]


def missing() -> list[Package]:
    """The packages that are not there."""
    return [package for package in table() if not package.present()]


def install(packages: list[Package]) -> None:
    """Install with apt-get; what could not be installed is found out afterwards."""
    print(f"packages: installing {' '.join(package.name for package in packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-yqq", "-o", "Dpkg::Use-Pty=0"]
    names = [package.name for package in packages]
    for command in ([*apt, "update"], [*apt, "install", "--no-install-recommends", *names]):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)


def main() -> int:
    """Install or list; 1 where something stays missing in CI."""
    absent = missing()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        install(absent)
        absent = missing()
    for package in absent:
        print(f"packages: {package.name} is missing ({package.reason})", file=sys.stderr)
    if absent:
        names = " ".join(package.name for package in absent)
        print(f"packages: on Debian or Ubuntu: sudo apt-get install {names}", file=sys.stderr)
    return int(bool(absent) and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
