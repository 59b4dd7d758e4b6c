"""An instance's files over SFTP, for SSH sessions and beside desktops alike."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import secrets
import stat
from collections import deque
from typing import TYPE_CHECKING, cast

import asyncssh

from proxyd.files import Entry
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["SftpFilesystem"]

STATUSES = {
    asyncssh.SFTPNoSuchFile: Status.RESOURCE_NOT_FOUND,
    asyncssh.SFTPNoSuchPath: Status.RESOURCE_NOT_FOUND,
    asyncssh.SFTPPermissionDenied: Status.CLIENT_FORBIDDEN,
    asyncssh.SFTPBadMessage: Status.SERVER_ERROR,
    asyncssh.SFTPNoConnection: Status.UPSTREAM_TIMEOUT,
    asyncssh.SFTPConnectionLost: Status.UPSTREAM_TIMEOUT,
    asyncssh.SFTPOpUnsupported: Status.UNSUPPORTED,
}
"""Failures of the server to statuses (sheet section 6.1); anything else is UPSTREAM_ERROR."""
MODE = 0o600
"""Of a new file."""
READS_AHEAD = 8
"""Pieces of a file that are under way at a time."""


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except asyncssh.SFTPError as error:
        status = STATUSES.get(type(error), Status.UPSTREAM_ERROR)
        raise StatusError(status, f"{what}: {error.reason[:200]}", Hop.INSTANCE) from None
    except (asyncssh.Error, OSError):
        raise StatusError(Status.UPSTREAM_ERROR, f"{what}: the connection broke.", Hop.INSTANCE) from None


class SftpFilesystem:
    """A `Filesystem` on an open SFTP client."""

    def __init__(
        self,
        client: asyncssh.SFTPClient,
        root: str = "/",
        drop: str = "",
        *,
        downloads: bool = True,
        uploads: bool = True,
    ) -> None:
        """Show a part of the instance's files.

        Args:
            client: closed by whoever opened it.
            root: directory shown as `/`. Links on the instance may lead out of it, as with any SFTP login.
            drop: directory for files that come without a path; empty is the login directory.
            downloads: whether files may be read.
            uploads: whether files may be written.
        """
        self.name = root
        self.downloads = downloads
        self.uploads = uploads
        self.drop = drop
        self._client = client
        self._root = root.rstrip("/")

    @classmethod
    async def open(
        cls,
        connection: asyncssh.SSHClientConnection,
        root: str,
        drop: str,
        *,
        downloads: bool,
        uploads: bool,
    ) -> SftpFilesystem:
        """Start SFTP on a connection; without `drop`, files without a path go to the login directory.

        Raises:
            StatusError: the server offers no SFTP (UPSTREAM_ERROR).
        """
        with _explained("The instance offers no file transfer"):
            client = await connection.start_sftp_client(path_errors="replace")
            home = drop or str(await client.realpath("."))
        filesystem = cls(client, root or "/", downloads=downloads, uploads=uploads)
        filesystem.drop = filesystem.shown(home)
        return filesystem

    def shown(self, real: str) -> str:
        """The path under the root by which a real path is reached; the root itself if it lies outside."""
        if not self._root:
            return real
        return real.removeprefix(self._root) or "/" if f"{real}/".startswith(f"{self._root}/") else "/"

    def drop_path(self, filename: str) -> str:
        """See `Filesystem.drop_path`."""
        return posixpath.join(self.drop, filename)

    async def list(self, path: str) -> AsyncIterator[Entry]:
        """See `Filesystem.list`."""
        with _explained(f"{path} cannot be listed"):
            async for found in self._client.scandir(self._real(path)):
                name = str(found.filename)
                if name not in {".", ".."} and "/" not in name:
                    directory = await self._leads_to_directory(path, name, found.attrs)
                    yield Entry(name, directory, found.attrs.size, found.attrs.mtime)

    async def is_directory(self, path: str) -> bool:
        """See `Filesystem.is_directory`."""
        with _explained(f"{path} cannot be opened"):
            return await self._client.isdir(self._real(path))

    async def read(self, path: str) -> SftpReader:
        """See `Filesystem.read`."""
        return await self.read_real(self._real(path))

    async def read_real(self, path: str) -> SftpReader:
        """Open a file by its path on the instance, wherever it lies.

        Raises:
            StatusError: it cannot be read.
        """
        with _explained(f"{path} cannot be read"):
            return SftpReader(await self._client.open(path, "rb"), path)

    async def write(self, path: str) -> SftpWriter:
        """See `Filesystem.write`."""
        target = self._real(path)
        with _explained(f"{path} cannot be written"):
            if await self._client.isdir(target):
                raise StatusError(Status.RESOURCE_CONFLICT, f"{path} is a directory.", Hop.INSTANCE)
            partial = f"{target}.{secrets.token_hex(4)}.part"
            attrs = asyncssh.SFTPAttrs(permissions=MODE)
            try:
                file = await self._client.open(partial, "xb", attrs)
            except asyncssh.SFTPNoSuchFile:  # a file of a folder that is being uploaded
                await self._client.makedirs(posixpath.dirname(target), exist_ok=True)
                file = await self._client.open(partial, "xb", attrs)
            return SftpWriter(self._client, file, partial, target)

    def _real(self, path: str) -> str:
        return f"{self._root}{path}"

    async def _leads_to_directory(self, path: str, name: str, attrs: asyncssh.SFTPAttrs) -> bool:
        permissions = attrs.permissions or 0
        if stat.S_ISLNK(permissions):
            try:
                return await self._client.isdir(posixpath.join(self._real(path), name))
            except asyncssh.SFTPError:
                return False
        return stat.S_ISDIR(permissions)


class SftpReader:
    """See `BinaryReader`. Reads ahead, so that a long way costs its delay once and not for every piece."""

    def __init__(self, file: asyncssh.SFTPClientFile, path: str) -> None:
        self._file = file
        self._path = path
        self._ahead: deque[asyncio.Task[bytes]] = deque()
        self._next = 0

    async def read(self, size: int) -> bytes:
        """See `BinaryReader.read`; the same size every time."""
        while len(self._ahead) < READS_AHEAD:
            self._ahead.append(asyncio.create_task(self._piece(self._next, size), name="read ahead"))
            self._next += size
        with _explained(f"{self._path} cannot be read"):
            data = await self._ahead.popleft()
        if data and len(data) < size:  # the end, or a file of another kind: go on from where it stopped
            self._next -= (len(self._ahead) + 1) * size - len(data)
            await self._forget()
        return data

    async def _piece(self, offset: int, size: int) -> bytes:
        return cast("bytes", await self._file.read(size, offset))

    async def _forget(self) -> None:
        for task in self._ahead:
            task.cancel()
        if self._ahead:
            await asyncio.gather(*self._ahead, return_exceptions=True)
        self._ahead.clear()

    async def close(self) -> None:
        """See `BinaryReader.close`."""
        await self._forget()
        with contextlib.suppress(asyncssh.Error, OSError):
            await self._file.close()


class SftpWriter:
    """See `BinaryWriter`. Writes beside the target and renames at the end; an existing file keeps its mode."""

    def __init__(
        self, client: asyncssh.SFTPClient, file: asyncssh.SFTPClientFile, partial: str, target: str
    ) -> None:
        self._client = client
        self._file = file
        self._partial = partial
        self._target = target

    async def write(self, data: bytes) -> None:
        """See `BinaryWriter.write`."""
        with _explained("SFTP: Write failed"):
            await self._file.write(data)

    async def commit(self) -> None:
        """See `BinaryWriter.commit`."""
        with _explained("SFTP: Close failed"):
            await self._file.close()
            with contextlib.suppress(asyncssh.SFTPError):
                existing = await self._client.stat(self._target)
                if existing.permissions is not None:
                    await self._client.chmod(self._partial, stat.S_IMODE(existing.permissions))
            await self._rename()

    async def _rename(self) -> None:
        try:
            await self._client.posix_rename(self._partial, self._target)
        except asyncssh.SFTPOpUnsupported:  # plain rename refuses an existing target
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await self._client.remove(self._target)
            await self._client.rename(self._partial, self._target)

    async def abort(self) -> None:
        """See `BinaryWriter.abort`."""
        with contextlib.suppress(asyncssh.Error, OSError):
            await self._file.close()
            await self._client.remove(self._partial)
