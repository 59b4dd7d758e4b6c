"""A corporate network in network namespaces: a gateway, and machines that only the gateway reaches.

with Corporate(2) as network:
    network.gateway.address, network.code(), network.inner[0].address
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from typing import TYPE_CHECKING

from tests.servers import processes
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

__all__ = ["Corporate"]


class Corporate:
    """Needs root. The addresses are those that RFC 2544 keeps for tests, another part of them each time.

    Attributes:
        gateway: its sshd asks for a one-time code and nothing else.
        inner: sshds behind it, which take keys.
        names: their names, which the gateway alone knows: `inner0`, ...
    """

    def __init__(self, machines: int, *, options: Sequence[str] = ()) -> None:
        """Describe it; `options` are lines of the gateway's sshd_config."""
        if os.getuid() != 0:
            processes.missing("a network namespace, which needs root,")
        self._secret = secrets.token_hex(20)
        self._used = 0
        name, part = f"fl{secrets.token_hex(3)}", secrets.randbelow(250) + 1
        self._names = [f"{name}g", *(f"{name}m{number}" for number in range(machines))]
        self._outside = f"198.18.{part}"
        self._inside = f"198.19.{part}"
        self.addresses = [f"{self._inside}.{10 + number}" for number in range(machines)]
        self.gateway = Sshd(
            codes=self._secret,
            methods="keyboard-interactive",
            namespace=self._names[0],
            address=f"{self._outside}.2",
            options=options,
        )
        self.inner = [
            Sshd(namespace=namespace, address=address)
            for namespace, address in zip(self._names[1:], self.addresses, strict=True)
        ]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            for name in self._names:
                _ip("netns", "add", name)
                self._stack.callback(_ip, "netns", "del", name)
            self._join(self._names[0], "eth0", f"{self._outside}.2", f"{self._outside}.1")
            _ip("-n", self._names[0], "link", "add", "br0", "type", "bridge")
            _ip("-n", self._names[0], "link", "set", "br0", "up")
            _ip("-n", self._names[0], "addr", "add", f"{self._inside}.1/24", "dev", "br0")
            for number, (name, address) in enumerate(zip(self._names[1:], self.addresses, strict=True)):
                _ip("-n", name, "link", "set", "lo", "up")
                port = f"p{number}"
                _ip(
                    "-n",
                    self._names[0],
                    "link",
                    "add",
                    port,
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "eth0",
                    "netns",
                    name,
                )
                _ip("-n", self._names[0], "link", "set", port, "master", "br0", "up")
                _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
                _ip("-n", name, "link", "set", "eth0", "up")
            for server in [self.gateway, *self.inner]:
                self._stack.enter_context(server)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _join(self, name: str, device: str, address: str, ours: str) -> None:
        """A cable from here to a namespace."""
        here = name[:12]
        _ip("link", "add", here, "type", "veth", "peer", "name", device, "netns", name)
        _ip("addr", "add", f"{ours}/24", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
        _ip("-n", name, "link", "set", device, "up")
        _ip("-n", name, "link", "set", "lo", "up")

    def code(self) -> str:
        """A one-time code that was not used yet: the next of those around now that the gateway takes."""
        self._used += 1
        return self.codes(self._used)[-1]

    def codes(self, count: int) -> list[str]:
        """The codes of this and the next moments."""
        found = subprocess.run(
            [processes.require("oathtool"), "--totp", f"--window={count}", self._secret],
            capture_output=True,
            check=True,
            text=True,
        )
        return found.stdout.split()

    @contextlib.contextmanager
    def running(self, machine: int, *command: str) -> Iterator[None]:
        """A program on one of the machines."""
        process = processes.start("ip", "netns", "exec", self._names[1 + machine], *command)
        try:
            yield
        finally:
            processes.stop(process)

    def run(self, machine: int, *command: str) -> None:
        """A program on one of the machines, to its end."""
        whole = ["ip", "netns", "exec", self._names[1 + machine], *command]
        subprocess.run(whole, check=True, capture_output=True, timeout=15)

    def answers(self, machine: int, port: int) -> bool:
        """Whether something listens there, as the gateway sees it."""
        probe = ["timeout", "1", "bash", "-c", f"exec 3<>/dev/tcp/{self.addresses[machine]}/{port}"]
        command = ["ip", "netns", "exec", self._names[0], *probe]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def unplug(self) -> None:
        """Cut the cable to the gateway: nothing says that it is gone."""
        _ip("link", "set", self._names[0][:12], "down")

    def plug(self) -> None:
        """Put it back."""
        _ip("link", "set", self._names[0][:12], "up")


def _ip(*arguments: str) -> None:
    subprocess.run([processes.require("ip"), *arguments], check=True, capture_output=True)
