"""Key pairs: made once, readable by nobody else, usable by the broker."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import asyncssh
import pytest

from broker.cli.keypairs import create
from broker.cli.outcome import Exit
from broker.keys import KeyDirectory

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_ensure_makes_a_pair_that_the_broker_accepts(fanlight, tmp_path: Path) -> None:
    made = fanlight("keys", "ensure", "alice", "--key-directory", tmp_path)
    assert made.code == 0
    private = tmp_path / "alice" / "id_ed25519_guac"
    assert (mode(private.parent), mode(private)) == (0o700, 0o600)
    assert made.output == private.with_suffix(".pub").read_text()
    assert made.output.startswith("ssh-ed25519 ")
    assert made.output.endswith(" alice\n")
    key = KeyDirectory(tmp_path, ["id_ed25519_guac"]).read("alice")
    assert key is not None
    assert asyncssh.import_private_key(key.text).export_public_key().decode() == made.output


def test_ensure_twice_changes_nothing(fanlight, tmp_path: Path) -> None:
    first = fanlight("keys", "ensure", "alice", "--key-directory", tmp_path)
    before = (tmp_path / "alice" / "id_ed25519_guac").read_bytes()
    second = fanlight("keys", "ensure", "alice", "--type", "rsa", "--key-directory", tmp_path)
    assert second.output == first.output
    assert (tmp_path / "alice" / "id_ed25519_guac").read_bytes() == before
    assert len(list((tmp_path / "alice").iterdir())) == 2


def test_many_at_once_make_one_pair(tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=create, args=(tmp_path, "alice", "ed25519"), kwargs={"pem": False})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = {path.name: path for path in (tmp_path / "alice").iterdir()}
    assert set(files) == {"id_ed25519_guac", "id_ed25519_guac.pub"}
    private = asyncssh.import_private_key(files["id_ed25519_guac"].read_bytes())
    assert private.export_public_key() == files["id_ed25519_guac.pub"].read_bytes()


def test_old_tools_get_pem(fanlight, tmp_path: Path) -> None:
    made = fanlight("keys", "ensure", "bob", "--type", "rsa", "--pem", "--key-directory", tmp_path)
    assert made.output.startswith("ssh-rsa ")
    assert (tmp_path / "bob" / "id_rsa_guac").read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
    refused = fanlight("keys", "ensure", "eve", "--pem", "--key-directory", tmp_path)
    assert (refused.code, (tmp_path / "eve").exists()) == (Exit.USAGE, False)


@pytest.mark.parametrize("name", ["../eve", "/etc", "", ".", "..", "a/b", "Eve", "x" * 40, "a\nb"])
def test_names_that_are_not_folders_are_refused(fanlight, tmp_path: Path, name: str) -> None:
    outcome = fanlight("keys", "ensure", "--key-directory", tmp_path / "keys", "--", name)
    assert outcome.code == Exit.USAGE
    (tmp_path / "keys").mkdir()
    outcome = fanlight("keys", "ensure", "--key-directory", tmp_path / "keys", "--", name)
    assert outcome.code == Exit.USAGE
    assert list((tmp_path / "keys").iterdir()) == []
    assert outcome.errors.count("\n") == 1


def test_a_folder_that_is_a_link_is_not_followed(fanlight, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "alice").symlink_to(tmp_path / "elsewhere")
    outcome = fanlight("keys", "ensure", "alice", "--key-directory", tmp_path / "keys")
    assert outcome.code == Exit.FAILED
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_made_by_root_they_belong_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    create(tmp_path, "alice", "ecdsa", pem=False)
    for path in (
        tmp_path / "alice",
        tmp_path / "alice" / "id_ecdsa_guac",
        tmp_path / "alice" / "id_ecdsa_guac.pub",
    ):
        assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


def test_show_and_list_name_the_fingerprint(fanlight, tmp_path: Path) -> None:
    for user in ("bob", "alice"):
        fanlight("keys", "ensure", user, "--key-directory", tmp_path)
    shown = fanlight("keys", "show", "alice", "--json", "--key-directory", tmp_path).json
    assert shown["fingerprint"].startswith("SHA256:")
    listed = fanlight("keys", "list", "--json", "--key-directory", tmp_path).json
    assert [row["user"] for row in listed] == ["alice", "bob"]
    assert shown in listed
    lines = fanlight("keys", "list", "--key-directory", tmp_path).output.splitlines()
    assert shown["fingerprint"] in lines[0]


def test_a_broken_key_is_listed_as_such(fanlight, tmp_path: Path) -> None:
    (tmp_path / "carol").mkdir()
    (tmp_path / "carol" / "id_rsa_guac").write_text("nonsense")
    outcome = fanlight("keys", "list", "--key-directory", tmp_path)
    assert outcome.code == Exit.FAILED
    assert "carol/id_rsa_guac is not a usable private key" in outcome.output


def test_a_user_without_a_key_is_told_how_to_get_one(fanlight, tmp_path: Path) -> None:
    outcome = fanlight("keys", "show", "alice", "--key-directory", tmp_path)
    assert outcome.code == Exit.FAILED
    assert "fanlight keys ensure alice" in outcome.errors


def test_a_key_is_exchanged_in_two_steps(fanlight, tmp_path: Path) -> None:
    """Instances learn the new one while the old one is still used."""
    old = fanlight("keys", "ensure", "alice", "--type", "ecdsa", "--key-directory", tmp_path).output
    assert fanlight("keys", "rotate", "alice", "--finish", "--key-directory", tmp_path).code == Exit.FAILED
    both = fanlight("keys", "rotate", "alice", "--key-directory", tmp_path).output
    assert both.startswith(old)
    new = both.removeprefix(old)
    assert new.startswith("ssh-ed25519 ")
    for _ in range(2):  # as often as one likes, and at every deployment
        assert fanlight("keys", "rotate", "alice", "--key-directory", tmp_path).output == both
        assert fanlight("keys", "ensure", "alice", "--key-directory", tmp_path).output == both
    assert public_of(tmp_path) == old
    done = fanlight("keys", "rotate", "alice", "--finish", "--key-directory", tmp_path)
    assert done.output == new == public_of(tmp_path)
    assert {path.name for path in (tmp_path / "alice").iterdir()} == {
        "id_ed25519_guac",
        "id_ed25519_guac.pub",
    }


def public_of(directory: Path) -> str:
    """The public line of the key that the broker uses."""
    key = KeyDirectory(directory, ["id_ed25519_guac", "id_ecdsa_guac", "id_rsa_guac"]).read("alice")
    assert key is not None
    return asyncssh.import_private_key(key.text).export_public_key().decode()


def test_a_key_of_the_same_type_is_exchanged_too(fanlight, tmp_path: Path) -> None:
    old = fanlight("keys", "ensure", "alice", "--key-directory", tmp_path).output
    fanlight("keys", "rotate", "alice", "--key-directory", tmp_path)
    assert public_of(tmp_path) == old
    new = fanlight("keys", "rotate", "alice", "--finish", "--key-directory", tmp_path).output
    assert public_of(tmp_path) == new != old
    assert mode(tmp_path / "alice" / "id_ed25519_guac") == 0o600


def test_revoked_keys_are_gone_and_their_lines_are_told(fanlight, tmp_path: Path) -> None:
    fanlight("keys", "ensure", "alice", "--key-directory", tmp_path)
    both = fanlight("keys", "rotate", "alice", "--key-directory", tmp_path).output
    assert fanlight("keys", "revoke", "alice", "--key-directory", tmp_path).output == both
    assert list((tmp_path / "alice").iterdir()) == []
    assert fanlight("keys", "revoke", "alice", "--key-directory", tmp_path).code == Exit.FAILED


def test_check_says_what_the_broker_would_refuse(fanlight, tmp_path: Path) -> None:
    for user in ("alice", "bob", "carol"):
        fanlight("keys", "ensure", user, "--key-directory", tmp_path)
    (tmp_path / "bob" / "id_ed25519_guac").chmod(0o644)
    long_ago = 1_000_000_000
    os.utime(tmp_path / "carol" / "id_ed25519_guac", (long_ago, long_ago))
    (tmp_path / "dave").mkdir(mode=0o700)
    outcome = fanlight("keys", "check", "--json", "--key-directory", tmp_path)
    assert outcome.code == Exit.FAILED
    rows = {row["user"]: row for row in outcome.json}
    assert rows["alice"] == {"user": "alice", "file": "id_ed25519_guac", "days": 0, "problem": None}
    assert rows["bob"]["problem"] == "id_ed25519_guac can be read by others"
    assert rows["carol"]["days"] > 5000
    assert rows["dave"]["problem"] == "no key on file"
    assert fanlight("keys", "check", "alice", "carol", "--key-directory", tmp_path).code == 0
    old = fanlight("keys", "check", "carol", "--max-days", "365", "--key-directory", tmp_path)
    assert "fanlight keys rotate carol" in old.output


@pytest.fixture
def gateone(tmp_path: Path) -> Path:
    """GateOne's folder of users."""
    users = tmp_path / "users"

    def person(upn: str, defaults: str | None, **keys: asyncssh.SSHKey) -> Path:
        folder = users / upn / ".ssh"
        folder.mkdir(parents=True)
        if defaults is not None:
            (folder / ".default_ids").write_text(defaults)
        for name, key in keys.items():
            (folder / name).write_bytes(key.export_private_key("pkcs1-pem"))
            (folder / f"{name}.pub").write_bytes(key.export_public_key())
        return folder

    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
    ecdsa = asyncssh.generate_private_key("ecdsa-sha2-nistp521")
    person("joe@company.com", "/var/lib/gateone/users/joe/.ssh/id_rsa_gateone\n", id_rsa_gateone=rsa)
    person("alice", "missing\nsecond\n", second=ecdsa, first=rsa)
    person("nobody-offered", None, first=rsa)
    half = person("half", "first\n", first=rsa)
    (half / "first.pub").unlink()
    locked = person("locked", "first\n", first=rsa)
    (locked / "first").write_bytes(rsa.export_private_key("openssh", passphrase="x"))
    person("bob", "../../../etc/passwd\n")
    return users


def test_users_of_gateone_are_taken_over(fanlight, tmp_path: Path, gateone: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    outcome = fanlight("keys", "import", "--gateone", gateone, "--key-directory", keys, "--json")
    rows = {row["user"]: (row["imported"], row["said"]) for row in outcome.json}
    assert outcome.code == Exit.FAILED
    assert rows == {
        "alice": (True, "second"),
        "bob": (False, "passwd is not there with its public half"),
        "half": (False, "first is not there with its public half"),
        "joe@company.com": (True, "id_rsa_gateone"),
        "locked": (
            False,
            "first is not usable: Passphrase must be specified to import encrypted private keys",
        ),
        "nobody-offered": (None, ".default_ids names no key: GateOne offered none either"),
    }
    directory = KeyDirectory(keys, ["id_ed25519_guac", "id_ecdsa_guac", "id_rsa_guac"])
    for user, name in (("joe@company.com", "id_rsa_guac"), ("alice", "id_ecdsa_guac")):
        key = directory.read(user)
        assert key is not None
        assert key.name == name
    again = fanlight("keys", "import", "--gateone", gateone, "--key-directory", keys, "--json").json
    assert {row["said"] for row in again if row["user"] in {"alice", "joe@company.com"}} == {
        "has a key already"
    }
