"""Putting a key into `authorized_keys` on a host over SFTP, in one login, without ever damaging what is there.

What is new is written beside the file, brought to disk and put in its place in one step; what somebody else changes
meanwhile is read again, down to the moment before that step: SFTP has no lock that other tools would know of. Then a
second connection shows that the key works.
"""

from __future__ import annotations

import contextlib
import posixpath
import secrets
import shlex
import stat
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, cast

import asyncssh

from client.authorized_keys import with_line, without_key
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from client.connecting import Connecting

__all__ = ["KeyInstall", "Step", "Taken", "remove_key"]

MAX_FILE = 1 << 20
"""Bytes of an authorized_keys file."""
TRIES = 5
"""How often the file is read again because somebody else changed it."""
FOLDER, FILE = ".ssh", "authorized_keys"
TEST = "echo fanlight"
LABEL = 'test "$(stat -c %C {path})" = "$(stat -c %C {made})" || chcon --reference={path} {made}'
WRITABLE = stat.S_IWGRP | stat.S_IWOTH


class Step(StrEnum):
    """The five steps, in order."""

    PREPARE = "prepare"
    TRANSFER = "transfer"
    APPEND = "append"
    INSTALL = "install"
    TEST = "test"


class Taken(NamedTuple):
    """A step that was taken.

    Attributes:
        seconds: that it took.
        passed: whether it worked.
        said: what was done, or why it did not work.
    """

    step: Step
    passed: bool
    seconds: float
    said: str


@dataclass
class KeyInstall:
    """Installs one key on one host.

    Attributes:
        connecting: to hosts.
        host: as it was typed.
        line: of authorized_keys, options included.
        private: the private key, OpenSSH or PEM text; it stays here.
        login: a private key to sign in with instead of what the person has; empty is the person.
        told: told of each step.
        taken: the steps so far.
        changed: whether the file is another one now.
        working: whether the key opens the host.
    """

    connecting: Connecting
    host: str
    line: str = field(repr=False)
    private: str = field(repr=False)
    login: str = field(default="", repr=False)
    told: Callable[[Taken], None] = lambda _: None
    taken: list[Taken] = field(default_factory=list, init=False)
    changed: bool = field(default=False, init=False)
    working: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Take the five steps.

        Raises:
            StatusError: the key could not be put in place; nothing was damaged. A key that is in place and refused is
                no error: `working` tells.
            HostError: the host cannot be understood.
        """
        async with (
            self.connecting.open(self.host, private=self.login) as connection,
            _sftp(connection, self.host) as sftp,
        ):
            file = _File(connection, sftp, self.host)
            await self._take(Step.PREPARE, lambda: file.prepare(self._may_tighten))
            await self._take(Step.TRANSFER, file.read)
            await self._take(Step.APPEND, lambda: file.change(lambda before: with_line(before, self.line)))
            await self._take(Step.INSTALL, file.install)
            self.changed = file.changed
        await self._test()

    async def _may_tighten(self, what: str, mode: int) -> bool:
        """Ask before a mode is changed that somebody may have meant."""
        question = f"{what} can be written by others (mode {mode:04o}), for which sshd refuses keys. Change that (yes/no)? "
        with contextlib.suppress(StatusError):  # nobody answers
            return (await self.connecting.asker.ask(question, secret=False)).strip().lower() == "yes"
        return False

    async def _take(self, step: Step, work: Callable[[], Awaitable[str]]) -> None:
        begun = time.monotonic()
        try:
            said = await work()
        except StatusError as error:
            self._tell(Taken(step, False, time.monotonic() - begun, error.message))
            raise
        self._tell(Taken(step, True, time.monotonic() - begun, said))

    async def _test(self) -> None:
        """A new connection that has nothing but the key."""
        begun = time.monotonic()
        try:
            async with self.connecting.open(self.host, private=self.private) as connection:
                said = await _echoed(connection)
            self.working = True
        except StatusError as error:
            said = error.message
        self._tell(Taken(Step.TEST, self.working, time.monotonic() - begun, said))

    def _tell(self, taken: Taken) -> None:
        self.taken.append(taken)
        self.told(taken)


async def remove_key(connecting: Connecting, host: str, public: str, private: str) -> bool:
    """Take a key out of authorized_keys on a host; False where it was not there.

    Args:
        connecting: to hosts.
        host: as it was typed.
        public: the key's public line.
        private: the key to sign in with, another one.

    Raises:
        StatusError: it could not be taken out; nothing was damaged.
        HostError: the host cannot be understood.
    """
    async with connecting.open(host, private=private) as connection, _sftp(connection, host) as sftp:
        file = _File(connection, sftp, host)
        await file.prepare(None)
        await file.read()
        await file.change(lambda before: without_key(before, public))
        await file.install()
        return file.changed


async def _echoed(connection: asyncssh.SSHClientConnection) -> str:
    """That a command runs; some accounts let people in for something else."""
    try:
        result = await connection.run(TEST, timeout=20, encoding="utf-8", errors="replace")
    except (asyncssh.Error, OSError, TimeoutError):
        return "signed in, but no command runs there"
    came = str(result.stdout or "")[:200].strip() == TEST.split()[1]
    return "signed in with this key alone" if came else "signed in, but another program runs there"


class _File:
    """`authorized_keys` of one account, over SFTP: paths are relative to its home."""

    def __init__(
        self, connection: asyncssh.SSHClientConnection, sftp: asyncssh.SFTPClient, host: str
    ) -> None:
        self._connection = connection
        self._sftp = sftp
        self._host = host
        self._path = ""
        self._owner: tuple[int, int] | None = None
        self._mode = 0o600
        self._before: bytes | None = None
        self._work: Callable[[bytes], bytes] = bytes
        self._after = b""
        self.changed = False

    async def prepare(self, may_tighten: Callable[[str, int], Awaitable[bool]] | None) -> str:
        """Find the file, and make its folder; modes are changed only after a yes."""
        with self._explained("the home folder cannot be looked at"):
            home = str(await self._sftp.realpath("."))
        made = await self._make_folder()
        await self._find()
        loose = []
        for path in (home, f"{home}/{FOLDER}", self._path):
            mode = await self._mode_of(path)
            if mode is None or not mode & WRITABLE:
                continue
            if may_tighten is not None and await may_tighten(path, mode):
                with self._explained(f"the mode of {path} cannot be changed"):
                    await self._sftp.chmod(path, mode & ~WRITABLE)
            else:
                loose.append(path)
        said = f"made {home}/{FOLDER}" if made else self._path
        return said + "".join(f"; {path} can be written by others" for path in loose)

    async def _make_folder(self) -> bool:
        with self._explained(f"{FOLDER} cannot be made"):
            if not await self._sftp.exists(FOLDER):
                await self._sftp.mkdir(FOLDER, asyncssh.SFTPAttrs(permissions=0o700))
                await self._sftp.chmod(FOLDER, 0o700)
                return True
        if not await self._sftp.isdir(FOLDER):
            raise self._failed(f"{FOLDER} is no folder")
        return False

    async def _find(self) -> None:
        """The file itself, where a link stands for it; never somebody else's."""
        path = f"{FOLDER}/{FILE}"
        with self._explained(f"{path} cannot be looked at"):
            folder = str(await self._sftp.realpath(FOLDER))
            self._path = posixpath.join(folder, FILE)
            if not await self._sftp.lexists(path):
                return
            if await self._sftp.islink(path):
                if not await self._sftp.exists(path):
                    raise self._failed(f"{path} is a link that leads nowhere")
                self._path = str(await self._sftp.realpath(path))
            if not await self._sftp.isfile(self._path):
                raise self._failed(f"{self._path} is no regular file")
            if (await self._sftp.stat(self._path)).uid != (await self._sftp.stat(FOLDER)).uid:
                raise self._failed(f"{self._path} belongs to another account")

    async def _mode_of(self, path: str) -> int | None:
        try:
            return stat.S_IMODE((await self._sftp.stat(path)).permissions or 0)
        except (asyncssh.Error, OSError):
            return None

    async def read(self) -> str:
        """What is in the file now."""
        self._before = await self._content()
        return f"{len(self._before)} bytes are there" if self._before is not None else "no file is there"

    async def _content(self) -> bytes | None:
        with self._explained(f"{self._path} cannot be read"):
            try:
                file = await self._sftp.open(self._path, "rb")
            except asyncssh.SFTPNoSuchFile:
                return None
            async with file:
                found = await file.stat()
                if found.uid is not None and found.gid is not None:
                    self._owner = (found.uid, found.gid)
                self._mode = stat.S_IMODE(found.permissions or 0o600)
                content = bytearray()
                while chunk := await file.read(MAX_FILE + 1 - len(content)):
                    content += cast("bytes", chunk)
                    if len(content) > MAX_FILE:
                        raise self._failed(f"{self._path} is larger than {MAX_FILE >> 20} MiB")
        if b"\0" in content:
            raise self._failed(f"{self._path} is not a text file that sshd could read")
        return bytes(content)

    async def change(self, work: Callable[[bytes], bytes]) -> str:
        """What shall be in the file."""
        self._work = work
        self._after = work(self._before or b"")
        return "a line is added" if self._differs else "the key is there already"

    @property
    def _differs(self) -> bool:
        return self._after != (self._before or b"")

    async def install(self) -> str:
        """Put it in place, unless somebody else was quicker: then on top of what is there now."""
        for _ in range(TRIES):
            if not self._differs:
                return f"{self._path} stays as it is"
            if await self._replace():
                self.changed = True
                return f"wrote {self._path}"
            await self.read()
            await self.change(self._work)
        raise self._failed(f"{self._path} is changed by somebody else all the time")

    async def _replace(self) -> bool:
        """False where the file is another one by now."""
        folder, name = posixpath.split(self._path)
        draft = f"{folder}/.{name}.fanlight-{secrets.token_hex(8)}"
        before, owner, mode = self._before, self._owner, self._mode
        moved = False
        with self._explained(f"{folder} cannot be written"):
            try:
                await self._write(draft, owner if before is not None else None, mode)
                await self._label(draft)
                if await self._content() == before:
                    await self._move(draft)
                    moved = True
            finally:
                if not moved:
                    with contextlib.suppress(asyncssh.Error, OSError):
                        await self._sftp.remove(draft)
        return moved

    async def _write(self, draft: str, owner: tuple[int, int] | None, mode: int) -> None:
        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
        async with self._sftp.open(
            draft, flags, asyncssh.SFTPAttrs(permissions=0o600), encoding=None
        ) as file:
            await file.write(self._after)
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
            made = await file.stat()
            if made.size != len(self._after):
                raise self._failed(f"{draft} was not written in full")
            if owner is not None and (made.uid, made.gid) != owner:
                await file.chown(*owner)
            await file.chmod(mode)

    async def _label(self, draft: str) -> None:
        """On SELinux a file keeps its label; a new one takes that of its folder by itself."""
        if self._before is None or not await self._sftp.isdir("/sys/fs/selinux"):
            return
        path, made = shlex.quote(self._path), shlex.quote(draft)
        result = await self._connection.run(LABEL.format(path=path, made=made), timeout=20)
        if result.exit_status != 0:
            raise self._failed(f"the SELinux label of {self._path} cannot be kept")

    async def _move(self, draft: str) -> None:
        try:
            await self._sftp.posix_rename(draft, self._path)
        except asyncssh.SFTPOpUnsupported:
            if self._before is not None:
                raise self._failed(f"the server cannot replace {self._path} in one step") from None
            await self._sftp.rename(draft, self._path)

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise self._failed(f"{what}: {_words(error)}") from None

    def _failed(self, reason: str) -> StatusError:
        return _failed(self._host, reason)


def _failed(host: str, reason: str) -> StatusError:
    return StatusError(Status.UPSTREAM_ERROR, f"{host}: {reason}.", Hop.INSTANCE)


def _words(error: Exception) -> str:
    text = str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error)
    return (
        " ".join("".join(letter for letter in text if letter.isprintable()).split())[:200]
        or "no reason given"
    )


@contextlib.asynccontextmanager
async def _sftp(connection: asyncssh.SSHClientConnection, host: str) -> AsyncIterator[asyncssh.SFTPClient]:
    try:
        sftp = await connection.start_sftp_client()
    except (asyncssh.Error, OSError) as error:
        raise _failed(host, f"its SSH server offers no files: {_words(error)}") from None
    async with sftp:
        yield sftp
