"""The services of docker-compose.yml, run as they are written there but for the places of files and the port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())["services"]
FANLIGHT = "from broker.cli import main; main()"

pytestmark = pytest.mark.real


class Host:
    """A folder in place of the volumes, a free port in place of 8080."""

    def __init__(self, folder: Path) -> None:
        self.places = {"0.0.0.0:8080": f"127.0.0.1:{processes.free_port()}"}
        for place in ("/keys", "/run/fanlight", "/run/secrets", "/var/lib/fanlight"):
            (folder / place[1:]).mkdir(parents=True)
            self.places[place] = str(folder / place[1:])
        (folder / "run/secrets/secret-key").write_text("so-secret\n")

    def translate(self, text: str) -> str:
        text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)  # what a variable is where nobody sets another
        for place, here in self.places.items():
            text = text.replace(place, here)
        return text

    def command(self, words: list[str]) -> list[str]:
        assert words[0] == "fanlight"
        return [sys.executable, "-c", FANLIGHT, *(self.translate(word) for word in words[1:])]

    def environment(self, name: str) -> dict[str, str]:
        variables = {key: self.translate(value) for key, value in SERVICES[name]["environment"].items()}
        here = self.places["0.0.0.0:8080"]
        return {**os.environ, "FANLIGHT_METRICS_BIND": "", "FANLIGHT_BIND": here, **variables}

    def healthy(self, name: str) -> subprocess.CompletedProcess[str]:
        test = SERVICES[name]["healthcheck"]["test"]
        assert test[0] == "CMD"
        environment = self.environment(name)
        return subprocess.run(
            self.command(test[1:]), env=environment, capture_output=True, text=True, check=False, timeout=30
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    running = []
    try:
        for name in ("proxyd", "broker"):
            service = SERVICES[name]
            environment = made.environment(name)
            environment.pop("FANLIGHT_BIND")
            running.append(processes.start(*made.command(service["command"]), env=environment))
        yield made
    finally:
        for process in running:
            processes.stop(process)


def test_services_become_healthy_and_the_secret_is_read(host: Host) -> None:
    deadline = time.monotonic() + 30
    for name in ("proxyd", "broker"):
        while (checked := host.healthy(name)).returncode != 0:
            assert time.monotonic() < deadline, checked.stdout + checked.stderr
        assert checked.stdout.startswith(f"✓ {name}")
    signed = subprocess.run(
        host.command(["fanlight", "sign", "172.30.5.10", "--user", "alice"]),
        env=host.environment("broker"), capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert signed.returncode == 0, signed.stderr
    assert "/guacamole/#/client/" in signed.stdout


def test_a_service_that_is_not_there_is_not_healthy(tmp_path: Path) -> None:
    host = Host(tmp_path)
    for name in ("proxyd", "broker"):
        assert host.healthy(name).returncode == 3
