"""`fanlight keys`: the key pairs that users sign in to their instances with, from the first to the last day."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.key_install import install
from broker.cli.key_rotation import revoke, rotate
from broker.cli.outcome import CommandError, Exit, mark, paint, print_json
from broker.cli.pairs import (
    Directory,
    Json,
    Kind,
    Pem,
    User,
    check_name,
    check_pem,
    existing,
    find_pair,
    key_folder,
    print_public,
)

if TYPE_CHECKING:
    from broker.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Create, show, install, exchange, check and remove users' key pairs.")


@app.command()
def ensure(
    user: User,
    kind: Kind = "ed25519",
    pem: Pem = False,
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make a key pair unless the user has one, and print its public line for `authorized_keys`.

    While the key is exchanged for another, both lines are printed.
    """
    from broker.cli.keypairs import create

    check_pem(kind, pem=pem)
    settings = read_settings(config)
    directory = key_folder(key_directory, settings)
    check_name(user, settings)
    if find_pair(directory, user, settings) is None:
        create(directory, user, kind, pem=pem)
    print_public(existing(directory, user, settings), json=json)


@app.command()
def show(user: User, key_directory: Directory = None, config: Config = None, json: Json = False) -> None:
    """Print the public line of a user's key; with --json also file and fingerprint."""
    settings = read_settings(config)
    check_name(user, settings)
    print_public(existing(key_folder(key_directory, settings), user, settings), json=json)


app.command()(install)
app.command()(rotate)
app.command()(revoke)


@app.command("check")
def check_(
    users: Annotated[list[str] | None, typer.Argument(help="These users only.")] = None,
    max_days: Annotated[int | None, typer.Option(help="Complain about keys that are older.", min=1)] = None,
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Read keys as the broker does: what it would refuse, what is weak, how old each is."""
    settings = read_settings(config)
    directory = key_folder(key_directory, settings)
    names = users or sorted(path.name for path in directory.iterdir() if path.is_dir())
    rows = [_checked(directory, user, settings, max_days) for user in names]
    if json:
        print_json(rows)
    else:
        for row in rows:
            age = "" if row["days"] is None else f"{row['days']} days"
            print(f"{mark(not row['problem'])} {row['user']:16} {age:>9}  {row['problem'] or row['file']}")
    if any(row["problem"] for row in rows):
        raise typer.Exit(Exit.FAILED)


def _checked(directory: Path, user: str, settings: Settings, max_days: int | None) -> dict[str, Any]:
    from broker.keys import KeyDirectory, KeyRefusedError

    row: dict[str, Any] = {"user": user, "file": None, "days": None, "problem": None}
    try:
        key = KeyDirectory(directory, settings.key_names, settings.key_group).read(user)
    except KeyRefusedError as error:
        return row | {"problem": str(error)}
    if key is None:
        return row | {"problem": "no key on file"}
    days = int((time.time() - (directory / user / key.name).stat().st_mtime) // 86400)
    problem = "RSA below 2048 bits" if key.weak else None
    if max_days is not None and days > max_days:
        problem = f"older than {max_days} days: fanlight keys rotate {user}"
    return row | {"file": key.name, "days": days, "problem": problem}


@app.command("import")
def import_(
    gateone: Annotated[
        Path, typer.Option(help="GateOne's folder of users: one folder each, with .ssh in it.")
    ],
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Take over users' keys from GateOne: the first of `.default_ids` that the broker can use."""
    from broker.cli.gateone import import_users

    settings = read_settings(config)
    directory = key_folder(key_directory, settings)
    if not gateone.is_dir():
        raise CommandError(f"--gateone: {gateone} is not a folder", Exit.USAGE)
    rows = import_users(gateone, directory, settings.key_names)
    if json:
        print_json([row._asdict() for row in rows])
    else:
        for row in rows:
            print(f"{mark(row.imported)} {row.user:16} {row.said}")
    if any(row.imported is False for row in rows):
        raise typer.Exit(Exit.FAILED)


@app.command("list")
def list_(key_directory: Directory = None, config: Config = None, json: Json = False) -> None:
    """List users, their key files and fingerprints."""
    settings = read_settings(config)
    directory = key_folder(key_directory, settings)
    rows, problems = [], []
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        try:
            pair = find_pair(directory, folder.name, settings)
        except CommandError as error:
            problems.append({"user": folder.name, "problem": str(error)})
            continue
        if pair is not None:
            rows.append(pair)
    if json:
        print_json([*(pair._asdict() for pair in rows), *problems])
    else:
        width = max((len(pair.user) for pair in rows), default=0)
        for pair in rows:
            print(f"{pair.user:{width}}  {pair.algorithm:12}  {pair.fingerprint}  {paint(pair.file, 'dim')}")
        for problem in problems:
            print(paint(problem["problem"], "red"))
    if problems:
        raise typer.Exit(Exit.FAILED)
