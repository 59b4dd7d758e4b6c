"""An SSH server in this process, for what a real sshd cannot be made to do.

async with FakeSsh(prompts=[["Code: "]], answers=[["123456"]]) as server:
    connect("127.0.0.1", server.port)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

__all__ = ["FakeSsh", "echo"]


async def echo(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Greet, then give back what is typed, until Control-D."""
    process.stdout.write(b"ready\r\n")
    while data := await process.stdin.read(4096):
        if b"\x04" in data:
            break
        process.stdout.write(data)
    process.exit(0)


class FakeSsh:
    """asyncssh as a server.

    Attributes:
        port: where it listens on 127.0.0.1.
        key: its host key.
        tried: passwords and answers it was given.
        users: names that asked to be let in.
        may_forward: set; cleared, streams are neither opened nor refused.
    """

    def __init__(
        self,
        program: Callable[[asyncssh.SSHServerProcess[bytes]], Awaitable[None]] = echo,
        *,
        password: str | None = None,
        prompts: Sequence[Sequence[str]] = (),
        answers: Sequence[Sequence[str]] = (),
        instructions: str = "",
        banner: str = "",
        client_key: asyncssh.SSHKey | None = None,
        options: dict[str, Any] | None = None,
        forwards: bool = False,
    ) -> None:
        """Describe the server; without a password, prompts or a key, everybody is let in.

        Args:
            program: the shell.
            password: lets people in.
            prompts: rounds of keyboard-interactive questions; one that ends in `!` is shown as it is typed.
            answers: what is expected, round by round.
            instructions: above the questions.
            banner: shown before.
            client_key: lets people in.
            options: further arguments of `asyncssh.create_server`.
            forwards: let streams pass.
        """
        self.forwards = forwards
        self.may_forward = asyncio.Event()
        self.may_forward.set()
        self._program = program
        self.password = password
        self.prompts = prompts
        self.answers = answers
        self.instructions = instructions
        self.banner = banner
        self.client_key = client_key
        self._options = options or {}
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.tried: list[str] = []
        self.users: list[str] = []
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._listener = await asyncssh.create_server(
            lambda: _Server(self),
            "127.0.0.1",
            0,
            process_factory=self._program,
            encoding=None,
            **{"server_host_keys": [self.key], "line_editor": False, **self._options},
        )
        self.port = self._listener.get_port()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for connection in list(self.connections):
            connection.abort()
        await self._listener.wait_closed()
        await asyncio.sleep(0)


class _Server(asyncssh.SSHServer):
    def __init__(self, fake: FakeSsh) -> None:
        self._fake = fake
        self._round = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._fake.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fake.connections.discard(self._connection)

    def connection_requested(self, host: str, port: int, orig_host: str, orig_port: int) -> Any:
        return self._forward(host, port) if self._fake.forwards else False

    async def _forward(self, host: str, port: int) -> Any:
        await self._fake.may_forward.wait()
        return await self._connection.forward_connection(host, port)

    def begin_auth(self, username: str) -> bool:
        fake = self._fake
        fake.users.append(username)
        if fake.banner:
            self._connection.send_auth_banner(fake.banner)
        return fake.password is not None or bool(fake.prompts) or fake.client_key is not None

    def password_auth_supported(self) -> bool:
        return self._fake.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        self._fake.tried.append(password)
        return password == self._fake.password

    def public_key_auth_supported(self) -> bool:
        return self._fake.client_key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._fake.client_key is not None and key == self._fake.client_key.convert_to_public()

    def kbdint_auth_supported(self) -> bool:
        return bool(self._fake.prompts)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        self._round = 0
        return self._challenge()

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> Any:
        self._fake.tried += responses
        if list(responses) != list(self._fake.answers[self._round]):
            return False
        self._round += 1
        return True if self._round == len(self._fake.prompts) else self._challenge()

    def _challenge(self) -> tuple[str, str, str, list[tuple[str, bool]]]:
        prompts = [(text.rstrip("!"), text.endswith("!")) for text in self._fake.prompts[self._round]]
        return "", self._fake.instructions if self._round == 0 else "", "", prompts
