"""Updates of a connector with a clock, a source and an installer of the test's."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from aiohttp import web

from connector import updater as module
from connector.release import FILE, ReleaseError, sign
from connector.settings import Settings
from connector.updater import CHECK_EVERY, HttpFetch, Updater
from connector.updates import RETRY_AFTER
from connector.versions import folder, write_memory

if TYPE_CHECKING:
    from pathlib import Path

SIGNER = asyncssh.generate_private_key("ssh-ed25519")
WHEEL = "fanlight-1.2.0-py3-none-any.whl"
NIGHT = datetime.fromisoformat("2026-01-10T03:10:00+01:00").timestamp()
NOON = datetime.fromisoformat("2026-01-10T12:00:00+01:00").timestamp()


class Case:
    """One connector of version 1.1.0 that is offered 1.2.0."""

    def __init__(self, state: Path, now: float = NIGHT, *, container: bool = False, **settings: Any) -> None:
        self.now = now
        self.state = state
        self.files = {WHEEL: b"program"}
        self.release = sign("1.2.0", self.files, SIGNER)
        self.installed: list[str] = []
        self.failure = ""
        self.fetched: list[str] = []
        key = SIGNER.export_public_key().decode().strip()
        given = {
            "update-keys": key,
            "update-zone": "Europe/Brussels",
            "state-directory": str(state),
            **settings,
        }
        self.updater = Updater(
            Settings.model_validate(given), "1.1.0", container, self, lambda: self.now, self.install
        )

    async def text(self, name: str) -> str:
        self.fetched.append(name)
        return self.release

    async def file(self, name: str, into: Path) -> str:
        self.fetched.append(name)
        await asyncio.to_thread(into.write_bytes, self.files[name])
        return hashlib.sha256(self.files[name]).hexdigest()

    async def install(self, version: str, wheels: Path, into: Path) -> None:
        assert (wheels / WHEEL).read_bytes() == b"program"
        if self.failure:
            raise ReleaseError(self.failure)
        into.mkdir()
        self.installed.append(version)

    @property
    def about(self) -> str:
        return str(self.updater.state["about"])


async def test_it_is_installed_in_the_window_and_begun_in_its_turn(tmp_path: Path) -> None:
    case = Case(tmp_path, NOON)
    await case.updater.step()
    assert case.about == "1.2.0 waits for 03:00-04:00 Europe/Brussels"
    assert not case.installed
    assert case.updater.turn("1.2.0") == "1.2.0 does not wait for a turn here"
    case.now = NIGHT
    await case.updater.step()
    assert case.installed == ["1.2.0"]
    assert (case.about, case.updater.state["ready"]) == ("1.2.0 waits for its turn", True)
    assert case.updater.turn("1.3.0") == "1.3.0 does not wait for a turn here"
    case.now = NOON  # too late for this night
    assert case.updater.turn("1.2.0")
    case.now = NIGHT + 86400
    running = asyncio.create_task(case.updater.run(), name="updates")
    assert case.updater.turn("1.2.0") == ""
    assert await asyncio.wait_for(running, 5) == "1.2.0"
    assert case.installed == ["1.2.0"]


async def test_a_version_that_somebody_removed_is_installed_again(tmp_path: Path) -> None:
    case = Case(tmp_path)
    await case.updater.step()
    folder(tmp_path, "1.2.0").rmdir()
    assert case.updater.turn("1.2.0")
    await case.updater.step()
    assert case.installed == ["1.2.0", "1.2.0"]


async def test_three_attempts_and_then_a_person_is_needed(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.failure = "pip: no space left on device"
    for attempt in (1, 2, 3):
        await case.updater.step()
        await case.updater.step()  # not at once again
        assert json.loads((tmp_path / "update.json").read_text())["attempts"] == attempt
        assert not folder(tmp_path, "1.2.0").exists()
        case.now += RETRY_AFTER
    assert case.about == "1.2.0 failed 3 times, update by hand: pip: no space left on device"
    case.now += 86400
    fetched = len(case.fetched)
    await case.updater.step()
    assert case.fetched[fetched:] == [FILE]  # looked again, tried no more
    case.failure = ""
    write_memory(
        tmp_path, {"version": "", "attempts": 0, "error": "", "tried": 0.0, "installed": False, "asked": True}
    )
    case.now = NOON  # a person asked: no window counts
    await case.updater.step()
    assert case.installed == ["1.2.0"]


async def test_a_container_only_tells(tmp_path: Path) -> None:
    case = Case(tmp_path, container=True)
    await case.updater.step()
    assert case.about == "1.2.0 is available: renew the container"
    assert case.fetched == [FILE]
    assert case.updater.turn("1.2.0")


async def test_what_was_altered_on_the_way_is_not_installed(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.files[WHEEL] = b"another program"
    await case.updater.step()
    assert f"{WHEEL} is not what was signed" in case.about
    assert not case.installed
    case = Case(tmp_path / "two")
    case.state.mkdir()
    case.release = sign("1.2.0", case.files, asyncssh.generate_private_key("ssh-ed25519"))
    await case.updater.step()
    assert (case.about, case.fetched) == ("", [FILE])


async def test_it_looks_twice_an_hour(tmp_path: Path) -> None:
    case = Case(tmp_path, NOON)
    for _ in range(3):
        await case.updater.step()
    assert case.fetched == [FILE]
    case.now += CHECK_EVERY
    await case.updater.step()
    assert case.fetched == [FILE, FILE]


async def test_it_looks_again_though_the_clock_was_set_back(tmp_path: Path) -> None:
    case = Case(tmp_path, NOON)
    await case.updater.step()
    case.now -= 30 * 86400
    await case.updater.step()
    assert case.fetched == [FILE, FILE]


async def test_what_goes_wrong_with_updates_does_not_end_the_connector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP_EVERY", 0.01)
    failures = [OSError(28, "No space left on device"), RuntimeError("nobody foresaw it")]
    case = Case(tmp_path)

    def full(*_: Any) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(module.versions, "write_memory", full)
    running = asyncio.create_task(case.updater.run(), name="updates")
    try:
        async with asyncio.timeout(10):
            while failures:
                await asyncio.sleep(0.01)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_nobody_may_sign_by_default(tmp_path: Path) -> None:
    assert not Case(tmp_path, **{"update-keys": ""}).updater.enabled
    assert Case(tmp_path).updater.enabled


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("update-keys", "ssh-rsa AAAA"),
        ("update-window", "03:00"),
        ("update-zone", "Mars/Base"),
        ("update-from", "ftp://x"),
    ],
)
def test_wrong_settings(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=name):
        Case(tmp_path, **{name: value})


async def test_files_come_over_http_and_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.match_info["name"] == "none.whl":
            raise web.HTTPNotFound
        return web.Response(body=b"x" * 1000)

    app = web.Application()
    app.router.add_get("/releases/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        base = f"http://127.0.0.1:{runner.addresses[0][1]}/releases"
        fetch = HttpFetch(lambda: base, None)
        assert await fetch.text(FILE) == "x" * 1000
        assert await fetch.file("a.whl", tmp_path / "a") == hashlib.sha256(b"x" * 1000).hexdigest()
        with pytest.raises(ReleaseError, match=r"none\.whl answered 404"):
            await fetch.file("none.whl", tmp_path / "b")
        monkeypatch.setattr("connector.updater.MAX_WHEEL", 999)
        with pytest.raises(ReleaseError, match="longer than 999 bytes"):
            await fetch.file("a.whl", tmp_path / "c")
    finally:
        await runner.cleanup()
    with pytest.raises(ReleaseError, match="cannot be reached"):
        await fetch.text(FILE)
    with pytest.raises(ReleaseError, match="update-from is not set"):
        await HttpFetch(lambda: "", None).text(FILE)
