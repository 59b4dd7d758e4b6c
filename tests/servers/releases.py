"""Releases of fanlight to update to: real wheels of this tree's connector under another version, and one that never connects."""

from __future__ import annotations

import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from connector.release import FILE, sign

if TYPE_CHECKING:
    import asyncssh

__all__ = ["publish"]

ROOT = Path(__file__).parents[2]
PACKAGES = ("connector", "proxyd")
SLEEPS = "import time\nwhile True: time.sleep(60)\n"


def publish(folder: Path, version: str, signer: asyncssh.SSHKey, *, works: bool = True) -> None:
    """Put a signed release into a folder; what it needs besides is taken from where the tests run."""
    wheel = folder / f"fanlight-{version}-py3-none-any.whl"
    about = f"fanlight-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as packed:
        for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            packed.writestr(name, SLEEPS if not works and name == "connector/agent.py" else path.read_text())
        packed.writestr("tests.pth", f"{sysconfig.get_path('purelib')}\n")
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: fanlight\nVersion: {version}\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")
    (folder / FILE).write_text(sign(version, {wheel.name: wheel.read_bytes()}, signer))
