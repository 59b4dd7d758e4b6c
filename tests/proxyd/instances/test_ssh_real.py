"""Shells of a real OpenSSH server, seen by a desk that shows what a browser would."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import asyncssh
import numpy as np
import pytest

from proxyd.instances.host_keys import HostKeyFiles
from proxyd.wire.status import Hop, Status
from tests.fakes.ssh_user import SshUser
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields"),
]

PLAIN = "exec env -i TERM=$TERM TZ=$TZ LANG=$LANG PATH=$PATH SSH_AUTH_SOCK=$SSH_AUTH_SOCK PS1='$ ' sh -i"
RETURN, CONTROL = 0xFF0D, 0xFFE3


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with Sshd() as server:
        yield server


class User(SshUser):
    """Whom the server lets in by key, at a plain shell."""

    def __init__(self, server: Sshd, width: int = 840, height: int = 480, **given: str) -> None:
        known = {"username": server.user, "private_key": server.private_key, "command": PLAIN}
        super().__init__(server.port, width, height, **{**known, **given})


async def test_a_shell_echoes_runs_and_ends(server: Sshd) -> None:
    user = User(server)
    async with user.working():
        await user.sees("$")
        user.types("echo $((6 * 7))\r")
        await user.sees("\n42\n")
        picture = user.desk.canvas.picture()
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
        user.types("exit\r")
        assert user.task
        await asyncio.wait_for(asyncio.shield(user.task), 15)


async def test_the_shell_knows_its_terminal(server: Sshd) -> None:
    user = User(server, 1000, 300, locale="C.UTF-8", timezone="Asia/Tokyo", backspace="8", command=PLAIN)
    async with user.working():
        await user.sees("$")
        user.types("echo $TERM/$TZ/$LANG; stty size; stty -a | grep -o 'erase = [^;]*'\r")
        screen = user.instance._console.terminal.screen
        await user.sees("xterm-256color/Asia/Tokyo/C.UTF-8")
        await user.sees(f"{screen.rows} {screen.columns}")
        await user.sees("erase = ^H")


async def test_the_time_zone_is_the_browser_s_where_none_is_given(server: Sshd) -> None:
    user = User(server)
    async with user.working():
        await user.sees("$")
        user.types("echo zone:$TZ\r")
        await user.sees("zone:Europe/Berlin")


async def test_the_shell_follows_the_window(server: Sshd) -> None:
    user = User(server)
    async with user.working():
        await user.sees("$")
        for width in range(500, 1200, 50):
            user.desk.width, user.desk.height = width, width // 2
            user.instance.resize(width, width // 2)
        await asyncio.sleep(0.1)
        screen = user.instance._console.terminal.screen
        user.types("clear; stty size\r")
        await user.sees(f"{screen.rows} {screen.columns}")
        assert user.desk.canvas.layer(0).shape[:2] == (575, 1150)


async def test_a_command_runs_instead_of_a_shell(server: Sshd) -> None:
    user = User(server, command="echo only this; sleep 9")
    async with user.working():
        await user.sees("only this")


async def test_a_flood_ends_within_a_second_of_control_c(server: Sshd) -> None:
    user = User(server)
    async with user.working():
        await user.sees("$")
        user.types("yes 'all work and no play'\r")
        await user.sees("no play\nall work")
        await asyncio.sleep(0.5)
        began = time.monotonic()
        user.interrupts()
        user.types("echo st''opped\r")
        await user.sees("stopped")
        assert time.monotonic() - began < 5  # one, on a machine that does nothing else


async def test_a_flood_leaves_the_loop_to_others(server: Sshd) -> None:
    user, neighbour = User(server), User(server)
    async with user.working(), neighbour.working():
        await user.sees("$")
        await neighbour.sees("$")
        user.types("yes\r")
        await user.sees("y\ny\ny")
        neighbour.types("echo still he''re\r")
        await neighbour.sees("still here", 5)
        user.interrupts()


async def test_what_a_flood_leaves_in_memory_is_bounded(server: Sshd) -> None:
    user = User(server, scrollback="500")
    async with user.working():
        await user.sees("$")
        user.types("head -c 2000000 /dev/urandom | base64; echo do''ne\r")
        await user.sees("done", 60)
        assert user.instance._console.terminal.screen.history_rows <= 500


async def test_a_key_that_is_not_let_in(server: Sshd) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    user = User(server, private_key=key.export_private_key().decode())
    async with user.working():
        failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.CLIENT_UNAUTHORIZED, Hop.SIGN_IN)
    assert key.get_fingerprint() in failure.message


async def test_a_lost_connection(server: Sshd) -> None:
    user = User(server)
    async with user.working():
        await user.sees("$")
        server.drop()
        failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.INSTANCE)


async def test_a_machine_that_changed_is_not_entered(tmp_path: Path) -> None:
    with Sshd() as server:
        old = server.fingerprint
        files = HostKeyFiles(pins=tmp_path / "pins")
        user = User(server)
        user.desk.host_key_files = files
        async with user.working():
            await user.sees("$")
        server.change_host_key()
        user = User(server)
        user.desk.host_key_files = files
        async with user.working():
            failure = await user.fails()
    assert failure.hop is Hop.HOST_KEY
    assert old in failure.message
    assert server.fingerprint in failure.message


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_passwords_are_given_or_asked_for(method: str) -> None:
    with Sshd(password="open sesame", methods=method) as server:
        user = User(server, private_key="", password="open sesame")
        async with user.working():
            await user.sees("$")
        user = User(server, private_key="")
        async with user.working():
            await user.sees("Password:")
            user.types("open sesame\r")
            await user.sees("$")
            assert "Password" not in user.text()
        user = User(server, private_key="", password="wrong")
        async with user.working():
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.CLIENT_UNAUTHORIZED, Hop.SIGN_IN)


async def test_a_key_and_then_a_question() -> None:
    with Sshd(password="123456", methods="publickey,keyboard-interactive") as server:
        user = User(server)
        async with user.working():
            await user.sees("Password:")
            user.types("123456\r")
            await user.sees("$")


@pytest.mark.parametrize(
    "option", ["KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc", "HostKeyAlgorithms ssh-rsa"]
)
async def test_old_servers_need_a_word(option: str) -> None:
    with Sshd(options=[option]) as server:
        if "ssh-rsa" in option:
            rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
            (server.folder / "host_key").write_bytes(rsa.export_private_key())
            server.stop()
            server.start()
        user = User(server)
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.INSTANCE)
        assert "algorithms" in failure.message
        user = User(server, legacy_algorithms="true")
        async with user.working():
            await user.sees("$")


async def test_the_key_is_lent_to_programs_where_that_is_asked_for(server: Sshd) -> None:
    for wanted in ("true", "false"):
        user = User(server, enable_agent=wanted)
        async with user.working():
            await user.sees("$")
            user.types("ssh-add -l; echo do''ne\r")
            await user.sees("done")
            fingerprint = asyncssh.import_private_key(server.private_key).get_fingerprint()
            assert (fingerprint in user.text().replace("\n", "")) == (wanted == "true")


async def test_a_typescript_holds_what_was_shown(server: Sshd, tmp_path: Path) -> None:
    user = User(server, typescript_path=str(tmp_path), typescript_name="session")
    async with user.working():
        await user.sees("$")
        user.types("echo wri''tten\rexit\r")
        assert user.task
        await asyncio.wait_for(asyncio.shield(user.task), 15)
    output = (tmp_path / "session").read_bytes()
    assert b"written\r\n" in output
    timing = [line.split() for line in (tmp_path / "session.timing").read_text().splitlines()]
    assert sum(int(size) for _, size in timing) == len(output) - len(
        b"[BEGIN TYPESCRIPT]\n\n[END TYPESCRIPT]\n"
    )


async def test_an_asciicast_knows_sizes(server: Sshd, tmp_path: Path) -> None:
    user = User(server, typescript_path=str(tmp_path), typescript_format="asciicast")
    async with user.working():
        await user.sees("$")
        columns, rows = user.instance._console.size[:2]
        user.desk.width += 100
        user.instance.resize(940, 480)
        user.types("echo wri''tten\r")
        await user.sees("\nwritten")
        await user.desk.until(lambda: user.instance._console.size[0] > columns, "another size")
        wider = user.instance._console.size[0]
        user.types("exit\r")
        assert user.task
        await asyncio.wait_for(asyncio.shield(user.task), 15)
    header, *events = [json.loads(line) for line in (tmp_path / "typescript").read_text().splitlines()]
    assert (header["width"], header["height"], header["env"]) == (columns, rows, {"TERM": "xterm-256color"})
    assert [data for _, code, data in events if code == "r"] == [f"{wider}x{rows}"]
    assert "written\r\n" in "".join(data for _, code, data in events if code == "o")
    times = [at for at, _, _ in events]
    assert times == sorted(times)


async def test_authorities_vouch_for_people_and_machines(tmp_path: Path) -> None:
    people, machines, mine = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    (tmp_path / "people.pub").write_bytes(people.export_public_key())
    options = [f"TrustedUserCAKeys {tmp_path}/people.pub", f"HostCertificate {tmp_path}/host-cert.pub"]
    with Sshd(options=options) as server:
        host = asyncssh.read_private_key(server.folder / "host_key")
        certificate = machines.generate_host_certificate(host, "host", principals=["127.0.0.1"])
        (tmp_path / "host-cert.pub").write_bytes(certificate.export_certificate())
        server.stop()
        server.start()
        signed = people.generate_user_certificate(mine, "me", principals=[server.user])
        given = {
            "private_key": mine.export_private_key().decode(),
            "host_key": f"@cert-authority * {machines.export_public_key().decode()}",
        }
        user = User(server, public_key=signed.export_certificate().decode(), **given)
        async with user.working():
            await user.sees("$")
        user = User(server, **given)
        async with user.working():
            assert (await user.fails()).hop is Hop.SIGN_IN
        given["host_key"] = f"@cert-authority * {people.export_public_key().decode()}"
        user = User(server, public_key=signed.export_certificate().decode(), **given)
        async with user.working():
            assert (await user.fails()).hop is Hop.HOST_KEY


async def test_a_name_and_a_password_are_asked_for() -> None:
    with Sshd(password="open sesame", methods="keyboard-interactive") as server:
        user = User(server, username="", private_key="")
        async with user.working():
            await user.sees("Login as:")
            user.types(f"{server.user}\r")
            await user.sees("Password:")
            user.types("open sesame\r")
            await user.sees("$")


async def test_a_server_that_freezes_is_given_up(server: Sshd) -> None:
    user = User(server, server_alive_interval="1")
    async with user.working():
        await user.sees("$")
        with server.frozen():
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.INSTANCE)


async def test_a_full_screen_program_gets_the_mouse(server: Sshd) -> None:
    user = User(
        server, command="printf '\\033[?1000h\\033[?1006h'; stty raw -echo; head -c 9 | od -c; sleep 9"
    )
    async with user.working():
        console = user.instance._console
        await user.desk.until(lambda: console.terminal.wants_mouse, "mouse reports")
        layout = console.layout
        user.instance.pointer(layout.margin + 3, layout.margin + 3, 1)
        await user.sees("[   <   0   ;   1   ;   1   M")


async def test_a_server_that_gives_no_shell() -> None:
    with Sshd(options=["PermitTTY no"]) as server:
        user = User(server)
        async with user.working():
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.SESSION)
