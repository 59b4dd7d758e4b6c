"""A user's key on file: what is read, and everything that is not."""

from __future__ import annotations

import functools
import grp
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from broker.keys import KeyDirectory, KeyRefusedError

NAMES = ("id_ed25519_guac", "id_ecdsa_guac", "id_rsa_guac")
PEM, SSH, PKCS8 = (
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.PrivateFormat.OpenSSH,
    serialization.PrivateFormat.PKCS8,
)
ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA_2048 = rsa.generate_private_key(65537, 2048)


@functools.cache  # OpenSSH's container holds random numbers
def text_of(key: object, form: serialization.PrivateFormat = SSH, password: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)  # type: ignore[attr-defined]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    (folder / "alice").mkdir(mode=0o700)
    return folder


def put(root: Path, data: bytes, name: str = NAMES[0], user: str = "alice", mode: int = 0o600) -> Path:
    file = root / user / name
    file.write_bytes(data)
    file.chmod(mode)
    return file


def read(root: Path, user: str = "alice", group: str = "") -> str | None:
    key = KeyDirectory(root, NAMES, group).read(user)
    return key and key.text


def refusal(root: Path, user: str = "alice", group: str = "") -> str:
    with pytest.raises(KeyRefusedError) as caught:
        read(root, user, group)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (ED25519, SSH),
        (ED25519, PKCS8),
        (RSA_2048, PEM),
        (RSA_2048, SSH),
        (RSA_2048, PKCS8),
        (ec.generate_private_key(ec.SECP256R1()), SSH),
        (ec.generate_private_key(ec.SECP384R1()), PEM),
        (ec.generate_private_key(ec.SECP521R1()), PKCS8),
    ],
)
def test_accepted_kinds_and_containers(root: Path, key: object, form: serialization.PrivateFormat) -> None:
    put(root, text_of(key, form))
    assert read(root) == text_of(key, form).decode()


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b" \n\n\t"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_text_is_normalised_and_never_cut(root: Path, ending: bytes, line_end: bytes) -> None:
    text = text_of(ED25519).strip()
    put(root, b"\n" + text.replace(b"\n", line_end) + ending)
    assert read(root) == text.decode() + "\n"


def test_the_first_name_that_is_there_counts(root: Path) -> None:
    put(root, text_of(RSA_2048), "id_rsa_guac")
    assert read(root) == text_of(RSA_2048).decode()
    put(root, text_of(ED25519), "id_ed25519_guac")
    assert read(root) == text_of(ED25519).decode()


def test_nothing_on_file_is_no_refusal(root: Path) -> None:
    assert read(root) is None
    assert read(root, "bob") is None


def test_a_certificate_beside_it_comes_along(root: Path) -> None:
    put(root, text_of(ED25519))
    put(root, b"ssh-ed25519-cert-v01@openssh.com AAAA alice\n", "id_ed25519_guac-cert.pub", mode=0o644)
    key = KeyDirectory(root, NAMES).read("alice")
    assert key is not None
    assert key.certificate == "ssh-ed25519-cert-v01@openssh.com AAAA alice"


def test_a_short_rsa_key_is_called_weak(root: Path) -> None:
    put(root, text_of(rsa.generate_private_key(65537, 1024)))
    key = KeyDirectory(root, NAMES).read("alice")
    assert key is not None
    assert key.weak


def test_it_is_not_shown(root: Path) -> None:
    put(root, text_of(ED25519))
    assert "PRIVATE" not in repr(KeyDirectory(root, NAMES).read("alice"))


# -- what is refused -------------------------------------------------------------------------------------------------

BAD_NAMES = [
    "", ".", "..", "../alice", "../../etc", "/etc", "alice/", "alice/..", "alice/../bob", "./alice", "a//b",
    "..\\alice", "a\\b", "alice\0", "\0", "alice\n", " alice", "alice ", "a" * 256, "\ud800", "\u202ealice", "\x7f",
]  # fmt: skip


@pytest.mark.parametrize("user", BAD_NAMES, ids=repr)
def test_names_that_are_no_folder(root: Path, user: str) -> None:
    put(root, text_of(ED25519))
    assert "user name" in refusal(root, user)


@given(st.text(max_size=40))
def test_no_name_opens_anything_outside(user: str) -> None:
    """Whatever the name: either one folder of that very name is looked for, or it is refused."""
    folder = Path("/nonexistent/keys")
    with pytest.raises(KeyRefusedError):
        KeyDirectory(folder, NAMES).read(user)


def test_a_folder_that_is_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    put(tmp_path, text_of(ED25519), user="elsewhere")
    (root / "mallory").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in refusal(root, "mallory")
    (root / "eve").symlink_to(root / "alice")
    assert "symbolic link" in refusal(root, "eve")


def test_a_key_that_is_a_link(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.write_bytes(text_of(ED25519))
    target.chmod(0o600)
    (root / "alice" / NAMES[0]).symlink_to(target)
    assert "symbolic link" in refusal(root)


def test_a_dangling_link_is_refused_too(root: Path) -> None:
    (root / "alice" / NAMES[0]).symlink_to("/nonexistent")
    assert "symbolic link" in refusal(root)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660, 0o666, 0o700, 0o601, 0o4600])
def test_a_key_that_others_can_read(root: Path, mode: int) -> None:
    put(root, text_of(ED25519), mode=mode)
    assert "by others" in refusal(root)


def test_a_named_group_may_read(root: Path) -> None:
    file = put(root, text_of(ED25519), mode=0o640)
    name = grp.getgrgid(file.stat().st_gid).gr_name
    assert read(root, group=name) == text_of(ED25519).decode()
    file.chmod(0o660)
    assert "written by others" in refusal(root, group=name)
    file.chmod(0o640)
    assert "is not a group" in refusal(root, group="no-such-group")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_folders_that_others_can_write(root: Path, mode: int) -> None:
    put(root, text_of(ED25519))
    (root / "alice").chmod(mode)
    assert "written by others" in refusal(root)
    (root / "alice").chmod(0o700)
    root.chmod(mode)
    assert "written by others" in refusal(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_key_of_somebody_else(root: Path) -> None:
    os.chown(put(root, text_of(ED25519)), 12345, 12345)
    assert "belongs to another user" in refusal(root)


def test_what_is_not_a_regular_file(root: Path) -> None:
    os.mkfifo(root / "alice" / NAMES[0], 0o600)
    assert "not a regular file" in refusal(root)
    (root / "alice" / NAMES[0]).unlink()
    (root / "alice" / NAMES[0]).mkdir(0o700)
    assert "not a regular file" in refusal(root)


def test_a_folder_that_is_a_file(root: Path) -> None:
    (root / "bob").write_text("x")
    assert "cannot be opened" in refusal(root, "bob")


@pytest.mark.parametrize("data", [b"", b"x" * 65537])
def test_sizes(root: Path, data: bytes) -> None:
    put(root, data)
    assert "empty or larger" in refusal(root)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe", "not ASCII"),
        (b"hello", "cannot be parsed"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "cannot be parsed"),
        (text_of(ED25519, SSH, b"secret"), "passphrase"),
        (text_of(RSA_2048, PEM, b"secret"), "passphrase"),
        (text_of(dsa.generate_private_key(1024), PEM), "not accepted"),
        (text_of(ec.generate_private_key(ec.SECP256K1()), PEM), "not accepted"),
        (text_of(ED25519)[:-60], "cannot be parsed"),
    ],
    ids=["binary", "text", "broken", "encrypted", "encrypted-pem", "dsa", "odd-curve", "cut"],
)
def test_what_is_no_key(root: Path, data: bytes, reason: str) -> None:
    put(root, data)
    said = refusal(root)
    assert reason in said
    assert "BEGIN" not in said


def test_no_directory_at_all(tmp_path: Path) -> None:
    assert "not there" in refusal(tmp_path / "none")
