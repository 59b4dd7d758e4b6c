"""`scripts/setup` and the list of packages: what is missing is said in one line."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what setup looks at, and an empty `bin` that is the whole PATH."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts" / "setup")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for packages in ("webapp", "tests/peers"):
        (tmp_path / packages).mkdir(parents=True)
        shutil.copy(ROOT / packages / "package-lock.json", tmp_path / packages)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname", "cat", "cksum", "id", "rm", "find", "sort", "xargs"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def program(clone: Path, name: str, script: str) -> None:
    path = clone / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def setup(clone: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [clone / "scripts" / "setup", *arguments],
        env={"PATH": str(clone / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def python_is_ready(clone: Path) -> None:
    """As if the Python half had been set up before."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (clone / ".venv" / "bin" / "fanlight").touch(mode=0o755)
    inputs = (clone / "pyproject.toml").read_bytes()
    stamp = subprocess.run(["cksum"], input=inputs, capture_output=True, check=True).stdout
    (clone / ".venv" / "setup-dev.stamp").write_bytes(stamp)


def test_without_python_one_line_says_so(clone: Path) -> None:
    code, errors = setup(clone, "run")
    assert code == 1
    assert (
        errors
        == "setup: Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python3\n"
    )


def test_an_old_python_is_not_taken(clone: Path) -> None:
    program(clone, "python3", "exit 1")
    assert "Python 3.11 or newer" in setup(clone, "run")[1]


@pytest.mark.parametrize(
    ("node", "said"),
    [(None, "node is not installed"), ("echo v18.20.4; exit 1", "Node v18.20.4")],
)
def test_without_a_new_enough_node_one_line_says_so(clone: Path, node: str | None, said: str) -> None:
    python_is_ready(clone)
    if node is not None:
        program(clone, "node", node)
        program(clone, "npm", "exit 0")
    code, errors = setup(clone, "run")
    assert code == 1
    assert errors.startswith("setup: ")
    assert errors.count("\n") == 1
    assert said in errors
    assert "20.19" in errors


def test_what_is_there_is_left_alone(clone: Path) -> None:
    python_is_ready(clone)
    program(clone, "node", "exit 0")
    program(
        clone,
        "npm",
        'echo "$2 $3" >>calls; cd "$2"; case $3 in ci) mkdir -p node_modules;; run) mkdir -p dist; echo built > dist/x;; esac',
    )
    (clone / "bin" / "mkdir").symlink_to(shutil.which("mkdir") or "")
    calls = ["webapp ci", "webapp run", "tests/peers ci"]
    assert setup(clone, "dev")[0] == 0
    assert setup(clone, "dev")[0] == 0
    assert (clone / "calls").read_text().splitlines() == calls
    (clone / "webapp" / "page.ts").write_text("new")
    assert setup(clone, "dev")[0] == 0
    assert (clone / "calls").read_text().splitlines() == [*calls, "webapp run"]


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_missing_packages_fail_only_where_they_were_promised(tmp_path: Path, ci: str, code: int) -> None:
    for name in ("packages.py", "packages.txt"):
        shutil.copy(ROOT / "scripts" / name, tmp_path)
    with (tmp_path / "packages.txt").open("a") as table:
        table.write("moon-server  /nonexistent/moon  the tide in tests\n")
    done = subprocess.run(
        [sys.executable, tmp_path / "packages.py"],
        env={"PATH": "/nonexistent", "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "moon-server is missing (the tide in tests)" in done.stderr
    assert "apt-get install" in done.stderr


COMES_WITH = {
    "google-chrome": "chromium",
    "firefox": "firefox-esr",
    "redis-cli": "redis-server",
    "ss": "iproute2",
    "sshd": "openssh-server",
    "tigervncpasswd": "tigervnc-tools",
}
"""Programs that the package of another brings, or that stand in for it."""


def required(path: Path) -> set[str]:
    """The programs that a module of tests names in `require(...)` and `start(...)`."""
    return {
        argument.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr, ast.unparse(node.func.value))
        in {("require", "processes"), ("start", "processes")}
        for argument in (node.args if node.func.attr == "require" else node.args[:1])
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_every_program_that_tests_require_is_in_the_table() -> None:
    rows = [line.split(None, 2) for line in (ROOT / "scripts" / "packages.txt").read_text().splitlines()]
    rows = [row for row in rows if row[0] != "#"]
    assert [row[0] for row in rows] == sorted({row[0] for row in rows})
    known = (
        {row[1] for row in rows}
        | {"node"}
        | {name for name, package in COMES_WITH.items() if package in {row[0] for row in rows}}
    )
    needed = set().union(
        *(required(path) for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)
    )
    assert len(needed) > 20
    assert needed - known == set()


def test_make_lists_its_targets() -> None:
    done = subprocess.run(
        ["make", "help"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    for target in ("setup", "run", "test", "check", "bench", "fmt", "docs", "clean"):
        assert f"make {target}" in done.stdout
