"""Users' key pairs as the commands of `fanlight keys` find and show them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from broker.cli.outcome import CommandError, Exit, print_json

if TYPE_CHECKING:
    from asyncssh import SSHKey

    from broker.settings import Settings

__all__ = [
    "Directory",
    "Json",
    "Kind",
    "Pair",
    "Pem",
    "User",
    "check_name",
    "check_pem",
    "existing",
    "find_pair",
    "key_folder",
    "print_public",
    "public_line",
]

User = Annotated[str, typer.Argument(help="The user's name on the instances.")]
Directory = Annotated[Path | None, typer.Option(help="Instead of the setting `key-directory`.")]
Kind = Annotated[Literal["ed25519", "ecdsa", "rsa"], typer.Option("--type", help="Type of a new key.")]
Pem = Annotated[bool, typer.Option("--pem", help="Write a new key as PEM, for old tools.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Pair(NamedTuple):
    """What is shown of a key pair; `new` is the public line of the one that will take its place."""

    user: str
    file: str
    algorithm: str
    fingerprint: str
    public: str
    new: str = ""


def check_pem(kind: str, *, pem: bool) -> None:
    """Refuse what no tool could read.

    Raises:
        CommandError: the type has no PEM form.
    """
    if pem and kind == "ed25519":
        raise CommandError("--pem: an Ed25519 key has no PEM form; choose --type rsa or ecdsa", Exit.USAGE)


def key_folder(given: Path | None, settings: Settings) -> Path:
    """The key directory.

    Raises:
        CommandError: it is not there.
    """
    directory = given or settings.key_directory
    if not directory.is_dir():
        name = "--key-directory" if given else "key-directory"
        raise CommandError(f"{name}: {directory} is not a folder", Exit.USAGE)
    return directory


def check_name(user: str, settings: Settings) -> None:
    """A name becomes a folder: only names that a link may carry.

    Raises:
        CommandError: it is another one.
    """
    if not re.fullmatch(settings.v1_username, user) or user in {".", ".."} or "/" in user:
        raise CommandError(
            f"{user!r} is not a user name that links may carry (setting v1-username)", Exit.USAGE
        )


def find_pair(directory: Path, user: str, settings: Settings) -> Pair | None:
    """A user's key; None where there is none.

    Raises:
        CommandError: a file is no key.
    """
    from broker.cli.keypairs import NEW, load

    found = load(directory / user, settings.key_names)
    if found is None:
        return None
    name, key = found
    beside = load(directory / user, tuple(name + NEW for name in settings.key_names))
    return Pair(
        user,
        str(directory / user / name),
        key.get_algorithm(),
        key.get_fingerprint(),
        public_line(key),
        public_line(beside[1]) if beside else "",
    )


def public_line(key: SSHKey) -> str:
    """A line of `authorized_keys`."""
    return key.export_public_key().decode().strip()


def existing(directory: Path, user: str, settings: Settings) -> Pair:
    """A user's key.

    Raises:
        CommandError: there is none.
    """
    pair = find_pair(directory, user, settings)
    if pair is None:
        raise CommandError(f"{user} has no key in {directory}: fanlight keys ensure {user}")
    return pair


def print_public(pair: Pair, *, json: bool, **more: Any) -> None:
    """The public lines; JSON holds more."""
    if json:
        print_json(pair._asdict() | more)
    else:
        print(*filter(None, (pair.public, pair.new)), sep="\n")
