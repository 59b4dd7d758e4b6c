"""An instance in a folder: `instance-report` under dash, with nothing on PATH but what it says that it needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.servers import processes

__all__ = ["DEPLOY", "SCRIPT", "Machine"]

DEPLOY = Path(__file__).parents[2] / "deploy" / "instance"
SCRIPT = DEPLOY / "instance-report"
USED = [
    "sh",
    "sed",
    "head",
    "tail",
    "tr",
    "cat",
    "mktemp",
    "rm",
    "mv",
    "mkdir",
    "sleep",
    "date",
    "sort",
    "wc",
    "base64",
    "printf",
    "echo",
    "timeout",
    "vncpasswd",
    "su",
    "env",
]
"""What it may use besides curl or wget."""


class Machine:
    """The script with its own state and configuration."""

    def __init__(self, folder: Path, client: str, endpoint: str, token: str, vmid: str = "42") -> None:
        self.folder = folder
        self._token = token
        self._path = folder / "bin"
        self._path.mkdir()
        for name in [*USED, *filter(None, [client])]:
            (self._path / name).symlink_to(processes.require(name))
        self.state = folder / "state"
        self.configuration = folder / "instance.conf"
        self.configure(ONEGATE_ENDPOINT=endpoint, VMID=vmid, SSHD_CONFIG="/nonexistent", SSH_PORT="2222")
        (folder / "token").write_text(f"{token}\n")

    def command(self, name: str) -> str:
        """A program for sshd: it calls the script as this instance."""
        settings = [f"{key}={value}" for key, value in self.environment.items()]
        path = Path("/usr/local/sbin") / name
        path.write_text(f'#!/bin/sh\nexport {" ".join(settings)}\nexec sh {SCRIPT} "$@"\n')
        path.chmod(0o755)
        return str(path)

    def configure(self, **settings: str) -> None:
        settings.setdefault("TOKEN_FILE", str(self.folder / "token"))
        with self.configuration.open("a") as file:
            file.writelines(f"{name}='{value}'\n" for name, value in settings.items())

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self._path),
            "INSTANCE_CONTEXT": str(self.folder / "one_env"),
            "INSTANCE_CONFIGURATION": str(self.configuration),
            "INSTANCE_STATE": str(self.state),
            "INSTANCE_PAUSE": "0",
        }

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [processes.require("dash"), str(SCRIPT), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert code is None or done.returncode == code, done
        assert self._token not in done.stdout + done.stderr
        return done
