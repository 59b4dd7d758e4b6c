"""`fanlight keys rotate` and `revoke`: another key for a user, on all of their instances, without anybody noticing."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.hosts import Book, open_book
from broker.cli.key_install import AcceptNew, Options, Via, authorized_line, tell, told_outcome, way_to
from broker.cli.outcome import CommandError, Exit, complain, mark
from broker.cli.pairs import (
    Directory,
    Json,
    Kind,
    Pem,
    User,
    check_name,
    check_pem,
    existing,
    key_folder,
    print_public,
)
from broker.cli.spans import span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from asyncssh import SSHKey

    from broker.gate.instance import Instance
    from broker.gate.instances import Instances
    from broker.gate.rotations import Rotations
    from broker.settings import Settings
    from client.hosts import HostBook

__all__ = ["revoke", "rotate"]


def rotate(
    user: User,
    kind: Kind = "ed25519",
    pem: Pem = False,
    install: Annotated[
        list[str] | None,
        typer.Option(
            metavar="USER@HOST", help="Put the new key there, signing in with the old one. May be repeated."
        ),
    ] = None,
    via: Via = None,
    options: Options = None,
    accept_new: AcceptNew = False,
    finish: Annotated[bool, typer.Option("--finish", help="Use the new key from now on.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Finish although instances do not have the new key.")
    ] = False,
    hosts: Book = None,
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Exchange a user's key in two steps: instances learn the new one first, then it is used.

    The first call makes the new key and prints both public lines; instances at the gate are served both from then on, and
    --install puts the new one on other hosts. Called again, it tells who has it. Once all have, --finish takes the old key
    away from those hosts, deletes it and prints the line that is left.
    """
    from broker.cli.keypairs import NEW, create, load

    check_pem(kind, pem=pem)
    settings = read_settings(config)
    directory = key_folder(key_directory, settings)
    check_name(user, settings)
    existing(directory, user, settings)
    beside = tuple(name + NEW for name in settings.key_names)
    if load(directory / user, beside) is None:
        if finish:
            raise CommandError(f"{user} has no new key: fanlight keys rotate {user} makes one")
        create(directory, user, kind, pem=pem, suffix=NEW)
    old, new = load(directory / user, settings.key_names), load(directory / user, beside)
    assert old is not None
    assert new is not None
    book = open_book(hosts) if install or finish else None
    exchange = _Exchange(settings, directory, user, old[1], new[1], book, accept_new=accept_new)
    if finish:
        asyncio.run(exchange.finish(new[0], force=force))
        print_public(existing(directory, user, settings), json=json)
        return
    line = authorized_line(new[1], user, options, settings)
    standing, failed = asyncio.run(exchange.begin(install or [], via or [], line))
    print_public(existing(directory, user, settings), json=json, **standing.described())
    standing.show()
    if failed:
        raise typer.Exit(Exit.FAILED)


def revoke(user: User, key_directory: Directory = None, config: Config = None, json: Json = False) -> None:
    """Delete a user's keys: the gate serves them to no instance any more; prints the lines that others should forget."""
    from broker.cli.keypairs import remove

    settings = read_settings(config)
    directory = key_folder(key_directory, settings)
    check_name(user, settings)
    pair = existing(directory, user, settings)
    remove(directory, user, settings.key_names)
    print_public(pair, json=json)
    asyncio.run(_forget(settings, user, pair.new))


async def _forget(settings: Settings, user: str, new: str) -> None:
    """Forget an exchange, and name the hosts on which lines were left."""
    async with _books(settings) as books:
        if books is None:
            return
        for host in (await books.rotations.find(user, new)).hosts if new else ():
            complain(f"the key stands in authorized_keys of {host}")
        await books.rotations.end(user)


class _Books(NamedTuple):
    """Where it is known who has which key."""

    instances: Instances
    rotations: Rotations


@contextlib.asynccontextmanager
async def _books(settings: Settings, *, make: bool = False) -> AsyncIterator[_Books | None]:
    """The store's; None where there is no store yet, unless one shall be made."""
    from broker.gate.instances import Instances
    from broker.gate.rotations import Rotations
    from broker.store import StoreError, is_there, open_store

    if not make and not is_there(settings.store):
        yield None
        return
    try:
        store = open_store(settings.store, time.time)
        try:
            yield _Books(Instances(store, time.time), Rotations(store, time.time))
        finally:
            await store.close()
    except StoreError as error:
        raise CommandError(f"store: {error}") from None


class _Standing(NamedTuple):
    """Who has the new key: instances at the gate, with the moment at which they were served it, and hosts."""

    instances: list[tuple[Instance, float | None]]
    hosts: Mapping[str, tuple[str, ...]]

    @property
    def waiting(self) -> list[str]:
        """Instances that do not have it."""
        return [_named(instance) for instance, served in self.instances if served is None]

    def described(self) -> dict[str, Any]:
        """For programs."""
        rows = [{"id": row.id, "name": row.name, "served": served} for row, served in self.instances]
        return {"instances": rows, "hosts": list(self.hosts)}

    def show(self) -> None:
        """A line each on standard error: the lines for authorized_keys stay alone on standard output."""
        for instance, served in self.instances:
            said = (
                "does not have the new key yet"
                if served is None
                else f"has it for {span(time.time() - served)}"
            )
            print(f"{mark(served is not None)} {_named(instance)} {said}", file=sys.stderr)
        for host in self.hosts:
            print(f"{mark(True)} {host} has both keys", file=sys.stderr)


def _named(instance: Instance) -> str:
    return f"instance {instance.id} {instance.name}".rstrip()


class _Exchange:
    """One user's old key for a new one."""

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        user: str,
        old: SSHKey,
        new: SSHKey,
        book: HostBook | None,
        *,
        accept_new: bool,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._user = user
        self._old = old
        self._new = new
        self._book = book
        self._accept_new = accept_new
        self._public = new.export_public_key().decode().strip()

    async def begin(self, hosts: list[str], via: list[str], line: str) -> tuple[_Standing, bool]:
        """Put the new key on hosts; returns who has it, and whether a host failed."""
        async with _books(self._settings, make=bool(hosts)) as books:
            failed = False
            for host in hosts:
                assert books is not None
                if await self._install(host, via, line):
                    await books.rotations.note_installed(self._user, self._public, host, via)
                else:
                    failed = True
            return await self._standing(books), failed

    async def _install(self, host: str, via: list[str], line: str) -> bool:
        from client.hosts import HostError
        from client.key_install import KeyInstall
        from proxyd.wire.status import StatusError

        old, new = (key.export_private_key().decode() for key in (self._old, self._new))
        assert self._book is not None
        try:
            async with way_to(self._book, [host], via, accept_new=self._accept_new) as connecting:
                run = KeyInstall(connecting, host, line, new, login=old, told=tell)
                await run.run()
        except (StatusError, HostError) as error:
            complain(str(error))
            return False
        print(f"{host}: {told_outcome(run)}", file=sys.stderr)
        return run.working

    async def finish(self, file: str, *, force: bool) -> None:
        """Take the old key away everywhere; nothing is deleted while somebody needs it.

        Raises:
            CommandError: an instance does not have the new key, or a host cannot be reached.
        """
        from broker.cli.keypairs import promote

        async with _books(self._settings) as books:
            standing = await self._standing(books)
            if standing.waiting and not force:
                who = ", ".join(standing.waiting[:5]) + (" and others" if len(standing.waiting) > 5 else "")
                raise CommandError(f"the old key is still needed: {who} was not served the new one; --force")
            for host, via in standing.hosts.items():
                await self._remove(host, via, force=force)
                if books is not None:
                    await books.rotations.note_removed(self._user, self._public, host)
            promote(self._directory, self._user, self._settings.key_names, file)
            if books is not None:
                await books.rotations.end(self._user)

    async def _remove(self, host: str, via: tuple[str, ...], *, force: bool) -> None:
        from client.hosts import HostError
        from client.key_install import remove_key
        from proxyd.wire.status import StatusError

        assert self._book is not None
        old, new = self._old.export_public_key().decode(), self._new.export_private_key().decode()
        try:
            async with way_to(self._book, [host], via, accept_new=self._accept_new) as connecting:
                gone = await remove_key(connecting, host, old.strip(), new)
        except (StatusError, HostError) as error:
            if not force:
                raise CommandError(
                    f"the old key stays: {error} Only --force goes on without that host"
                ) from None
            complain(f"the old key may still stand in authorized_keys of {host}: {error}")
            return
        said = "the old key is taken out" if gone else "the old key was not there"
        print(f"{mark(True)} {host}: {said}", file=sys.stderr)

    async def _standing(self, books: _Books | None) -> _Standing:
        if books is None:
            return _Standing([], {})
        known = await books.rotations.find(self._user, self._public)
        found = [row for row in await books.instances.all() if self._user in row.logins]
        return _Standing([(row, known.served.get(row.id)) for row in found], known.hosts)
