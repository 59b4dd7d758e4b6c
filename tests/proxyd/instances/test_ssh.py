from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import asyncssh
import pytest

from proxyd.instances import ssh_connection
from proxyd.instances.host_keys import HostKeyFiles
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.ssh_server import FakeSsh
from tests.fakes.ssh_user import SshUser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*bcrypt.kdf:UserWarning"
)  # few rounds, so that tests are quick

KEY = asyncssh.generate_private_key("ssh-ed25519")
KEY_TEXT = KEY.export_private_key().decode()
RETURN = 0xFF0D
_QUICK = {"rounds": 1}
"""A passphrase costs time by design; not in tests."""


class User(SshUser):
    """Alice, whom every server of these tests knows."""

    def __init__(self, port: int, **given: str) -> None:
        super().__init__(port, **{"username": "alice", **given})


async def test_a_shell_is_served_until_it_ends() -> None:
    async with FakeSsh() as server:
        user = User(server.port)
        async with user.working():
            await user.sees("ready")
            user.types("hello")
            await user.sees("hello")
            user.instance.key(0xFFE3, True)
            user.types("d")
            await user.ends()
        assert server.users == ["alice"]
        assert user.desk.hurried >= 5


async def test_nothing_is_shown_before_somebody_is_signed_in() -> None:
    async with FakeSsh(password="secret") as server:
        user = User(server.port, password="secret")
        async with user.working():
            assert user.desk.frames == []
            await user.sees("ready")
            await user.desk.until(lambda: user.desk.frames, "a frame")


async def test_a_missing_name_is_asked_for() -> None:
    async with FakeSsh() as server:
        user = User(server.port, username="")
        async with user.working():
            await user.sees("Login as:")
            user.types("bob\r")
            await user.sees("ready")
            assert "Login" not in user.text()
        assert server.users == ["bob"]


async def test_a_given_password_is_used() -> None:
    async with FakeSsh(password="secret") as server:
        user = User(server.port, password="secret")
        async with user.working():
            await user.sees("ready")
        assert server.tried == ["secret"]


async def test_a_given_password_that_is_refused_is_final() -> None:
    async with FakeSsh(password="secret") as server:
        user = User(server.port, password="wrong")
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.CLIENT_UNAUTHORIZED, Hop.SIGN_IN)
        assert server.tried == ["wrong"]


async def test_a_missing_password_is_asked_for_and_may_be_wrong_twice() -> None:
    async with FakeSsh(password="secret") as server:
        user = User(server.port)
        async with user.working():
            for attempt in ("one", "two"):
                await user.sees("Password:")
                user.types(f"{attempt}\r")
                await user.desk.until(lambda attempt=attempt: attempt in server.tried, attempt)
            await user.desk.until(lambda: user.text().count("Password:") == 3, "the third question")
            assert "***" in user.text()
            user.types("secret\r")
            await user.sees("ready")
            assert "Password" not in user.text()


async def test_three_wrong_passwords_are_enough() -> None:
    async with FakeSsh(password="secret") as server:
        user = User(server.port)
        async with user.working():
            for count in range(1, 4):
                await user.desk.until(
                    lambda count=count: user.text().count("Password:") == count, "a question"
                )
                user.types("wrong\r")
            failure = await user.fails()
        assert failure.status is Status.CLIENT_UNAUTHORIZED
        assert server.tried == ["wrong"] * 3


async def test_whoever_gives_up_ends_the_session() -> None:
    async with FakeSsh(password="secret") as server:
        user = User(server.port)
        async with user.working():
            await user.sees("Password:")
            user.instance.key(0xFFE3, True)
            user.types("c")
            failure = await user.fails()
        assert failure.hop is Hop.SIGN_IN


async def test_several_questions_are_asked_in_several_rounds() -> None:
    async with FakeSsh(
        prompts=[["User number: !", "PIN: "], ["Code from your token: "]],
        answers=[["4711", "0815"], ["123456"]],
        instructions="Two steps to \x1b]0;evil\x07go",
    ) as server:
        user = User(server.port)
        async with user.working():
            await user.sees("User number:")
            assert "Two steps to ]0;evilgo" in user.text()
            user.types("4711\r")
            await user.sees("PIN:")
            assert "User number: 4711" in user.text()
            user.types("0815\r")
            await user.sees("Code from your token:")
            assert "PIN: ****" in user.text()
            user.types("123456\r")
            await user.sees("ready")
        assert server.tried == ["4711", "0815", "123456"]
        assert user.desk.titles == []


async def test_the_given_password_answers_a_question_for_one_and_the_rest_is_asked() -> None:
    async with FakeSsh(prompts=[["Password: ", "One-time code: "]], answers=[["secret", "42"]]) as server:
        user = User(server.port, password="secret")
        async with user.working():
            await user.sees("One-time code:")
            user.types("42\r")
            await user.sees("ready")
        assert server.tried == ["secret", "42"]


async def test_a_banner_is_shown_and_cannot_act() -> None:
    async with FakeSsh(password="x", banner="For members\nonly\x1b[2J\x1b]0;evil\x07") as server:
        user = User(server.port)
        async with user.working():
            await user.sees("Password:")
            assert "For members\nonly[2J]0;evil" in user.text()
        assert user.desk.titles == []


async def test_a_key_lets_in() -> None:
    async with FakeSsh(client_key=KEY) as server:
        user = User(server.port, private_key=KEY_TEXT)
        async with user.working():
            await user.sees("ready")


@pytest.mark.parametrize(
    "spoil", [lambda text: text.replace("\n", "\\n"), lambda text: text.replace("\n", "\r\n"), str.strip]
)
async def test_a_key_whose_lines_suffered_lets_in(spoil: object) -> None:
    assert callable(spoil)
    async with FakeSsh(client_key=KEY) as server:
        user = User(server.port, private_key=spoil(KEY_TEXT))
        async with user.working():
            await user.sees("ready")


async def test_a_refused_key_is_named_by_its_fingerprint_and_nothing_else_is_tried() -> None:
    async with FakeSsh(client_key=asyncssh.generate_private_key("ssh-ed25519"), password="secret") as server:
        user = User(server.port, private_key=KEY_TEXT, password="secret")
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.CLIENT_UNAUTHORIZED, Hop.SIGN_IN)
        assert KEY.get_fingerprint() in failure.message
        assert server.tried == []


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
async def test_the_passphrase_of_a_key_is_given_or_asked_for(form: str) -> None:
    text = KEY.export_private_key(form, passphrase="sesame", **(_QUICK if form == "openssh" else {})).decode()
    async with FakeSsh(client_key=KEY) as server:
        user = User(server.port, private_key=text, passphrase="sesame")
        async with user.working():
            await user.sees("ready")
        user = User(server.port, private_key=text)
        async with user.working():
            await user.sees("Key passphrase:")
            user.types("wrong\r")
            await user.desk.until(lambda: user.text().count("Key passphrase:") == 2, "a second question")
            user.types("sesame\r")
            await user.sees("ready")
            assert "sesame" not in user.text()


async def test_a_wrong_passphrase_is_final() -> None:
    text = KEY.export_private_key("openssh", passphrase="sesame", **_QUICK).decode()
    async with FakeSsh(client_key=KEY) as server:
        user = User(server.port, private_key=text, passphrase="wrong")
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.CLIENT_UNAUTHORIZED, Hop.SIGN_IN)
        assert server.users == []


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "ssh-ed25519 AAAA",
    ],
)
async def test_a_key_that_cannot_be_read_is_an_error(text: str) -> None:
    async with FakeSsh() as server:
        user = User(server.port, private_key=text)
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.CLIENT_UNAUTHORIZED, Hop.SIGN_IN)
        assert "AAAA" not in failure.message


async def test_no_secret_is_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    text = KEY.export_private_key("openssh", passphrase="sesame", **_QUICK).decode()
    async with FakeSsh(client_key=KEY) as server:
        user = User(server.port, private_key=text, passphrase="sesame", password="hunter2")
        async with user.working():
            await user.sees("ready")
    async with FakeSsh(password="other") as server:
        user = User(server.port, password="hunter2")
        async with user.working():
            await user.fails()
    seen = caplog.text + "".join(capsys.readouterr())
    for secret in ("sesame", "hunter2", text.splitlines()[1]):
        assert secret not in seen
    assert "hunter2" not in repr(user.instance._arguments)


async def test_the_page_asks_in_a_stream_of_its_own() -> None:
    async with FakeSsh() as server:
        user = User(server.port)
        async with user.working():
            await user.sees("ready")
            sink = user.instance.open_input("fanlight-command")
            sink.blob(b"cop")
            sink.blob(b"y")
            sink.end()
            assert "ready" in user.desk.clipboards[0]
            with pytest.raises(StatusError) as caught:
                user.instance.open_input("fanlight-text")
            assert caught.value.status is Status.RESOURCE_NOT_FOUND


# -- the machine -------------------------------------------------------------------------------------------------------


async def test_the_host_key_of_the_connection_is_checked() -> None:
    async with FakeSsh() as server:
        right = server.key.export_public_key().decode()
        user = User(server.port, host_key=f"127.0.0.1 {right}")
        async with user.working():
            await user.sees("ready")
        user = User(server.port, host_key=KEY.export_public_key().decode())
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.SERVER_ERROR, Hop.HOST_KEY)
        assert server.key.get_fingerprint() in failure.message
        assert KEY.get_fingerprint() in failure.message
        assert failure.evidence == right.strip()


async def test_a_machine_is_pinned_the_first_time_and_blocked_when_it_changed(
    tmp_path: Path,
) -> None:
    files = HostKeyFiles(pins=tmp_path / "pins")
    fingerprints: list[bool] = []
    async with FakeSsh() as server:
        for _ in range(2):
            user = User(server.port)
            user.desk.host_key_files = files
            async with user.working():
                await user.sees("ready")
                fingerprints.append(server.key.get_fingerprint() in user.text().replace("\n", ""))
        assert fingerprints == [True, False]
        old = server.key
        assert old.get_fingerprint()
        pinned = (tmp_path / "pins").read_text()
        assert pinned.count("\n") == 1
    other = FakeSsh(options={"server_host_keys": [asyncssh.generate_private_key("ecdsa-sha2-nistp256")]})
    async with other as server:
        (tmp_path / "pins").write_text(
            pinned.replace(f":{pinned.split(']:')[1].split()[0]} ", f":{server.port} ")
        )
        user = User(server.port)
        user.desk.host_key_files = files
        async with user.working():
            failure = await user.fails()
        assert failure.hop is Hop.HOST_KEY
        assert old.get_fingerprint() in failure.message
        assert failure.message.count("SHA256:") == 2


async def test_an_unknown_machine_is_refused_where_the_operator_is_strict(tmp_path: Path) -> None:
    async with FakeSsh() as server:
        user = User(server.port)
        user.desk.host_key_files = HostKeyFiles(pins=tmp_path / "pins", strict=True)
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.SERVER_ERROR, Hop.HOST_KEY)
        assert server.key.get_fingerprint() in failure.message
        assert not (tmp_path / "pins").exists()
        user = User(server.port, host_key=server.key.export_public_key().decode())
        user.desk.host_key_files = HostKeyFiles(pins=tmp_path / "pins", strict=True)
        async with user.working():
            await user.sees("ready")


async def test_a_known_key_is_found_among_several() -> None:
    """A server with several keys shows the one that is known, not its favourite."""
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    async with FakeSsh(options={"server_host_keys": [KEY, rsa]}) as server:
        user = User(server.port, host_key=rsa.export_public_key().decode())
        async with user.working():
            await user.sees("ready")


async def test_a_host_certificate_is_trusted_through_its_authority() -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_host_certificate(key, "host", principals=["127.0.0.1"])
    async with FakeSsh(options={"server_host_keys": [(key, certificate)]}) as server:
        user = User(server.port, host_key=f"@cert-authority * {authority.export_public_key().decode()}")
        async with user.working():
            await user.sees("ready")


async def test_a_user_certificate_lets_in() -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_user_certificate(KEY, "alice", principals=["alice"])
    lines = f"cert-authority {authority.export_public_key().decode()}"
    options = {"authorized_client_keys": asyncssh.import_authorized_keys(lines)}
    async with FakeSsh(client_key=asyncssh.generate_private_key("ssh-ed25519"), options=options) as server:
        user = User(server.port, private_key=KEY_TEXT, public_key=certificate.export_certificate().decode())
        async with user.working():
            await user.sees("ready")


async def test_a_certificate_of_another_key_is_an_error() -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_user_certificate(authority, "alice", principals=["alice"])
    async with FakeSsh() as server:
        user = User(server.port, private_key=KEY_TEXT, public_key=certificate.export_certificate().decode())
        async with user.working():
            failure = await user.fails()
        assert failure.hop is Hop.SIGN_IN


# -- servers that are no good ------------------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    async with FakeSsh() as server:
        port = server.port
    user = User(port)
    async with user.working():
        failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_UNAVAILABLE, Hop.INSTANCE)


@contextlib.asynccontextmanager
async def listening(say: bytes, *, hang: bool = False) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(say)
        if hang:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    "say",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"SSH-2.0-x\r\n" + b"\xff" * 200,
        b"x" * 100_000,
    ],
)
async def test_what_is_no_ssh_server_is_called_that(say: bytes) -> None:
    async with listening(say) as port:
        user = User(port)
        async with user.working():
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.INSTANCE)


@contextlib.asynccontextmanager
async def cut_after(port: int, size: int) -> AsyncIterator[int]:
    """A way to a server that breaks off once so many bytes came back."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: int) -> None:
        with contextlib.suppress(OSError):
            while room > 0 and (data := await reader.read(min(room, 65536))):
                room -= len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, here, 1 << 30), copy(there, writer, size))
        here.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_whoever_breaks_off_at_any_time_is_named() -> None:
    """Version, algorithms, keys, authentication, session: a sentence and a hop for each."""
    hops = []
    async with FakeSsh(password="secret") as server:
        for size in [*range(1, 3000, 250), 10_000]:
            async with cut_after(server.port, size) as port:
                user = User(port, password="secret")
                async with user.working():
                    await user.desk.until(
                        lambda user=user: "ready" in user.text() or (user.task and user.task.done()),
                        "the end",
                    )
                    if size < 10_000 and "ready" not in user.text():
                        failure = await user.fails()
                        assert failure.message.endswith(".")
                        hops.append(failure.hop)
                    else:
                        assert "ready" in user.text()
    assert hops[0] is Hop.INSTANCE
    assert set(hops) <= {Hop.INSTANCE, Hop.SIGN_IN, Hop.SESSION}


@pytest.mark.parametrize("say", [b"", b"SSH-2.0-x\r\n"])
async def test_a_server_that_never_answers_is_given_up(say: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "SIGN_IN_SECONDS", 0.2)
    async with listening(say, hang=True) as port:
        user = User(port)
        async with user.working():
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_TIMEOUT, Hop.INSTANCE)


async def test_a_person_has_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "SIGN_IN_SECONDS", 0.3)
    async with FakeSsh(password="secret") as server:
        user = User(server.port)
        async with user.working():
            await user.sees("Password:")
            await asyncio.sleep(0.5)
            user.types("secret\r")
            await user.sees("ready")


OLD = {"kex_algs": ["diffie-hellman-group1-sha1"], "encryption_algs": ["aes128-cbc"]}


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_broken_algorithms_are_refused_unless_they_are_asked_for() -> None:
    async with FakeSsh(options=OLD) as server:
        user = User(server.port)
        async with user.working():
            failure = await user.fails()
        assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.INSTANCE)
        assert "algorithms" in failure.message
        user = User(server.port, legacy_algorithms="true")
        async with user.working():
            await user.sees("ready")


async def test_a_lost_connection_is_named() -> None:
    async with FakeSsh() as server:
        user = User(server.port)
        async with user.working():
            await user.sees("ready")
            for connection in server.connections:
                connection.abort()
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.INSTANCE)


async def test_no_shell_is_a_failure_of_the_session() -> None:
    async with FakeSsh(options={"allow_pty": False}) as server:
        user = User(server.port)
        async with user.working():
            failure = await user.fails()
    assert (failure.status, failure.hop) == (Status.UPSTREAM_ERROR, Hop.SESSION)


async def test_a_cancelled_session_closes_what_it_opened() -> None:
    async with FakeSsh() as server:
        user = User(server.port)
        async with user.working():
            await user.sees("ready")
            assert server.connections
        await user.desk.until(lambda: not server.connections, "a closed connection")
