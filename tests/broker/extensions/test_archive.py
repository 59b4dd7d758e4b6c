"""Bundles are foreign: whatever is wrong with one is one error, and costs little."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.extensions import archive
from broker.extensions.archive import BundleError, check_name, open_files
from broker.extensions.bundle import read_bundle
from tests.broker.extensions.bundles import archive as pack
from tests.broker.extensions.bundles import files, folder

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = files(
    {"html/a.html": '<meta name="after" content=".x"><p style="color:red">a</p>', "t/en.json": '{"A": "a"}', "r.svg": "<svg/>"},
    html=["html/a.html"], translations=["t/en.json"], resources={"r.svg": "image/svg+xml"},
)  # fmt: skip


@pytest.mark.parametrize("make", [folder, pack], ids=["folder", "archive"])
def test_a_file_is_read(tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]) -> None:
    found = open_files(make(tmp_path / "a.jar", {"css/a.css": b"body{}"}))
    assert found.read("css/a.css", 6) == b"body{}"
    with pytest.raises(BundleError, match="more than 5 bytes"):
        found.read("css/a.css", 5)
    with pytest.raises(BundleError, match="is not in the bundle"):
        found.read("css/b.css", 5)


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/.", "a\\b", "C:/a", "a\0b", "a\nb", "a" * 600, "a/", "\u202ea"],
)  # fmt: skip
def test_names_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(BundleError):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "a/b.css", "a b/c.css", "…/é.png", ".hidden", "..a"])
def test_names_of_files(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a\\..\\evil", "./guac-manifest.json"])
def test_one_bad_entry_spoils_the_archive(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="no name of a file"):
        open_files(pack(tmp_path / "a.jar", {"good": b"", name: b""}))


def test_two_entries_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a", "2")
    with pytest.raises(BundleError, match="two entries"):
        open_files(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_entries_that_are_no_files(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("a")
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.jar", "w") as packed:
        packed.writestr(entry, "/etc/passwd")
    with pytest.raises(BundleError, match="neither a file nor a folder"):
        open_files(tmp_path / "a.jar")


def test_a_bomb(tmp_path: Path) -> None:
    found = open_files(pack(tmp_path / "a.jar", {"bomb": bytes(7 << 20)}))
    with pytest.raises(BundleError, match="packed more than"):
        found.read("bomb", 8 << 20)


def test_many_files_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_READ", 150)
    found = open_files(pack(tmp_path / "a.jar", {"a": bytes(100), "b": bytes(100)}))
    found.read("a", 200)
    with pytest.raises(BundleError, match="b has more than 50 bytes"):
        found.read("b", 200)


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 2)
    with pytest.raises(BundleError, match="more than 2 entries"):
        open_files(pack(tmp_path / "a.jar", {"a": b"", "b": b"", "c": b""}))


def test_a_table_of_contents_that_claims_to_be_huge(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.jar", {"a": b""})
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, len(data) - 10, 1 << 30)
    path.write_bytes(data)
    with pytest.raises(BundleError, match="more than"):
        open_files(path)


def test_an_archive_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ARCHIVE", 100)
    with pytest.raises(BundleError, match="more than 100 bytes"):
        open_files(pack(tmp_path / "a.jar", {"a": bytes(200)}))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.jar", "w", method) as packed:
        packed.writestr("a", "1")
    with pytest.raises(BundleError, match="packed in a way"):
        open_files(tmp_path / "a.jar")


def test_an_encrypted_file(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.jar", {"a": b"1"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="encrypted"):
        open_files(path).read("a", 10)


def test_links_in_a_folder_stay_in_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    bundle = folder(tmp_path / "bundle", {"..data/a": b"1"})
    (bundle / "a").symlink_to("..data/a")
    (bundle / "b").symlink_to("../secret")
    (bundle / "c").symlink_to(bundle)
    found = open_files(bundle)
    assert found.read("a", 10) == b"1"
    with pytest.raises(BundleError, match="leads out of the folder"):
        found.read("b", 10)
    with pytest.raises(BundleError, match="is not a file"):
        found.read("c", 10)


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"not a zip", b"PK\5\6" + bytes(18) + b"more"])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jar").write_bytes(data)
    with pytest.raises(BundleError):
        open_files(tmp_path / "a.jar")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file"):
        open_files(tmp_path / "a.jar")


def packed() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in WHOLE.items():
            file.writestr(name, content)
    return buffer.getvalue()


PACKED = packed()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(PACKED)),
)
def test_a_damaged_archive_is_read_or_refused(damage: list[tuple[int, int]], end: int) -> None:
    data = bytearray(PACKED)
    for at, value in damage:
        data[at] = value
    with tempfile.NamedTemporaryFile(suffix=".jar") as file:
        path = Path(file.name)
        path.write_bytes(data[: end or None])
        with contextlib.suppress(BundleError):
            read_bundle(path)
