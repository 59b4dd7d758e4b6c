"""`fanlight keys install`: a user's key into `authorized_keys` on a host, shown step by step."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.hosts import Book, open_book
from broker.cli.outcome import CommandError, Exit, mark, print_json
from broker.cli.pairs import Directory, Json, check_name, existing, key_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncssh import SSHKey

    from broker.settings import Settings
    from client.connecting import Connecting
    from client.hosts import HostBook
    from client.key_install import KeyInstall, Taken

__all__ = [
    "AcceptNew",
    "Options",
    "Via",
    "authorized_line",
    "described",
    "install",
    "tell",
    "told_outcome",
    "way_to",
]

Via = Annotated[
    list[str] | None,
    typer.Option(help="A machine on the way, user@host; the outermost first. May be repeated."),
]
Options = Annotated[
    str | None, typer.Option(help="Options before the key, instead of the setting `authorized-key-options`.")
]
AcceptNew = Annotated[
    bool, typer.Option("--accept-new", help="Take host keys of machines met for the first time.")
]


def install(
    host: Annotated[str, typer.Argument(metavar="USER@HOST", help="Whose account on which host.")],
    user: Annotated[str | None, typer.Option(help="Whose key, where that is not the account's name.")] = None,
    via: Via = None,
    options: Options = None,
    accept_new: AcceptNew = False,
    hosts: Book = None,
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Put a user's key into `authorized_keys` on a host, in one login, and try it with a connection of its own.

    A password is asked for once, at the terminal. What is in the file already stays; nothing is half written.
    """
    from broker.cli.keypairs import load
    from client.key_install import KeyInstall

    settings = read_settings(config)
    book = open_book(hosts)
    whose = user or _account(book, host)
    directory = key_folder(key_directory, settings)
    check_name(whose, settings)
    existing(directory, whose, settings)
    found = load(directory / whose, settings.key_names)
    assert found is not None
    key = found[1]
    line = authorized_line(key, whose, options, settings)
    connecting = way_to(book, [host], via, accept_new=accept_new)
    run = KeyInstall(connecting, host, line, key.export_private_key().decode(), told=_quiet if json else tell)
    asyncio.run(_install(connecting, run))
    if json:
        print_json({"user": whose, "fingerprint": key.get_fingerprint()} | described(run))
    else:
        print(f"{host}: {told_outcome(run)}")
    if not run.working:
        raise typer.Exit(Exit.HOP)


async def _install(connecting: Connecting, run: KeyInstall) -> None:
    from client.hosts import HostError
    from proxyd.wire.status import StatusError

    try:
        async with connecting:
            await run.run()
    except (StatusError, HostError) as error:
        raise CommandError(str(error)) from None


def authorized_line(key: SSHKey, user: str, options: str | None, settings: Settings) -> str:
    """A line for a key.

    Raises:
        CommandError: the options would make something else of it.
    """
    from broker.settings import key_options

    try:
        given = settings.authorized_key_options if options is None else key_options(options)
    except ValueError as error:
        raise CommandError(f"--options: {error}", Exit.USAGE) from None
    public = key.export_public_key().decode().split()[:2]
    return " ".join(filter(None, (given, *public, user)))


def way_to(
    book: HostBook, hosts: Sequence[str], via: Sequence[str] | None, *, accept_new: bool
) -> Connecting:
    """Connections to hosts, through machines on the way where they are named.

    Raises:
        CommandError: a host cannot be understood.
    """
    from client.connecting import Connecting
    from client.hosts import Host, HostError, parse_place

    if via:
        try:
            names = [host if host in book.hosts else parse_place(host).name for host in hosts]
        except HostError as error:
            raise CommandError(str(error), Exit.USAGE) from None
        through = {name: replace(book.hosts.get(name, Host(name)), via=tuple(via)) for name in names}
        book = replace(book, hosts={**book.hosts, **through})
    return Connecting(book, accept_new=accept_new)


def _account(book: HostBook, host: str) -> str:
    from client.hosts import HostError

    try:
        return book.find(host).user
    except HostError as error:
        raise CommandError(str(error), Exit.USAGE) from None


# -- what is shown -----------------------------------------------------------------------------------------------------


def tell(taken: Taken) -> None:
    """A line for a step, on standard error."""
    print(
        f"{mark(taken.passed)} {taken.step:8} {taken.seconds:6.2f} s  {taken.said}",
        file=sys.stderr,
        flush=True,
    )


def _quiet(_: Taken) -> None:
    """JSON has it all in the end."""


def told_outcome(run: KeyInstall) -> str:
    """One of the three ends, in words."""
    there = "installed" if run.changed else "installed before"
    return f"{there} and working" if run.working else f"{there}, server refuses key ({run.taken[-1].said})"


def described(run: KeyInstall) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "host": run.host,
        "changed": run.changed,
        "working": run.working,
        "outcome": told_outcome(run),
        "steps": [
            {"step": str(row.step), "passed": row.passed, "seconds": round(row.seconds, 3), "said": row.said}
            for row in run.taken
        ],
    }
