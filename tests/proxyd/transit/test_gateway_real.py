"""A corporate network that wants a one-time code: one login, then everything behind it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import asyncssh
import pytest

from client.connecting import Connecting
from client.fanout import Fanout
from client.hosts import Host, HostBook
from proxyd.instances.command import CommandInstance
from proxyd.instances.parameters import Arguments
from proxyd.instances.vnc import VncInstance
from proxyd.wire.route import JumpHost
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.desk import FakeDesk
from tests.fakes.ssh_user import SshUser
from tests.servers import processes
from tests.servers.corporate import Corporate
from tests.servers.sshd import Sshd
from tests.servers.transit import Answers, LocalTransit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from proxyd.transport.through import Through

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def network() -> Iterator[Corporate]:
    with Corporate(5) as network:
        yield network


@pytest.fixture
def corp(network: Corporate) -> JumpHost:
    server = network.gateway
    return JumpHost("corp", server.address, 22, server.user, host_key=server.host_key)


@contextlib.asynccontextmanager
async def logged_in(way: Through, server: Sshd) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        server.address,
        server.port,
        tunnel=way,
        config=None,
        username=server.user,
        client_keys=[asyncssh.import_private_key(server.private_key)],
        known_hosts=([asyncssh.import_public_key(server.host_key)], [], []),
    ) as connection:
        yield connection


class Behind(SshUser):
    """A shell on a machine of the network."""

    def __init__(self, way: Through, server: Sshd, **given: str) -> None:
        known = {
            "username": server.user,
            "private_key": server.private_key,
            "host_key": server.host_key,
            "command": "echo $SSH_CONNECTION; exec env -i PS1='$ ' sh -i",
        }
        super().__init__(server.port, hostname=server.address, **{**known, **given})
        self.desk.transport = way


async def test_one_code_opens_shells_files_and_desktops_behind_the_gateway(
    network: Corporate, corp: JumpHost
) -> None:
    async with LocalTransit() as transit:
        person = Answers(network.code())
        ways = [transit.way([corp]) for _ in range(5)]
        await asyncio.gather(*(way.ready(person) for way in ways))
        assert [secret for _, secret in person.asked] == [True]
        assert "One-time password" in person.asked[0][0]
        assert "Waiting for the sign-in at the gateway corp" in person.shown

        for way, server in zip(ways, network.inner, strict=True):
            user = Behind(way, server)
            async with user.working():
                await user.sees(f"{server.address} 22")
            async with logged_in(way, server) as connection, connection.start_sftp_client() as files:
                assert "log" in await files.listdir(str(server.folder))

        await asyncio.gather(*(desktop(network, way, number) for number, way in enumerate(ways)))
        wrote = await asyncio.gather(
            *(command(way, server) for way, server in zip(ways, network.inner, strict=True))
        )
        assert wrote == network.addresses
        assert network.gateway.sessions() == 1


async def command(way: Through, server: Sshd) -> str:
    """What the page's command on many shells gets from one of the machines."""
    given = {
        "hostname": server.address, "username": server.user, "private-key": server.private_key,
        "host-key": server.host_key, "command": "echo ${SSH_CONNECTION#* * }",
    }  # fmt: skip
    desk = FakeDesk(transport=way)
    async with desk.running(CommandInstance(Arguments(CommandInstance.PARAMETERS, given), desk)):
        await desk.until(lambda: desk.arguments.get("exit-status") == "0", "the command ended")
    return desk.pipes["stdout"].data.decode().split()[0]


async def desktop(network: Corporate, way: Through, number: int) -> None:
    """A web desktop on one of the machines."""
    command = [
        "Xvnc",
        f":{70 + number}",
        "-rfbport",
        "5901",
        "-SecurityTypes",
        "None",
        "-geometry",
        "320x240",
    ]
    with network.running(number, *command):
        await asyncio.to_thread(
            processes.wait_for, lambda: network.answers(number, 5901), "the desktop listens"
        )
        given = {"hostname": network.addresses[number], "port": "5901"}
        desk = FakeDesk(320, 240, transport=way)
        async with desk.running(VncInstance(Arguments(VncInstance.PARAMETERS, given), desk)):
            await desk.until(lambda: desk.frames, "a picture of the desktop")


async def test_one_code_runs_a_command_on_all_machines_behind_the_gateway(
    network: Corporate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    hosts = {"corp": Host("corp", network.gateway.address, user=network.gateway.user)}
    known = [f"{network.gateway.address} {network.gateway.host_key}\n"]
    for number, server in enumerate(network.inner):
        key = tmp_path / f"key{number}"
        key.touch(mode=0o600)
        key.write_text(server.private_key)
        hosts[f"m{number}"] = Host(
            f"m{number}",
            server.address,
            user=server.user,
            via=("corp",),
            host_key_alias=f"m{number}",
            key=(str(key),),
        )
        known.append(f"m{number} {server.host_key}\n")
    (tmp_path / "known").write_text("".join(known))
    person = Answers(network.code())
    async with Connecting(HostBook(hosts), asker=person, known=tmp_path / "known") as connecting:
        run = Fanout(
            connecting, "echo $SSH_CONNECTION | cut -d' ' -f3", [f"m{number}" for number in range(5)]
        )
        await run.run()
        async with connecting.open("m4") as connection:  # what installs a key, say, takes the same way
            assert (await connection.run("echo hi")).stdout == "hi\n"
    assert [job.stdout.decode().strip() for job in run.jobs] == network.addresses
    assert len(person.asked) == 1


async def test_a_code_is_good_once(network: Corporate, corp: JumpHost) -> None:
    code = network.code()
    async with LocalTransit() as transit:
        await transit.way([corp]).ready(Answers(code))
        assert transit.logins.end("mallory", "") == 0
        assert transit.logins.end("alice", "") == 1
        await transit.until_ended()
        with pytest.raises(StatusError, match="The gateway corp") as caught:
            await transit.way([corp]).ready(Answers(*[code] * 10))
        assert (caught.value.hop, caught.value.status) == (Hop.GATEWAY, Status.CLIENT_UNAUTHORIZED)


async def test_a_login_that_was_cut_is_said_so_and_asked_for_anew(network: Corporate, corp: JumpHost) -> None:
    async with LocalTransit() as transit:
        way = transit.way([corp])
        await way.ready(Answers(network.code()))
        user = Behind(way, network.inner[0])
        async with user.working():
            await user.sees("$")
            assert await way.loss() is None
            network.gateway.drop()
            assert user.task
            with pytest.raises(StatusError, match="connection to the gateway corp was lost") as caught:
                await asyncio.wait_for(asyncio.shield(user.task), 15)
            assert caught.value.hop is Hop.GATEWAY
        person = Answers(network.code())
        await way.ready(person)
        assert len(person.asked) == 1
        async with logged_in(way, network.inner[0]) as connection:
            assert (await connection.run("echo back")).stdout == "back\n"


async def test_a_gateway_cannot_pass_itself_off_as_a_machine_behind_it(
    network: Corporate, corp: JumpHost
) -> None:
    real, false = network.inner[:2]
    async with LocalTransit() as transit:
        way = transit.way([corp])
        await way.ready(Answers(network.code()))
        user = Behind(way, false, host_key=real.host_key, host_key_alias="waldo")
        async with user.working():
            assert user.task
            with pytest.raises(StatusError, match=r"shows the host key .* is expected") as caught:
                await asyncio.wait_for(asyncio.shield(user.task), 15)
        assert caught.value.hop is Hop.HOST_KEY


async def test_what_the_gateway_says_of_a_target_is_said_to_people(
    network: Corporate, corp: JumpHost
) -> None:
    async with LocalTransit() as transit:
        way = transit.way([corp])
        await way.ready(Answers(network.code()))
        for host, port, hop, sentence in [
            (network.addresses[0], 5999, Hop.INSTANCE, "Nothing listens on port 5999 of"),
            ("no-such-name.invalid", 22, Hop.INSTANCE, "gateway corp does not know the name no-such-name"),
        ]:
            with pytest.raises(StatusError, match=sentence) as caught:
                await way.create_connection(asyncio.Protocol, host, port)
            assert caught.value.hop is hop
        assert [login.sessions for login in transit.logins.of("alice")] == [0]


def key_host(server: Sshd, alias: str, **more: str) -> JumpHost:
    return JumpHost(
        alias, "127.0.0.1", server.port, server.user, host_key=server.host_key,
        private_key=server.private_key, **more,
    )  # fmt: skip


async def test_a_chain_of_gateways_each_known_by_its_own_key() -> None:
    with Sshd() as first, Sshd(options=["AllowTcpForwarding no"]) as second:
        nobody = Answers()
        chain = [key_host(first, "first"), key_host(second, "second")]
        async with LocalTransit() as transit:
            way = transit.way(chain)
            await way.ready(nobody)
            assert {login.host.alias for login in transit.logins.of("alice")} == {"first", "second"}
            with pytest.raises(StatusError, match="gateway second forbids streams") as caught:
                await way.create_connection(asyncio.Protocol, "127.0.0.1", first.port)
            assert caught.value.hop is Hop.GATEWAY
            first.drop()
            await transit.until_ended()
            with pytest.raises(StatusError, match="Nobody is signed in"):
                await way.create_connection(asyncio.Protocol, "127.0.0.1", first.port)
            liar = [chain[0], key_host(first, "second", host_key_alias="second")]
            liar[1] = JumpHost(**{**vars(liar[1]), "host_key": second.host_key})
            with pytest.raises(StatusError, match="The gateway second shows the host key") as caught:
                await transit.way(liar).ready(nobody)
            assert caught.value.hop is Hop.HOST_KEY
        assert nobody.asked == []
