"""The wheel: built as the image builds it, installed into a new environment, and complete."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    assert (ROOT / "webapp" / "dist").is_dir(), "run `make setup`: the page is part of the wheel"
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-cache-dir", "--no-deps", "--wheel-dir", folder, ROOT,
        folder=folder,
    )  # fmt: skip
    (built,) = folder.glob("fanlight-*.whl")
    return built


@pytest.mark.real
@pytest.mark.timeout(300)
def test_the_wheel_holds_the_page_and_what_is_drawn_with(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, start in (
        (ROOT / "webapp" / "dist", "broker/webapp/dist"),
        (ROOT / "webapp" / "templates", "broker/webapp/templates"),
    ):
        files = {
            f"{start}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()
        }
        assert files, folder
        assert files <= names
    data = {
        path.relative_to(ROOT).as_posix()
        for package in ("broker", "proxyd")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert data <= names
    assert not [
        name for name in names if name.startswith(("tests/", "docs/", "keys/", "webapp/", "extensions/"))
    ]
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.real
@pytest.mark.timeout(600)
def test_the_wheel_runs_in_a_new_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    python, fanlight = tmp_path / "venv/bin/python", tmp_path / "venv/bin/fanlight"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel, folder=tmp_path)
    assert "fanlight 0." in run(fanlight, "--version", folder=tmp_path)
    for daemon in ("broker", "proxyd"):
        assert "--bind" in run(fanlight, daemon, "--help", folder=tmp_path)
    run(fanlight, "keys", "ensure", "alice", "--key-directory", ".", folder=tmp_path)
    where = run(
        python, "-c", "import broker, proxyd; print(broker.__file__, proxyd.__file__)", folder=tmp_path
    )
    assert str(ROOT) not in where
    licences = run(
        python, "-c",
        "from importlib.metadata import distributions as d\n"
        "print('\\n'.join(f\"{x.metadata['Name']} {x.metadata.get('License-Expression') or x.metadata.get('License')}\" for x in d()))",
        folder=tmp_path,
    )  # fmt: skip
    assert "asyncvnc" not in licences
    assert "AGPL" not in licences
