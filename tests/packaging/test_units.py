"""The connector's systemd units, as systemd itself reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.connectors import new_key
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


def test_what_the_system_service_hands_over_is_found(tmp_path: Path) -> None:
    """Its environment, as systemd would fill it in: the key is a credential, and the state directory is its own."""
    credentials, state = tmp_path / "credentials", tmp_path / "state"
    credentials.mkdir()
    (credentials / "connector.key").write_text(new_key().text())
    (credentials / "connector.key").chmod(0o440)  # as systemd makes it
    (tmp_path / "connector.toml").write_text((FOLDER / "connector.toml").read_text())
    unit = (FOLDER / "fanlight-connector.service").read_text()
    (line,) = [line for line in unit.splitlines() if line.startswith("Environment=")]
    given = dict(part.split("=", 1) for part in line.partition("=")[2].split())
    given = {
        name: value.replace("%d", str(credentials)).replace("/var/lib/fanlight-connector", str(state))
        for name, value in given.items()
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FANLIGHT_")}
    done = subprocess.run(
        [sys.executable, "-c", "from broker.cli import main; main()", "connector", "doctor", "--json",
         "--config", str(tmp_path / "connector.toml")],
        check=False, capture_output=True, text=True, timeout=60, cwd=FOLDER.parents[1],
        env={**clean, **given, "CREDENTIALS_DIRECTORY": str(credentials)},
    )  # fmt: skip
    found = {row["stage"]: row for row in json.loads(done.stdout)}
    assert found["key"]["passed"], found["key"]["detail"]
    assert found["key"]["detail"].startswith("network lab, generation 1, SHA256:")
    assert str(state) in found["disk"]["detail"]
    assert "OPENSSH" not in done.stdout + done.stderr
