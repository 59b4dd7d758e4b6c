"""`fanlight keys`: the key pairs that users sign in to their instances with, from the first to the last day."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, Exit, mark, paint, print_json

if TYPE_CHECKING:
    from asyncssh import SSHKey

    from broker.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Create, show, exchange, check and remove users' key pairs.")

User = Annotated[str, typer.Argument(help="The user's name on the instances.")]
Directory = Annotated[Path | None, typer.Option(help="Instead of the setting `key-directory`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class _Pair(NamedTuple):
    """What is shown of a key pair; `new` is the public line of the one that will take its place."""

    user: str
    file: str
    algorithm: str
    fingerprint: str
    public: str
    new: str = ""


@app.command()
def ensure(
    user: User,
    kind: Annotated[
        Literal["ed25519", "ecdsa", "rsa"], typer.Option("--type", help="Type of a new key.")
    ] = "ed25519",
    pem: Annotated[bool, typer.Option("--pem", help="Write a new key as PEM, for old tools.")] = False,
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make a key pair unless the user has one, and print its public line for `authorized_keys`.

    While the key is exchanged for another, both lines are printed.
    """
    from broker.cli.keypairs import create

    _check_pem(kind, pem=pem)
    settings = read_settings(config)
    directory = _directory(key_directory, settings)
    _check_name(user, settings)
    if _find(directory, user, settings) is None:
        create(directory, user, kind, pem=pem)
    _print_public(_existing(directory, user, settings), json=json)


@app.command()
def show(user: User, key_directory: Directory = None, config: Config = None, json: Json = False) -> None:
    """Print the public line of a user's key; with --json also file and fingerprint."""
    settings = read_settings(config)
    _check_name(user, settings)
    _print_public(_existing(_directory(key_directory, settings), user, settings), json=json)


@app.command()
def rotate(
    user: User,
    kind: Annotated[
        Literal["ed25519", "ecdsa", "rsa"], typer.Option("--type", help="Type of the new key.")
    ] = "ed25519",
    pem: Annotated[bool, typer.Option("--pem", help="Write the new key as PEM, for old tools.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Use the new key from now on.")] = False,
    key_directory: Directory = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Exchange a user's key in two steps: instances learn the new one first, then it is used.

    The first call makes the new key and prints both public lines. Once every instance has both, --finish deletes the
    old key and prints the line that is left.
    """
    from broker.cli.keypairs import NEW, create, load, promote

    _check_pem(kind, pem=pem)
    settings = read_settings(config)
    directory = _directory(key_directory, settings)
    _check_name(user, settings)
    _existing(directory, user, settings)
    beside = load(directory / user, tuple(name + NEW for name in settings.key_names))
    if finish:
        if beside is None:
            raise CommandError(f"{user} has no new key: fanlight keys rotate {user} makes one")
        promote(directory, user, settings.key_names, beside[0])
    elif beside is None:
        create(directory, user, kind, pem=pem, suffix=NEW)
    _print_public(_existing(directory, user, settings), json=json)


@app.command()
def revoke(user: User, key_directory: Directory = None, config: Config = None, json: Json = False) -> None:
    """Delete a user's keys, and print the public lines that instances should forget."""
    from broker.cli.keypairs import remove

    settings = read_settings(config)
    directory = _directory(key_directory, settings)
    _check_name(user, settings)
    pair = _existing(directory, user, settings)
    remove(directory, user, settings.key_names)
    _print_public(pair, json=json)


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
    directory = _directory(key_directory, settings)
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
    directory = _directory(key_directory, settings)
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
    directory = _directory(key_directory, settings)
    rows, problems = [], []
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        try:
            pair = _find(directory, folder.name, settings)
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


def _check_pem(kind: str, *, pem: bool) -> None:
    if pem and kind == "ed25519":
        raise CommandError("--pem: an Ed25519 key has no PEM form; choose --type rsa or ecdsa", Exit.USAGE)


def _directory(given: Path | None, settings: Settings) -> Path:
    directory = given or settings.key_directory
    if not directory.is_dir():
        name = "--key-directory" if given else "key-directory"
        raise CommandError(f"{name}: {directory} is not a folder", Exit.USAGE)
    return directory


def _check_name(user: str, settings: Settings) -> None:
    """A name becomes a folder: only names that a link may carry."""
    if not re.fullmatch(settings.v1_username, user) or user in {".", ".."} or "/" in user:
        raise CommandError(
            f"{user!r} is not a user name that links may carry (setting v1-username)", Exit.USAGE
        )


def _find(directory: Path, user: str, settings: Settings) -> _Pair | None:
    from broker.cli.keypairs import NEW, load

    found = load(directory / user, settings.key_names)
    if found is None:
        return None
    name, key = found
    beside = load(directory / user, tuple(name + NEW for name in settings.key_names))
    return _Pair(
        user,
        str(directory / user / name),
        key.get_algorithm(),
        key.get_fingerprint(),
        _line(key),
        _line(beside[1]) if beside else "",
    )


def _line(key: SSHKey) -> str:
    """A line of `authorized_keys`."""
    return key.export_public_key().decode().strip()


def _existing(directory: Path, user: str, settings: Settings) -> _Pair:
    pair = _find(directory, user, settings)
    if pair is None:
        raise CommandError(f"{user} has no key in {directory}: fanlight keys ensure {user}")
    return pair


def _print_public(pair: _Pair, *, json: bool) -> None:
    if json:
        print_json(pair._asdict())
    else:
        print(*filter(None, (pair.public, pair.new)), sep="\n")
