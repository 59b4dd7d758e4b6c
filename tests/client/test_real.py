"""Through a real gateway to real machines: a command on all of them, a forward, files."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pytest

from client.connecting import Connecting
from client.copy import download, upload
from client.fanout import Fanout, State
from client.forward import Forwards, listed, parse_forward
from client.hosts import Host, HostBook
from client.report import as_csv, as_text, described, record
from client.terminal import Nobody
from proxyd.wire.status import StatusError
from tests.servers import processes
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


class Site:
    """A gateway, two machines behind it, and somebody who has the keys."""

    def __init__(self, gateway: Sshd, one: Sshd, two: Sshd, folder: Path) -> None:
        self.gateway, self.one, self.two = gateway, one, two
        hosts = {}
        self.known = folder / "known_hosts"
        lines = []
        for name, server in (("corp", gateway), ("one", one), ("two", two)):
            key = folder / f"key-{name}"
            key.touch(mode=0o600)
            key.write_text(server.private_key)
            via = () if name == "corp" else ("corp",)
            hosts[name] = Host(name, "127.0.0.1", server.port, server.user, via, name, (str(key),))
            lines.append(f"{name} {server.host_key}\n")
        hosts["gone"] = Host("gone", "127.0.0.1", processes.free_port(), "x", ("corp",))
        self.known.write_text("".join(lines))
        self.book = HostBook(hosts)

    def connecting(self) -> Connecting:
        return Connecting(self.book, asker=Nobody(), known=self.known)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Sshd() as gateway, Sshd() as one, Sshd() as two:
        yield Site(gateway, one, two, tmp_path_factory.mktemp("person"))


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


async def test_a_command_runs_everywhere_through_one_login(site: Site, tmp_path: Path) -> None:
    before = site.gateway.log().count("Accepted publickey")
    told: list[tuple[str, State]] = []
    async with site.connecting() as connecting:
        names = ["two", "gone", "one", "nobody@one"]
        run = Fanout(
            connecting,
            "echo out; echo err >&2; exit $((3 * 0))",
            names,
            told=lambda job: told.append((job.name, job.state)),
        )
        await run.run()
    assert site.gateway.log().count("Accepted publickey") == before + 1
    assert [job.state for job in run.jobs] == [
        State.SUCCEEDED,
        State.UNAVAILABLE,
        State.SUCCEEDED,
        State.REFUSED,
    ]
    assert not run.succeeded
    assert told.index(("two", State.STARTING)) < told.index(("two", State.RUNNING))
    text = as_text(run, group=False, tame=True)
    assert text.index("==== On two ====\nout\n[stderr]\nerr\n[exit 0, ") < text.index("==== On gone ====")
    assert "==== On two, one (2 hosts) ====" in as_text(run, group=True, tame=False)
    assert [row["exit"] for row in described(run)["hosts"]] == [0, None, 0, None]
    assert as_csv(run, tame=False).count("\r\n") >= 5
    journal = tmp_path / "state" / "fanout.jsonl"
    record(run, "me", journal)
    kept = json.loads(journal.read_text())
    assert (kept["user"], [row["host"] for row in kept["hosts"]]) == ("me", names)
    assert journal.stat().st_mode & 0o777 == 0o600


async def test_a_command_that_asks_or_is_stopped(site: Site) -> None:
    async with site.connecting() as connecting:
        asking = Fanout(connecting, "printf 'Password: '; exec sleep 60", ["one"], seconds=0.3)
        endless = Fanout(connecting, "echo begun; exec sleep 60", ["one", "two"], limit=1)
        running = asyncio.create_task(endless.run(), name="endless")
        await asking.run()
        async with asyncio.timeout(10):
            while not endless.jobs[0].stdout:
                await asyncio.sleep(0.01)
        endless.cancel()
        await running
    assert asking.jobs[0].state is State.NEEDS_INPUT
    assert [job.state for job in endless.jobs] == [State.CANCELLED] * 2


async def test_another_machine_under_a_known_name_is_refused(site: Site) -> None:
    hosts = dict(site.book.hosts)
    hosts["one"] = Host("one", "127.0.0.1", site.two.port, site.two.user, ("corp",), "one", hosts["two"].key)
    async with Connecting(HostBook(hosts), asker=Nobody(), known=site.known) as connecting:
        with pytest.raises(StatusError, match=r"one.*but SHA256.*expected"):
            async with connecting.open("one"):
                pass


async def test_a_forward_leads_there_and_signs_in_again(site: Site, tmp_path: Path) -> None:
    async with site.connecting() as connecting:
        forward = parse_forward(f"0:one:{site.one.port}", "one-fwd")
        async with Forwards(connecting, [forward], board=tmp_path) as forwards:
            port = forwards.listeners[0].port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert (await reader.readline()).startswith(b"SSH-2.0-OpenSSH")
            (row,) = listed(tmp_path)
            assert (row["name"], row["via"], len(row["live"])) == ("one-fwd", ["corp"], 1)
            await asyncio.to_thread(site.gateway.drop)
            while await reader.read(4096):
                pass
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert (await reader.readline()).startswith(b"SSH-2.0-OpenSSH")
            writer.close()
    assert listed(tmp_path) == []


async def test_files_go_there_and_back(site: Site, tmp_path: Path) -> None:
    here, there, back = (tmp_path / name for name in ("here", "there", "back"))
    (here / "sub").mkdir(parents=True)
    (here / "data").write_bytes(os.urandom(300_000))
    (here / "sub" / "text").write_text("text")
    (here / "sub" / "loop").symlink_to("..")
    async with site.connecting() as connecting, connecting.open("one") as connection:
        await upload(connection, [str(here / "data")], str(there), recurse=False)
        assert there.read_bytes() == (here / "data").read_bytes()
        with pytest.raises(StatusError, match="add -r"):
            await download(connection, [str(here)], back, recurse=False)
        await download(connection, [str(here)], back, recurse=True)
        with pytest.raises(StatusError, match="No such file"):
            await download(connection, [str(here / "none")], back, recurse=False)
    assert sorted(str(path.relative_to(back)) for path in back.rglob("*")) == ["data", "sub", "sub/text"]
    assert (back / "data").read_bytes() == (here / "data").read_bytes()
