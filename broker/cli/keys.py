"""`fanlight keys`: create, show and list the key pairs that users sign in to their instances with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, Exit, paint, print_json

if TYPE_CHECKING:
    from broker.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Create, show and list users' key pairs.")

User = Annotated[str, typer.Argument(help="The user's name on the instances.")]
Directory = Annotated[Path | None, typer.Option(help="Instead of the setting `key-directory`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class _Pair(NamedTuple):
    """What is shown of a key pair."""

    user: str
    file: str
    algorithm: str
    fingerprint: str
    public: str


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
    """Make a key pair unless the user has one, and print its public line for `authorized_keys`."""
    from broker.cli.keypairs import create

    if pem and kind == "ed25519":
        raise CommandError("--pem: an Ed25519 key has no PEM form; choose --type rsa or ecdsa", Exit.USAGE)
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
    from broker.cli.keypairs import load

    found = load(directory / user, settings.key_names)
    if found is None:
        return None
    name, key = found
    public = key.export_public_key().decode().strip()
    return _Pair(user, str(directory / user / name), key.get_algorithm(), key.get_fingerprint(), public)


def _existing(directory: Path, user: str, settings: Settings) -> _Pair:
    pair = _find(directory, user, settings)
    if pair is None:
        raise CommandError(f"{user} has no key in {directory}: fanlight keys ensure {user}")
    return pair


def _print_public(pair: _Pair, *, json: bool) -> None:
    shown: dict[str, Any] = pair._asdict()
    print_json(shown) if json else print(pair.public)
