"""`fanlight cp`: files to and from a host of the book, in one go through the machines on the way."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.hosts import Book, open_book
from broker.cli.outcome import CommandError, Exit

if TYPE_CHECKING:
    from client.connecting import Connecting
    from client.copy import End

__all__ = ["copy"]


def copy(
    places: Annotated[
        list[str], typer.Argument(metavar="SOURCE... TARGET", help="`host:path`, or a path of this machine.")
    ],
    recurse: Annotated[bool, typer.Option("--recursive", "-r", help="Folders with all they hold.")] = False,
    accept_new: Annotated[
        bool, typer.Option("--accept-new", help="Take host keys of machines met for the first time.")
    ] = False,
    hosts: Book = None,
) -> None:
    """Copy files to or from a host."""
    from client.connecting import Connecting
    from client.copy import parse_end
    from client.hosts import HostError
    from proxyd.wire.status import StatusError

    if len(places) < 2:
        raise CommandError("name what shall be copied, and where to", Exit.USAGE)
    *sources, target = [parse_end(place) for place in places]
    remote = {end.host for end in sources} if not target.host else {target.host}
    if len(remote) != 1 or remote == {""} or (target.host and any(end.host for end in sources)):
        raise CommandError("one side is a host (host:path), the other this machine", Exit.USAGE)
    connecting = Connecting(open_book(hosts), accept_new=accept_new)
    try:
        asyncio.run(_copy(connecting, remote.pop(), sources, target, recurse=recurse))
    except (StatusError, HostError) as error:
        raise CommandError(str(error)) from None


async def _copy(connecting: Connecting, host: str, sources: list[End], target: End, *, recurse: bool) -> None:
    from client.copy import download, upload

    progress = _show if sys.stderr.isatty() else None
    paths = [end.path for end in sources]
    async with connecting, connecting.open(host) as connection:
        if target.host:
            await upload(connection, paths, target.path, recurse=recurse, progress=progress)
        else:
            await download(connection, paths, Path(target.path), recurse=recurse, progress=progress)


def _show(name: str, done: int, whole: int) -> None:
    """One line a file, written over while it grows."""
    share = f"{100 * done // whole} %" if whole else "100 %"
    end = "\n" if done >= whole else ""
    print(f"\r{name}  {share}  {done / 1e6:.1f} MB", end=end, file=sys.stderr, flush=True)
