"""Copying files to and from a host over SFTP, in one go through whatever machines are on the way."""

from __future__ import annotations

import os
import posixpath
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import asyncssh

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    Progress = Callable[[str, int, int], None]

__all__ = ["End", "download", "parse_end", "upload"]

MAX_DEPTH = 128
"""Folders within folders; a server could go on for ever."""
MAX_FILES = 1_000_000
_REMOTE = re.compile(r"((?:[^@:/\s]+@)?(?:\[[0-9A-Fa-f:.%\w]+\]|[^:/\s\[\]]+)):(.*)", re.DOTALL)


class End(NamedTuple):
    """One end of a copy.

    Attributes:
        host: as it was typed; empty is this machine.
        path: there; empty is one's home.
    """

    host: str
    path: str


def parse_end(text: str) -> End:
    """Read `host:path`, as scp does: what has a slash before its first colon is a path here."""
    match = _REMOTE.fullmatch(text)
    return End("", text) if match is None else End(match[1], match[2])


async def upload(
    connection: asyncssh.SSHClientConnection,
    sources: Sequence[str],
    target: str,
    *,
    recurse: bool,
    progress: Progress | None = None,
) -> None:
    """Copy from here to a host.

    Args:
        connection: to the host.
        sources: files and folders here.
        target: a file there, or a folder that is there.
        recurse: folders with all they hold.
        progress: told name, bytes done and bytes in all.

    Raises:
        StatusError: it did not work; the sentence names the file.
    """
    for source in sources:
        if _is_folder(Path(source)) and not recurse:
            raise _failed(f"{source} is a folder: add -r")
    try:
        async with connection.start_sftp_client() as sftp:
            await sftp.put(
                list(sources),
                target or ".",
                preserve=True,
                recurse=recurse,
                follow_symlinks=True,
                progress_handler=_handler(progress),
            )
    except (asyncssh.Error, OSError) as error:
        raise _failed(_words(error)) from None


async def download(
    connection: asyncssh.SSHClientConnection,
    sources: Sequence[str],
    target: Path,
    *,
    recurse: bool,
    progress: Progress | None = None,
) -> None:
    """Copy from a host to here. Names that a server makes up never lead out of the target.

    Args:
        connection: to the host.
        sources: files and folders there.
        target: a file here, or a folder that is here.
        recurse: folders with all they hold; links to folders are left out.
        progress: told name, bytes done and bytes in all.

    Raises:
        StatusError: it did not work; the sentence names the file.
    """
    if len(sources) > 1 and not _is_folder(target):
        raise _failed(f"{target} is no folder, and several files cannot become one")
    try:
        async with connection.start_sftp_client() as sftp:
            for source in sources:
                name = posixpath.basename(source.rstrip("/")) or "home"
                here = target / name if _is_folder(target) and _is_plain(name) else target
                if not await sftp.isdir(source or "."):
                    await _fetch(sftp, source, here, progress)
                elif not recurse:
                    raise _failed(f"{source or 'the home folder'} is a folder: add -r")
                else:
                    await _fetch_folder(sftp, source or ".", here, progress)
    except (asyncssh.Error, OSError) as error:
        raise _failed(_words(error)) from None


async def _fetch(sftp: asyncssh.SFTPClient, there: str, here: Path, progress: Progress | None) -> None:
    try:
        await sftp.get(there, here, preserve=True, follow_symlinks=True, progress_handler=_handler(progress))
    except asyncssh.SFTPError as error:
        raise _failed(f"{there}: {error.reason}") from None


async def _fetch_folder(
    sftp: asyncssh.SFTPClient, source: str, here: Path, progress: Progress | None
) -> None:
    async for folder, path in _walk(sftp, source):
        if folder:
            (here / path).mkdir(exist_ok=True)
        else:
            await _fetch(sftp, posixpath.join(source, path), here / path, progress)


async def _walk(sftp: asyncssh.SFTPClient, root: str) -> AsyncIterator[tuple[bool, str]]:
    """Folders (True) and files below a folder, itself first, as paths relative to it."""
    waiting, found = [""], 0
    while waiting:
        folder = waiting.pop()
        yield True, folder
        async for entry in sftp.scandir(posixpath.join(root, folder)):
            name = str(entry.filename)
            if name in {".", ".."}:
                continue
            found += 1
            path = posixpath.join(folder, name)
            if not _is_plain(name) or found > MAX_FILES or path.count("/") >= MAX_DEPTH:
                raise _failed(f"the host names a file {name[:80]!r}, which is not taken")
            kind = stat.S_IFMT(entry.attrs.permissions or 0)
            if kind == stat.S_IFDIR:
                waiting.append(path)
            elif kind == stat.S_IFREG or (
                kind == stat.S_IFLNK and await sftp.isfile(posixpath.join(root, path))
            ):
                yield False, path


def _is_folder(path: Path) -> bool:
    return path.is_dir()


def _is_plain(name: str) -> bool:
    """Whether it names something inside its folder."""
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name and os.sep not in name


def _handler(progress: Progress | None) -> Callable[[bytes, bytes, int, int], None] | None:
    if progress is None:
        return None

    def tell(source: bytes, target: bytes, done: int, whole: int) -> None:
        progress(os.fsdecode(os.path.basename(source)), done, whole)  # noqa: PTH119 - bytes, of either machine

    return tell


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return f"{error.filename}: {os.strerror(error.errno)}" if error.filename else os.strerror(error.errno)
    return str(error) or "the connection was lost"


def _failed(reason: str) -> StatusError:
    return StatusError(Status.UPSTREAM_ERROR, f"Not copied: {reason}.", Hop.INSTANCE)
