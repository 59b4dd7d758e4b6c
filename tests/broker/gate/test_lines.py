"""What instances are served for a user: the key, the new one beside it, and nothing that the broker would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh
import pytest
from pydantic import ValidationError

from broker.cli.keypairs import create, promote, remove
from broker.gate.lines import authorized_lines
from broker.keys import NEW, KeyDirectory
from broker.settings import Settings, key_options

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("id_ed25519_guac", "id_ecdsa_guac", "id_rsa_guac")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


def lines(root: Path, user: str = "alice", options: str = "restrict,pty") -> list[str]:
    return authorized_lines(user, KeyDirectory(root, NAMES), options)


def public(root: Path, name: str) -> str:
    return (root / "alice" / f"{name}.pub").read_text().strip()


@pytest.mark.parametrize(("kind", "pem"), [("ed25519", False), ("ecdsa", True), ("rsa", True)])
def test_a_line_is_the_public_half_with_options(root: Path, kind: str, pem: bool) -> None:
    create(root, "alice", kind, pem=pem)
    (line,) = lines(root)
    assert line == f"restrict,pty {public(root, f'id_{kind}_guac')}"
    assert asyncssh.import_authorized_keys(line)


def test_without_options_the_line_begins_with_the_key(root: Path) -> None:
    create(root, "alice", "ed25519", pem=False)
    assert lines(root, options="") == [public(root, "id_ed25519_guac")]


def test_both_keys_while_they_are_exchanged(root: Path) -> None:
    create(root, "alice", "rsa", pem=False)
    create(root, "alice", "ed25519", pem=False, suffix=NEW)
    old, new = lines(root, options="")
    assert (old, new) == (public(root, "id_rsa_guac"), public(root, f"id_ed25519_guac{NEW}"))
    promote(root, "alice", NAMES, f"id_ed25519_guac{NEW}")
    assert lines(root, options="") == [new]
    remove(root, "alice", NAMES)
    assert lines(root) == []


def test_the_private_half_decides(root: Path) -> None:
    """A `.pub` beside it is for people: what somebody wrote into it opens no instance."""
    create(root, "alice", "ed25519", pem=False)
    before = lines(root)
    (root / "alice" / "id_ed25519_guac.pub").write_text("ssh-ed25519 AAAA evil\n")
    assert lines(root) == before


@pytest.mark.parametrize("user", ["nobody", "../alice", "", "al\nice", "alice "])
def test_no_lines_for_names_without_a_key(root: Path, user: str) -> None:
    create(root, "alice", "ed25519", pem=False)
    assert lines(root, user) == []


def test_a_key_that_others_can_read_is_not_served(root: Path) -> None:
    create(root, "alice", "ed25519", pem=False)
    create(root, "alice", "ed25519", pem=False, suffix=NEW)
    (root / "alice" / "id_ed25519_guac").chmod(0o644)
    assert lines(root, options="") == [public(root, f"id_ed25519_guac{NEW}")]


@pytest.mark.parametrize(
    "options",
    [
        "",
        "restrict,pty",
        'from="10.0.0.0/8,!10.1.1.1",restrict',
        'command="echo \\"a b\\" c",no-pty',
        'environment="A=b"',
        'command="back\\slash"',
    ],
)
def test_options_that_sshd_reads(options: str) -> None:
    assert key_options(options) == options
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert asyncssh.import_authorized_keys(f"{options} {key}" if options else key)


@pytest.mark.parametrize(
    "options",
    [
        "restrict pty",
        "restrict,",
        ",",
        "restrict\n",
        'from="10.0.0.0/8\nssh-rsa"',
        'from="open',
        'command="a\\"',
        'from="a"b',
        'from="\x00"',
        "pty," * 300 + "pty",
    ],
)
def test_options_that_would_make_another_line(options: str) -> None:
    with pytest.raises(ValidationError, match=r"restrict,pty,from="):
        Settings(authorized_key_options=options)
