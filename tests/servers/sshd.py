"""A real OpenSSH server on a free loopback port, with fresh keys in a folder that goes with it.

with Sshd() as server:
    connect("127.0.0.1", server.port, server.user, server.private_key)

The shell is that of whoever runs the tests. Passwords need root, for a PAM service of their own.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import psutil

from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["Sshd"]


MODULES = f"/lib/{os.uname().machine}-linux-gnu/security"
PROFILE = "PS1='\\u@\\h:\\w\\$ '\ncd\n"
"""What a login shell begins with, instead of what a developer's begins with, which may take long or hang."""


class Sshd:
    """OpenSSH's sshd, as a context manager.

    Attributes:
        address, port: where it listens.
        user: who may log in.
        private_key: a key that is let in, as OpenSSH text without a passphrase.
        host_key: the server's public key, as `ssh-ed25519 AAAA...`.
        fingerprint: of that key, as `SHA256:...`.
        folder: a temporary folder.
        home: a folder in it, where shells begin.
    """

    def __init__(
        self,
        *,
        password: str = "",
        codes: str = "",
        methods: str = "publickey",
        options: Sequence[str] = (),
        namespace: str = "",
        address: str = "127.0.0.1",
        at_home: bool = False,
    ) -> None:
        """Describe the server; it starts on entering.

        Args:
            password: what PAM accepts, for the methods `password` and `keyboard-interactive`.
            codes: the secret (hexadecimal) of one-time codes that PAM accepts instead, each once.
            methods: `AuthenticationMethods`, e.g. `publickey,keyboard-interactive`.
            options: lines of sshd_config, which win over the ones here.
            namespace: the network namespace where it runs; the port is 22 there.
            address: where it listens.
            at_home: people's files are in `home`: SFTP begins there, and .ssh/authorized_keys is looked for there.
        """
        self.port = 22 if namespace else processes.free_port()
        self.address = address
        self._namespace = namespace
        self._codes = codes
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self._password = password
        self._methods = methods
        self._options = list(options)
        self._temporary = tempfile.TemporaryDirectory(prefix="sshd-")
        self.folder = Path(self._temporary.name)
        self._service = f"fanlight-{uuid.uuid4().hex[:12]}" if password or codes else ""
        self._process: subprocess.Popen[bytes] | None = None
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.private_key = key.export_private_key().decode()
        (self.folder / "authorized_keys").write_bytes(key.export_public_key())
        self.home = self.folder / "home"
        self.home.mkdir()
        self._at_home = at_home
        (self.home / ".bash_profile").write_text(PROFILE)
        self._make_host_key()

    def __enter__(self) -> Self:
        program = processes.require("sshd")
        if self._service:
            self._write_service()
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        # PAM's service is called like the program
        named = self.folder / (self._service or "sshd")
        named.symlink_to(program)
        (self.folder / "config").write_text("\n".join([*self._options, *self._config()]) + "\n")
        self.start(str(named))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._service:
            self._service_file.unlink(missing_ok=True)
        self._temporary.cleanup()

    def start(self, program: str = "") -> None:
        """Start the server; again after `stop`."""
        program = program or str(self.folder / (self._service or "sshd"))
        log = self.folder / "log"
        command = [program, "-D", "-f", str(self.folder / "config"), "-E", str(log)]
        if self._namespace:
            command = ["ip", "netns", "exec", self._namespace, *command]
        before = len(self.log())
        self._process = processes.start(*command)
        processes.wait_for(lambda: "Server listening" in self.log()[before:], "sshd listens")

    def stop(self) -> None:
        """End the server and every session."""
        if self._process is not None:
            self.drop()
            processes.stop(self._process)
            self._process = None

    def drop(self) -> None:
        """Cut every connection, as a dying machine does."""
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children(recursive=True):
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Every session stands still, its connection open."""
        assert self._process is not None
        stopped = psutil.Process(self._process.pid).children(recursive=True)
        for child in stopped:
            child.suspend()
        try:
            yield
        finally:
            for child in stopped:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.resume()

    def sessions(self) -> int:
        """Connections that are open."""
        assert self._process is not None
        return len(psutil.Process(self._process.pid).children())

    def change_host_key(self) -> None:
        """Become another machine at the same place."""
        self.stop()
        self._make_host_key()
        self.start()

    def log(self) -> str:
        """What the server had to say."""
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def _make_host_key(self) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        path = self.folder / "host_key"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
        self.host_key = key.export_public_key().decode().strip()
        self.fingerprint = key.get_fingerprint()

    def _config(self) -> list[str]:
        return [
            f"Port {self.port}",
            f"ListenAddress {self.address}",
            f"HostKey {self.folder}/host_key",
            f"PidFile {self.folder}/pid",
            f"AuthorizedKeysFile {f'{self.home}/.ssh' if self._at_home else self.folder}/authorized_keys",
            f"AuthenticationMethods {self._methods}",
            "StrictModes no",
            "PermitRootLogin yes",
            "AcceptEnv LANG LC_* TZ",
            f"SetEnv HOME={self.home}",
            "PrintMotd no",
            "PrintLastLog no",
            "UseDNS no",
            "LogLevel VERBOSE",
            f"UsePAM {'yes' if self._service else 'no'}",
            f"PasswordAuthentication {'yes' if self._service else 'no'}",
            f"KbdInteractiveAuthentication {'yes' if self._service else 'no'}",
            f"Subsystem sftp {_sftp_server()}{f' -d {self.home}' if self._at_home else ''}",
        ]

    # -- passwords -------------------------------------------------------------------------------------------------

    @property
    def _service_file(self) -> Path:
        return Path("/etc/pam.d") / self._service

    def _write_service(self) -> None:
        """A PAM service of our own, which knows one password or codes; nobody's real one is touched."""
        if os.getuid() != 0 or not Path("/etc/pam.d").is_dir():
            processes.missing("a PAM service, which needs root,")
        self._service_file.write_text(
            (self._check_code() if self._codes else self._check_password())
            + "auth required pam_permit.so\n"  # establishes credentials, which those above do not
            "account required pam_permit.so\n"
            "session required pam_permit.so\n"
        )

    def _check_password(self) -> str:
        secret, check = self.folder / "secret", self.folder / "check"
        secret.write_text(self._password)
        check.write_text(f'#!/bin/sh\n[ "$(tr -d "\\0")" = "$(cat {secret})" ]\n')
        check.chmod(0o700)
        return f"auth requisite pam_exec.so quiet expose_authtok {check}\n"

    def _check_code(self) -> str:
        module = Path(MODULES, "pam_oath.so")
        if not module.exists():
            processes.missing("libpam-oath")
        users = self.folder / "users.oath"
        users.touch(mode=0o600)
        users.write_text(f"HOTP/T30/6 {self.user} - {self._codes}\n")
        return f"auth requisite {module} usersfile={users} window=40 digits=6\n"


def _sftp_server() -> str:
    found = shutil.which(
        "sftp-server", path="/usr/lib/openssh:/usr/libexec:/usr/lib/ssh:/usr/libexec/openssh"
    )
    return found or "internal-sftp"
