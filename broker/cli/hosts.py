"""`fanlight hosts`: the host book of whoever runs this, taken over from OpenSSH's configuration or written by hand."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.outcome import CommandError, Exit, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.hosts import HostBook

__all__ = ["Book", "app", "open_book"]

MAX_FILE = 4 << 20
MAX_FILES = 256
"""Files that one `Include` names."""

app = typer.Typer(help="Keep the host book: names of machines, and the ways to them.", no_args_is_help=True)

Book = Annotated[
    Path | None, typer.Option("--hosts", help="The host book; by default `~/.config/fanlight/hosts.toml`.")
]


def open_book(path: Path | None) -> HostBook:
    """The host book.

    Raises:
        CommandError: it cannot be read.
    """
    from client.hosts import HostError, read_book
    from client.places import host_book, user_name

    try:
        return read_book(path or host_book(), user_name())
    except HostError as error:
        raise CommandError(str(error), Exit.USAGE) from None


@app.command("list")
def list_hosts(
    hosts: Book = None, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show every host: where it is, through which others, as whom, and its labels."""
    from client.hosts import HostError

    book = open_book(hosts)
    rows = []
    for alias in book.hosts:
        host = book.find(alias)
        try:
            way = [step.alias for step in book.way(alias)[:-1]]
        except HostError as error:
            raise CommandError(str(error), Exit.USAGE) from None
        rows.append({**asdict(host), "via": way})
    if json:
        print_json(rows)
        return
    for row in rows:
        via = f" via {', '.join(row['via'])}" if row["via"] else ""
        labels = f" [{', '.join(row['labels'])}]" if row["labels"] else ""
        print(f"{row['alias']}  {row['user']}@{row['address']}:{row['port']}{via}{labels}")


@app.command("import")
def import_hosts(
    file: Annotated[
        Path | None, typer.Argument(help="An OpenSSH client configuration; by default ~/.ssh/config.")
    ] = None,
    hosts: Book = None,
    replace: Annotated[bool, typer.Option(help="Overwrite hosts that the book has already.")] = False,
) -> None:
    """Take hosts over from an OpenSSH client configuration. `Match` is refused; what is left out is listed."""
    from client.hosts import HostBook, HostError, write_book
    from client.places import host_book, ssh_folder
    from client.ssh_config import import_config

    source = file or ssh_folder() / "config"
    target = hosts or host_book()
    book = open_book(target)
    try:
        taken = import_config(_read(source), str(source), _included)
        new = {alias: host for alias, host in taken.book.hosts.items() if replace or alias not in book.hosts}
        empty = not book.hosts and book_is_plain(book)
        defaults = taken.book.defaults if replace or empty else book.defaults
        merged = HostBook({**book.hosts, **new}, defaults, book.user)
        for alias in new:
            merged.way(alias)
        write_book(target, merged)
    except HostError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    for left in taken.left_out:
        print(f"left out: {left}")
    for alias in taken.book.hosts.keys() - new.keys():
        print(f"kept as it is in the book: {alias}")
    print(f"{len(new)} {'host' if len(new) == 1 else 'hosts'} taken over to {target}")


def book_is_plain(book: HostBook) -> bool:
    """Whether it says nothing of hosts in general."""
    from client.hosts import Host

    return book.defaults == Host("")


def _read(path: Path) -> str:
    from client.hosts import HostError

    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise HostError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from None
    if len(data) > MAX_FILE:
        raise HostError(f"{path} is larger than {MAX_FILE >> 20} MiB.")
    return data.decode("utf-8", "replace")


def _included(pattern: str) -> Iterable[tuple[str, str]]:
    """The files of an `Include`, as OpenSSH finds them: relative names lie in ~/.ssh; none is no mistake."""
    from client.hosts import HostError
    from client.places import ssh_folder

    path = Path(pattern).expanduser()
    whole = path if path.is_absolute() else ssh_folder() / path
    found = sorted(
        one for one in Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))) if one.is_file()
    )
    if len(found) > MAX_FILES:
        raise HostError(f"Include {pattern} names more than {MAX_FILES} files.")
    return [(str(one), _read(one)) for one in found]
