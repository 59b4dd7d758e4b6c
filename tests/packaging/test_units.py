"""The connector's systemd units, as systemd itself reads them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.servers import processes

pytestmark = pytest.mark.real

FOLDER = Path(__file__).parents[2] / "deploy" / "connector"


@pytest.mark.parametrize(
    ("name", "options"),
    [("fanlight-connector.service", []), ("fanlight-connector.user.service", ["--user"])],
)
def test_a_unit_has_no_fault(tmp_path: Path, name: str, options: list[str]) -> None:
    program = tmp_path / "fanlight"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "fanlight-connector.service"
    text = (FOLDER / name).read_text()
    for place in ("/opt/fanlight/bin/fanlight", "%h/.local/bin/fanlight"):
        text = text.replace(f"ExecStart={place}", f"ExecStart={program}")
    assert f"ExecStart={program} connector run" in text
    unit.write_text(text)
    done = subprocess.run(
        [processes.require("systemd-analyze"), "verify", "--man=no", *options, str(unit)],
        check=False, capture_output=True, text=True, timeout=60, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "fanlight-connector" in line]
    assert (done.returncode, said) == (0, []), done.stderr
