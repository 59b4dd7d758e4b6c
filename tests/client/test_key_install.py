"""A key put in place on a real sshd: with a password once, whatever stands in the file, and never at its cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncssh
import pytest

from client.connecting import Connecting
from client.hosts import Host, HostBook
from client.key_install import LABEL, KeyInstall, Step, remove_key
from proxyd.wire.status import StatusError
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.getuid() != 0, reason="a PAM service of our own needs root"),
]
PASSWORD = "correct horse"
KEY, OTHER = (asyncssh.generate_private_key("ssh-ed25519", comment="alice") for _ in range(2))
PUBLIC, ANOTHER = (key.export_public_key().decode().strip() for key in (KEY, OTHER))
LINE = f"restrict,pty {PUBLIC}"


class Person:
    """Somebody who types answers; what is asked is remembered."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def ask(self, prompt: str, *, secret: bool) -> str:
        self.asked.append(prompt)
        return self.answers.pop(0)

    def show(self, text: str) -> None:
        pass


class Place:
    """A machine, and what the person knows of it."""

    def __init__(self, server: Sshd, folder: Path) -> None:
        self.server = server
        self.known = folder / "known_hosts"
        self.known.write_text(f"waldo {server.host_key}\n")
        self.host = Host("waldo", "127.0.0.1", server.port, server.user, (), "waldo", (str(folder / "none"),))
        (folder / "none").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        self.file = server.home / ".ssh" / "authorized_keys"

    def connecting(self, person: Person) -> Connecting:
        return Connecting(HostBook({"waldo": self.host}), asker=person, known=self.known)

    async def install(self, *answers: str) -> tuple[KeyInstall, Person]:
        person = Person(*answers)
        async with self.connecting(person) as connecting:
            run = KeyInstall(connecting, "waldo", LINE, KEY.export_private_key().decode())
            await run.run()
        return run, person

    async def refused(self, *answers: str) -> str:
        person = Person(*answers)
        async with self.connecting(person) as connecting:
            run = KeyInstall(connecting, "waldo", LINE, KEY.export_private_key().decode())
            with pytest.raises(StatusError) as caught:
                await run.run()
        assert not run.taken or not run.taken[-1].passed
        return caught.value.message

    def put(self, content: bytes, mode: int = 0o600) -> None:
        self.file.parent.mkdir(mode=0o700, exist_ok=True)
        self.file.write_bytes(content)
        self.file.chmod(mode)

    @property
    def drafts(self) -> list[str]:
        return [path.name for path in self.file.parent.iterdir() if "fanlight" in path.name]


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Sshd(password=PASSWORD, methods="publickey password", at_home=True) as server:
        yield Place(server, tmp_path)


async def test_a_fresh_account(place: Place) -> None:
    run, person = await place.install(PASSWORD)
    assert [taken.step for taken in run.taken] == list(Step)
    assert all(taken.passed and taken.seconds < 60 for taken in run.taken)
    assert (run.changed, run.working, len(person.asked)) == (True, True, 1)
    assert run.taken[-1].said == "signed in with this key alone"
    assert place.file.read_text() == f"{LINE}\n"
    assert oct(place.file.stat().st_mode) == "0o100600"
    assert oct(place.file.parent.stat().st_mode) == "0o40700"
    assert place.drafts == []


async def test_the_second_time_changes_nothing(place: Place) -> None:
    await place.install(PASSWORD)
    before = place.file.stat()
    run, _ = await place.install(PASSWORD)
    assert (run.changed, run.working) == (False, True)
    assert place.file.stat() == before


@pytest.mark.parametrize(
    "content",
    [f"{ANOTHER}\n", ANOTHER, f"# mine\r\n{ANOTHER}\r\n", "\xff\xfe not utf-8 \xe9"],
    ids=["ended", "not-ended", "crlf", "not-utf-8"],
)
async def test_what_is_there_stays(place: Place, content: str) -> None:
    before = content.encode("latin-1")
    place.put(before, 0o640)
    os.chown(place.file, 0, 12)
    run, _ = await place.install(PASSWORD)
    assert run.working
    after = place.file.read_bytes()
    assert after == before + (b"" if before.endswith(b"\n") else b"\n") + f"{LINE}\n".encode()
    status = place.file.stat()
    assert (oct(status.st_mode), status.st_uid, status.st_gid) == ("0o100640", 0, 12)


async def test_a_wrong_password(place: Place) -> None:
    reason = await place.refused("wrong", "wrong", "wrong")
    assert reason == "waldo: Waldo did not let this person in."
    assert not place.file.parent.exists()


async def test_a_link_stays_a_link(place: Place) -> None:
    real = place.server.folder / "dotfiles"
    real.write_text(f"{ANOTHER}\n")
    place.file.parent.mkdir(mode=0o700)
    place.file.symlink_to(real)
    run, _ = await place.install(PASSWORD)
    assert run.working
    assert place.file.is_symlink()
    assert real.read_text() == f"{ANOTHER}\n{LINE}\n"


async def test_files_that_will_not_do_are_left_alone(place: Place) -> None:
    place.put(b"#" * ((1 << 20) + 1))
    assert "larger than 1 MiB" in await place.refused(PASSWORD)
    place.put(b"ssh-ed25519 \0")
    assert "not a text file" in await place.refused(PASSWORD)
    place.put(f"{ANOTHER}\n".encode())
    os.chown(place.file, 65534, 65534)
    assert "belongs to another account" in await place.refused(PASSWORD)
    assert place.file.read_text() == f"{ANOTHER}\n"
    place.file.unlink()
    place.file.mkdir()
    assert "no regular file" in await place.refused(PASSWORD)
    place.file.rmdir()
    place.file.symlink_to("nowhere")
    assert "leads nowhere" in await place.refused(PASSWORD)
    place.file.unlink()
    place.file.parent.rmdir()
    place.file.parent.write_text("")
    assert ".ssh is no folder" in await place.refused(PASSWORD)


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_read_only_home(place: Place) -> None:
    place.file.parent.mkdir(mode=0o700)
    with mounted(place.file.parent, "size=64k,mode=700"):
        place.put(f"{ANOTHER}\n".encode())
        subprocess.run(["mount", "-o", "remount,ro", str(place.file.parent)], check=True)
        reason = await place.refused(PASSWORD)
        assert reason.startswith(f"waldo: {place.file.parent} cannot be written: ")
        assert place.file.read_text() == f"{ANOTHER}\n"


async def test_a_full_disk(place: Place) -> None:
    place.file.parent.mkdir(mode=0o700)
    with mounted(place.file.parent, "size=8k,mode=700"):
        place.put(b"#" * 4000)
        (place.file.parent / "rest").write_bytes(b"x" * 4096)
        reason = await place.refused(PASSWORD)
        assert "cannot be written" in reason
        assert place.file.read_bytes() == b"#" * 4000
        assert place.drafts == []


async def test_a_server_that_refuses_keys(tmp_path: Path) -> None:
    options = ["PubkeyAuthentication no"]
    with Sshd(password=PASSWORD, methods="password", options=options, at_home=True) as server:
        place = Place(server, tmp_path)
        run, person = await place.install(PASSWORD)
    assert (run.changed, run.working) == (True, False)
    assert (run.taken[-1].step, run.taken[-1].passed) == (Step.TEST, False)
    assert "waldo" in run.taken[-1].said
    assert len(person.asked) == 1  # the test never asks


async def test_a_server_that_looks_elsewhere(tmp_path: Path) -> None:
    options = ["AuthorizedKeysFile /nonexistent"]
    with Sshd(password=PASSWORD, methods="publickey password", options=options, at_home=True) as server:
        run, _ = await Place(server, tmp_path).install(PASSWORD)
    assert not run.working
    assert KEY.get_fingerprint() in run.taken[-1].said


async def test_modes_are_changed_after_a_yes_alone(place: Place) -> None:
    place.server.home.chmod(0o775)
    run, person = await place.install(PASSWORD, "no")
    assert "can be written by others (mode 0775)" in person.asked[1]
    assert oct(place.server.home.stat().st_mode) == "0o40775"
    assert "can be written by others" in run.taken[0].said
    run, person = await place.install(PASSWORD, "yes")
    assert oct(place.server.home.stat().st_mode) == "0o40755"


async def test_somebody_else_is_quicker(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and replacing, another tool adds a line: both are there in the end."""
    import client.key_install as module

    place.put(f"{ANOTHER}\n".encode())
    label = module._File._label
    times = 0

    async def meanwhile(self: object, draft: str) -> None:
        nonlocal times
        times += 1
        if times == 1:
            with place.file.open("a") as file:
                file.write("# another\n")
        await label(self, draft)  # type: ignore[arg-type]

    monkeypatch.setattr(module._File, "_label", meanwhile)
    run, _ = await place.install(PASSWORD)
    assert run.working
    assert place.file.read_text() == f"{ANOTHER}\n# another\n{LINE}\n"
    assert place.drafts == []


async def test_a_label_that_cannot_be_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on SELinux, which this machine has not: without labels all are equal, and one that differs ends it."""
    isdir = asyncssh.SFTPClient.isdir

    async def with_selinux(self: asyncssh.SFTPClient, path: str) -> bool:
        return path == "/sys/fs/selinux" or await isdir(self, path)

    monkeypatch.setattr(asyncssh.SFTPClient, "isdir", with_selinux)
    place.put(f"{ANOTHER}\n".encode())
    run, _ = await place.install(PASSWORD)
    assert run.working
    commands = place.server.folder / "commands"
    commands.mkdir()
    for name, text in {"stat": 'echo "$3"', "chcon": 'echo "$@" >"$(dirname "$0")/asked"; exit 1'}.items():
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    place.put(f"{ANOTHER}\n".encode())
    monkeypatch.setattr("client.key_install.LABEL", f"PATH={commands}:$PATH; {LABEL}")
    assert "label of" in await place.refused(PASSWORD)
    assert (commands / "asked").read_text().startswith(f"--reference={place.file} {place.file.parent}/.")
    assert place.file.read_text() == f"{ANOTHER}\n"
    assert place.drafts == []


async def test_two_at_once_lose_nothing_of_what_was_there(place: Place) -> None:
    place.put(f"{ANOTHER}\n".encode())
    runs = await asyncio.gather(place.install(PASSWORD), place.install(PASSWORD))
    assert all(run.working for run, _ in runs)
    assert place.file.read_text().startswith(f"{ANOTHER}\n{LINE}\n")


async def test_a_key_is_taken_out_with_another_one(place: Place) -> None:
    place.put(f"# mine\n{LINE}\nrestrict {ANOTHER}\n".encode())
    async with place.connecting(Person()) as connecting:
        private = OTHER.export_private_key().decode()
        assert await remove_key(connecting, "waldo", PUBLIC, private)
        assert place.file.read_text() == f"# mine\nrestrict {ANOTHER}\n"
        assert not await remove_key(connecting, "waldo", PUBLIC, private)


async def test_through_a_jump_host(place: Place, tmp_path: Path) -> None:
    with Sshd() as jump:
        key = tmp_path / "jump"
        key.touch(mode=0o600)
        key.write_text(jump.private_key)
        with place.known.open("a") as known:
            known.write(f"corp {jump.host_key}\n")
        hosts = {
            "corp": Host("corp", "127.0.0.1", jump.port, jump.user, (), "corp", (str(key),)),
            "waldo": replace(place.host, via=("corp",)),
        }
        async with Connecting(HostBook(hosts), asker=Person(PASSWORD), known=place.known) as connecting:
            run = KeyInstall(connecting, "waldo", LINE, KEY.export_private_key().decode())
            await run.run()
        assert run.working
        assert jump.log().count("Accepted publickey") == 1
