"""Which files are whose recordings, on a folder with everything in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.recordings import MAX_FILES, Recordings
from broker.records import Record

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "0f0e0d0c-0b0a-4908-8706-050403020100"
GUACD, CAST = b"4.sync,1.0;", b'{"version": 2}'


def record(proxyd: str = f"${SESSION}", source: str = "hmac") -> Record:
    return Record(
        "tunnel", "hash", "alice", source, "abc", "dev", "ssh", "10.0.0.1", "192.0.2.1", proxyd, 1.0
    )


def kinds(folder: Path, of: Record) -> dict[str, str]:
    return {name: kind for name, (kind, _) in Recordings(str(folder)).of(of).items()}


def test_files_named_after_the_session_are_its_recordings(tmp_path: Path) -> None:
    for name, data in {
        SESSION: GUACD,
        f"{SESSION}.cast": CAST,
        "other": GUACD,
        f"{SESSION}.txt": CAST,
    }.items():
        (tmp_path / name).write_bytes(data)
    assert kinds(tmp_path, record()) == {
        SESSION: "GUACAMOLE_SESSION_RECORDING",
        f"{SESSION}.cast": "ASCIICAST",
    }


def test_a_folder_of_that_name_holds_them_too(tmp_path: Path) -> None:
    (tmp_path / SESSION).mkdir()
    (tmp_path / SESSION / "recording").write_bytes(GUACD)
    (tmp_path / SESSION / "empty").touch()
    (tmp_path / SESSION / "notes").write_bytes(b"hello")
    (tmp_path / SESSION / "deeper").mkdir()
    assert kinds(tmp_path, record()) == {"recording": "GUACAMOLE_SESSION_RECORDING"}
    for number in range(2 * MAX_FILES):
        (tmp_path / SESSION / f"a{number:03}").write_bytes(CAST)
    assert len(kinds(tmp_path, record())) == MAX_FILES


def test_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CAST)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "f").write_bytes(CAST)
    (tmp_path / f"{SESSION}.cast").symlink_to(tmp_path / "secret")
    (tmp_path / SESSION).symlink_to(tmp_path / "elsewhere")
    assert kinds(tmp_path, record()) == {}


@pytest.mark.parametrize("proxyd", ["", "$", "../secret", "$../secret", SESSION.upper(), f"${SESSION}/.."])
def test_only_uuids_name_files(tmp_path: Path, proxyd: str) -> None:
    (tmp_path / "secret").write_bytes(CAST)
    assert kinds(tmp_path, record(proxyd)) == {}


def test_guests_play_nothing_and_without_a_folder_nobody_does(tmp_path: Path) -> None:
    (tmp_path / SESSION).write_bytes(GUACD)
    assert kinds(tmp_path, record(source="hmac-shared")) == {}
    assert Recordings("").of(record()) == {}
    assert not Recordings("").offered
