"""An instance at the real gate: it reports, its sshd lets people in by keys that nobody placed, keys are exchanged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from broker.cli.keypairs import create, promote, remove
from broker.keys import NEW, KeyDirectory
from tests.broker.gate.gates import site
from tests.deploy.machine import Machine
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.getuid() != 0, reason="AuthorizedKeysCommand runs as root"),
]
NAME = "id_ed25519_guac"


@pytest.fixture
def key_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


@contextlib.contextmanager
def command_of(machine: Machine) -> Iterator[str]:
    path = machine.command(f"instance-report-{machine.folder.name}-{os.getpid()}")
    try:
        yield path
    finally:
        Path(path).unlink()


@pytest.mark.parametrize("client", ["curl", "wget"])
async def test_from_boot_to_another_key(tmp_path: Path, key_folder: Path, client: str) -> None:
    """The whole life: nobody logs in to place a key, and one that is revoked opens nothing."""
    user = pwd.getpwuid(os.getuid()).pw_name
    create(key_folder, user, "ed25519", pem=False)
    keys = KeyDirectory(key_folder, [NAME])

    def private(*, new: bool = False) -> str:
        found = keys.read(user, new=new)
        assert found is not None
        return found.text

    settings = {"use_local_privkey": True, "key_directory": key_folder}
    async with site(time.time, tmp_path, **settings) as gate:
        instance, token = await gate.parts.instances.add({"name": "web-1", "users": [user]})
        endpoint = str(gate.client.make_url("")).rstrip("/")
        machine = Machine(tmp_path, client, endpoint, token, instance.id)
        with command_of(machine) as command:
            options = [f"AuthorizedKeysCommand {command} keys %u", "AuthorizedKeysCommandUser root"]
            with Sshd(options=options) as server:
                await gate.parts.instances.change(instance.id, {"ports": {"ssh": [server.port, server.port]}})
                (server.folder / "host_key.pub").write_text(f"{server.host_key} root@web-1\n")
                (server.folder / "authorized_keys").unlink()
                (machine.folder / "bin" / "sshd").symlink_to("/usr/sbin/sshd")
                machine.configure(SSHD_CONFIG=str(server.folder / "config"), SSH_PORT="")

                async def opens(key: str) -> bool:
                    with contextlib.suppress(asyncssh.PermissionDenied):
                        async with asyncssh.connect(
                            "127.0.0.1",
                            server.port,
                            username=user,
                            client_keys=[asyncssh.import_private_key(key)],
                            known_hosts=([server.host_key.encode()], [], []),
                            agent_path=None,
                            config=None,
                        ):
                            return True
                    return False

                await asyncio.to_thread(machine.run)
                report = await gate.parts.reports.find(instance.id)
                assert (report.ready, report.text("BROKER_SSH_PORT")) == (True, str(server.port))
                (pinned,) = (await gate.parts.host_keys.find(instance.id)).pins
                assert pinned.fingerprint == server.fingerprint

                first = private()
                assert await opens(first)
                create(key_folder, user, "ed25519", pem=False, suffix=NEW)
                second = private(new=True)
                public = (key_folder / user / f"{NAME}{NEW}.pub").read_text()
                assert (await gate.parts.rotations.find(user, public)).served == {}
                await asyncio.to_thread(machine.run)  # by itself within ten minutes
                assert set((await gate.parts.rotations.find(user, public)).served) == {instance.id}
                assert await opens(first)
                assert await opens(second)
                promote(key_folder, user, (NAME,), f"{NAME}{NEW}")
                assert not await opens(first)
                assert await opens(second)
                remove(key_folder, user, (NAME,))
                assert not await opens(second)

                await gate.parts.instances.revoke(instance.id)
                failed = await asyncio.to_thread(machine.run, code=1)
                assert f"the gate {endpoint} answers 401" in failed.stderr


async def test_each_instance_has_a_password_of_its_own(tmp_path: Path) -> None:
    async with site(time.time, tmp_path) as gate:
        instance, token = await gate.parts.instances.add({"name": "web-1"})
        machine = Machine(tmp_path, "curl", str(gate.client.make_url("")).rstrip("/"), token, instance.id)
        machine.configure(SSH_PORT="22", VNC_PASSWORD_FILE=str(tmp_path / "passwd"), VNC_PORT="5905")
        await asyncio.to_thread(machine.run)
        written = (tmp_path / "passwd").read_bytes()
        report = await gate.parts.reports.find(instance.id)
    encoded = subprocess.run(
        ["vncpasswd", "-f"], input=f"{instance.vnc_password}\n".encode(), capture_output=True, check=True
    )
    assert written == encoded.stdout
    assert report.text("BROKER_VNC_SECURITY") == "vncauth"


@pytest.mark.parametrize("path", ["/vm", "/desired", "/keys/alice"])
async def test_a_new_key_is_noted_wherever_it_is_served(tmp_path: Path, key_folder: Path, path: str) -> None:
    for suffix in ("", NEW):
        create(key_folder, "alice", "ed25519", pem=False, suffix=suffix)
    public = (key_folder / "alice" / f"{NAME}{NEW}.pub").read_text()
    async with site(time.time, tmp_path, use_local_privkey=True, key_directory=key_folder) as gate:
        assert (await gate.ask("GET", path))[0] == 200
        assert set((await gate.parts.rotations.find("alice", public)).served) == {"5"}
