"""A whole site of real processes: sshd and Xvnc as the instance, proxyd, broker, and a platform that mints links."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.fakes.platform import Platform
from tests.servers import processes
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = ["ROOT", "Site"]

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-the-tests"
PASSWORD = "display"


class Site:
    """Starts on entering, and leaves no process behind.

    Attributes:
        sshd: the instance's shell.
        xvnc: the instance's desktop.
        url: the broker's base address, `http://127.0.0.1:PORT/guacamole`.
        platform: mints links as a portal's backend does.
    """

    def __init__(
        self,
        width: int = 1024,
        height: int = 768,
        settings: Mapping[str, object] | None = None,
        *,
        sshd: Sshd | None = None,
        xvnc: Xvnc | None = None,
    ) -> None:
        self.sshd = sshd or Sshd()
        self.xvnc = xvnc or Xvnc(width, height, password=PASSWORD)
        self._settings = dict(settings or {})
        self._temporary = tempfile.TemporaryDirectory(prefix="fanlight-site-")
        self.folder = Path(self._temporary.name)
        self._tokens: list[str] = []
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        port = processes.free_port()
        self.proxyd_port = processes.free_port()
        self.url = f"http://127.0.0.1:{port}/guacamole"
        self.broker_port = port

    def __enter__(self) -> Self:
        try:
            return self._enter()
        except BaseException:
            self.__exit__()
            raise

    def _enter(self) -> Self:
        self.sshd.__enter__()
        self.xvnc.__enter__()
        self._write_key()
        self._write_settings()
        self.start("proxyd", self.proxyd_port)
        self.start("broker", self.broker_port)
        ports = {"ssh": self.sshd.port, "vnc": self.xvnc.port}
        self.platform = Platform(self.url, SECRET, self.sshd.user, ports=ports)
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("broker", "proxyd"):
            self.stop(name)
        self.xvnc.close()
        self.sshd.__exit__(None, None, None)
        self._temporary.cleanup()

    def link(self, protocol: str) -> str:
        """A fresh signed link, redeemed as the platform does."""
        link = self.platform.token_url("127.0.0.1", protocol)
        self._tokens.append(link.partition("token=")[2])
        return link

    def log_out(self) -> None:
        """Give back the token of every link, and with them what was left open."""
        for token in self._tokens:
            request = urllib.request.Request(f"{self.url}/api/tokens/{token}", method="DELETE")
            with contextlib.suppress(urllib.error.HTTPError):  # the page was quicker
                urllib.request.urlopen(request, timeout=10).close()
        self._tokens.clear()

    def start(self, name: str, port: int) -> None:
        """Start `proxyd` or `broker`."""
        with self.log_file(name).open("ab") as log:
            command = [sys.executable, "-m", name, "--config", str(self.folder / "fanlight.toml")]
            self._daemons[name] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        processes.wait_for_port(port, self._daemons[name])

    def stop(self, name: str) -> None:
        """Stop one as an operator would who does not wait for people."""
        daemon = self._daemons.get(name)
        if daemon is not None:
            daemon.send_signal(signal.SIGTERM)
            self.kill(name, signal.SIGTERM)

    def kill(self, name: str, number: signal.Signals) -> None:
        """Send one a signal that it dies of."""
        daemon = self._daemons.pop(name)
        daemon.send_signal(number)
        daemon.wait(timeout=20)

    def log_file(self, name: str) -> Path:
        """Where a daemon writes."""
        return self.folder / f"{name}.log"

    def log(self, name: str) -> str:
        """What a daemon wrote so far."""
        return self.log_file(name).read_text("utf-8", "replace")

    def family(self, name: str) -> list[psutil.Process]:
        """A daemon and its children."""
        root = psutil.Process(self._daemons[name].pid)
        return [root, *root.children(recursive=True)]

    @property
    def secrets(self) -> list[str]:
        """Everything that must appear in no log."""
        key_body = "".join(self.sshd.private_key.splitlines()[1:-1])
        return [SECRET, key_body[:60], key_body[70:130]]

    def _write_key(self) -> None:
        folder = self.folder / "keys" / self.sshd.user
        folder.mkdir(parents=True, mode=0o700)
        (self.folder / "keys").chmod(0o700)
        key = folder / "id_ed25519_guac"
        key.touch(mode=0o600)
        key.write_text(self.sshd.private_key)

    def _write_settings(self) -> None:
        ports = (self.sshd.port, self.xvnc.port)
        broker = {
            "bind": f"127.0.0.1:{self.broker_port}",
            "metrics-bind": f"127.0.0.1:{processes.free_port()}",
            "guacd-hostname": "127.0.0.1",
            "guacd-port": self.proxyd_port,
            "secret-key": SECRET,
            "v1-ports": f"ssh={ports[0]},vnc={ports[1]}",
            "v1-vnc-password": PASSWORD,
            "allowed-targets": [f"127.0.0.1/32:{ports[0]}+{ports[1]}"],
            "use-local-privkey": True,
            "key-directory": str(self.folder / "keys"),
            "store": f"sqlite:///{self.folder / 'broker.sqlite'}",
            "detach-timeout": 0,  # each test begins anew
            **self._settings,
        }
        proxyd = {
            "bind": f"127.0.0.1:{self.proxyd_port}",
            "workers": 2,
            "host-key-pins": str(self.folder / "pins"),
        }
        lines: list[str] = []
        for section, values in (("broker", broker), ("proxyd", proxyd)):
            lines += [
                f"[{section}]",
                *(f"{name} = {json.dumps(value)}" for name, value in values.items()),
                "",
            ]
        (self.folder / "fanlight.toml").write_text("\n".join(lines))
