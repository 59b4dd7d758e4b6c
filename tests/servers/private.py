"""A private network in a network namespace: machines that nothing outside has a route to, and connectors that dial out.

with Private() as network:
    connector = network.connector(key_text, "198.19.0.0/16:22")
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers import processes
from tests.servers.sshd import Sshd
from tests.servers.xdisplay import XDisplay
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

__all__ = ["ConnectorProcess", "Private"]

ROOT = Path(__file__).parents[2]


class Private:
    """Needs root.

    Attributes:
        outside: the address of this side, where the broker listens.
        sshd: a machine inside.
        xvnc: a desktop inside, on that namespace's loopback.
    """

    def __init__(self) -> None:
        if os.getuid() != 0:
            processes.missing("a network namespace, which needs root,")
        processes.require("ip")
        self.name = f"fl{secrets.token_hex(3)}"
        part = secrets.randbelow(250) + 1
        self.outside, self._edge = f"198.18.{part}.1", f"198.18.{part}.2"
        self.inside = f"198.19.{part}.10"
        self.sshd = Sshd(namespace=self.name, address=self.inside)
        self.xvnc = _InnerXvnc(self.name)
        self._stack = contextlib.ExitStack()
        self._folder = tempfile.TemporaryDirectory(prefix="private-")
        self.folder = Path(self._folder.name)

    def __enter__(self) -> Self:
        _ip("netns", "add", self.name)
        self._stack.callback(_ip, "netns", "del", self.name)
        _ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("addr", "add", f"{self.outside}/30", "dev", self.name)
        _ip("link", "set", self.name, "up")
        for words in (
            "link set lo up",
            f"addr add {self._edge}/30 dev eth0",
            f"addr add {self.inside}/32 dev lo",
            "link set eth0 up",
        ):
            _ip("-n", self.name, *words.split())
        try:
            self._stack.enter_context(self.sshd)
            self._stack.enter_context(self.xvnc)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._folder.cleanup()

    @contextlib.contextmanager
    def slow(self, rate: str) -> Iterator[None]:
        """Let the link between both sides carry no more than a rate, `8mbit` say, each way; what it has no room for waits a little."""
        inside = ["netns", "exec", self.name]
        ends = (self.name, []), ("eth0", [processes.require("ip"), *inside])
        for device, prefix in ends:
            _run(
                *prefix,
                "tc",
                "qdisc",
                "add",
                "dev",
                device,
                "root",
                "tbf",
                "rate",
                rate,
                "burst",
                "16kb",
                "latency",
                "50ms",
            )
        try:
            yield
        finally:
            for device, prefix in ends:
                _run(*prefix, "tc", "qdisc", "del", "dev", device, "root")

    @property
    def sent(self) -> int:
        """Bytes that left the private network so far."""
        return int(Path(f"/sys/class/net/{self.name}/statistics/rx_bytes").read_text())

    def restart(self, connector: ConnectorProcess) -> ConnectorProcess:
        """Start one again that has ended, as it was."""
        again = copy.copy(connector)
        again.start()
        self._stack.callback(again.stop)
        return again

    def connector(self, key: str, targets: str, **options: object) -> ConnectorProcess:
        """Start a connector inside; it ends with the network."""
        started = ConnectorProcess(self.folder / secrets.token_hex(4), key, targets, self.name, options)
        self._stack.callback(started.stop)
        return started


class ConnectorProcess:
    """`python -m connector`, in a namespace where one is given."""

    def __init__(
        self,
        folder: Path,
        key: str,
        targets: str,
        namespace: str = "",
        options: dict[str, object] | None = None,
    ) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        (folder / "connector.key").touch(mode=0o600)
        (folder / "connector.key").write_text(key)
        values = {"state-directory": str(folder), "allowed-targets": targets, **(options or {})}
        lines = ["[connector]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        (folder / "fanlight.toml").write_text("\n".join(lines))
        self._inside = ["ip", "netns", "exec", namespace] if namespace else []
        self.start()

    def start(self) -> None:
        """Begin to run."""
        command = [sys.executable, "-P", "-m", "connector", "--config", str(self.folder / "fanlight.toml")]
        with (self.folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                [*self._inside, *command],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End it whatever state it is in, and what it began."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def fanlight(self, *words: str) -> str:
        """A command on the connector's host."""
        command = [sys.executable, "-c", "from broker.cli import main; main()", *words]
        done = subprocess.run(
            [*self._inside, *command, "--config", str(self.folder / "fanlight.toml")],
            check=False, cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr

    def cut(self) -> None:
        """What it sends on the connections that it has now gets lost from here on; nobody is told."""
        listed = subprocess.run(
            [*self._inside, processes.require("ss"), "-tnpH", "state", "established"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        ours = [row.split() for row in listed.stdout.splitlines() if f"pid={self.process.pid}," in row]
        for port in {columns[2].rpartition(":")[2] for columns in ours}:
            _ip("-n", self._inside[3], "rule", "add", "ipproto", "tcp", "sport", port, "blackhole")

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        file = self.folder / "connector.log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def endpoint(self) -> str:
        """Where it is connected; empty while it is not."""
        try:
            said = json.loads((self.folder / "status.json").read_text())
        except (OSError, ValueError):
            return ""
        return str(said["endpoint"]) if said["state"] == "connected" else ""

    @property
    def state(self) -> str:
        """As it says of itself."""
        try:
            return str(json.loads((self.folder / "status.json").read_text())["state"])
        except (OSError, ValueError):
            return ""


class _InnerXvnc(Xvnc):
    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        super().__init__(password="display")

    def command(self, width: int, height: int, depth: int) -> list[str]:
        return ["ip", "netns", "exec", self._namespace, *super().command(width, height, depth)]

    def __enter__(self) -> Self:
        XDisplay.__enter__(self)
        return self


def _ip(*words: str) -> None:
    _run(processes.require("ip"), *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def free_port(address: str) -> int:
    """A TCP port that was free on an address a moment ago."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
