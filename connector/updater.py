"""Updates of a connector: look what is offered, put it beside what runs, and restart into it when the broker says so.

The release is trusted for its signature, whoever serves it: a broker chooses the moment within the window, never the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import getproxies, proxy_bypass

import aiohttp
import structlog

from connector import release, versions
from connector.dialing import DialError, trusting
from connector.reasons import reason, without_credentials
from connector.release import ReleaseError
from connector.updates import Memory, Plan, plan, told

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from connector.release import Release
    from connector.settings import Settings

__all__ = ["Fetch", "HttpFetch", "Updater", "install"]

CHECK_EVERY = 1800.0
"""Seconds between two looks at what is offered."""
STEP_EVERY = 20.0
FETCH_TIMEOUT = 600.0
INSTALL_TIMEOUT = 900.0
MAX_WHEEL = 300_000_000
READ_SIZE = 1 << 18
ANSWERED_AFTER = 0.5
"""Seconds in which the answer to the broker gets away before the connection ends."""


class Fetch(Protocol):
    """Where releases come from."""

    async def text(self, name: str) -> str:
        """A small file; raises ReleaseError."""

    async def file(self, name: str, into: Path) -> str:
        """Download a file; returns its SHA-256. Raises ReleaseError, OSError."""


class HttpFetch:
    """Over HTTP(S), through the proxy that the environment names."""

    def __init__(self, base: Callable[[], str], authority: Path | None) -> None:
        """Describe it.

        Args:
            base: the folder's URL, without a slash at its end; empty while nobody knows.
            authority: see `dial`.
        """
        self._base = base
        self._authority = authority

    async def text(self, name: str) -> str:
        """See `Fetch`."""
        data = bytearray()
        async with contextlib.aclosing(self._pieces(name, release.MAX_TEXT)) as pieces:
            async for piece in pieces:
                data += piece
        return data.decode("utf-8", "replace")

    async def file(self, name: str, into: Path) -> str:
        """See `Fetch`."""
        digest = hashlib.sha256()
        with into.open("wb") as opened:
            async with contextlib.aclosing(self._pieces(name, MAX_WHEEL)) as pieces:
                async for piece in pieces:
                    digest.update(piece)
                    await asyncio.to_thread(opened.write, piece)
        return digest.hexdigest()

    async def _pieces(self, name: str, most: int) -> AsyncGenerator[bytes, None]:
        base = self._base()
        if not base:
            raise ReleaseError("update-from is not set, and no endpoint serves releases")
        scheme, _, rest = base.partition("://")
        host = rest.partition("/")[0].rpartition("@")[2].partition(":")[0]
        shown = without_credentials(base)
        proxy = None if proxy_bypass(host) else getproxies().get(scheme)
        got = 0
        try:
            context = trusting(self._authority)
            timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT, connect=15, sock_read=60)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{base}/{name}", proxy=proxy, ssl=context, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise ReleaseError(f"{shown}/{name} answered {answer.status}")
                async for piece in answer.content.iter_chunked(READ_SIZE):
                    got += len(piece)
                    if got > most:
                        raise ReleaseError(f"{name} is longer than {most} bytes")
                    yield piece
        except DialError as error:
            raise ReleaseError(str(error)) from None
        except TimeoutError:
            raise ReleaseError(f"{shown} did not answer in time") from None
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise ReleaseError(f"{shown} cannot be reached: {reason(error)}") from None


async def install(version: str, wheels: Path, into: Path) -> None:
    """Make a virtual environment of wheels, and of nothing else.

    Raises:
        ReleaseError: it cannot be done.
    """
    await _run(sys.executable, "-P", "-m", "venv", "--clear", str(into))
    python = str(into / "bin" / "python")
    pip = ("-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-index")
    await _run(python, *pip, "--only-binary", ":all:", "--find-links", str(wheels), f"fanlight=={version}")
    await _run(python, "-P", "-c", "import connector")


async def _run(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(INSTALL_TIMEOUT):
            output, _ = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode:
        last = output.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ReleaseError(f"{Path(words[0]).name} {words[3]}: {last[:200]}")


class Updater:
    """One connector's updates."""

    def __init__(
        self,
        settings: Settings,
        running: str,
        container: bool,
        fetch: Fetch,
        clock: Callable[[], float],
        installer: Callable[[str, Path, Path], Awaitable[None]] = install,
    ) -> None:
        """Prepare.

        Args:
            settings: keys, window and state directory.
            running: the version that runs.
            container: whether it runs in one.
            fetch: where releases come from.
            clock: Unix seconds.
            installer: puts a version of wheels in a folder into another folder.
        """
        self._settings = settings
        self._running = running
        self._container = container
        self._fetch = fetch
        self._clock = clock
        self._install = installer
        self._release: Release | None = None
        self._looked = float("-inf")
        self._plan = Plan.NONE
        self._turn = asyncio.Event()
        self._log = structlog.get_logger("connector")

    @property
    def enabled(self) -> bool:
        """Whether anybody may sign releases."""
        return bool(self._settings.update_keys)

    @property
    def state(self) -> dict[str, Any]:
        """For the word `hello`: what is offered, in words, and whether it waits for a turn."""
        offered = self._release.version if self._release else ""
        settings = self._settings
        return {
            "version": offered if self._plan is not Plan.NONE else "",
            "ready": self._plan is Plan.READY,
            "about": told(
                self._plan, self._memory(offered), f"{settings.update_window} {settings.update_zone}"
            ),
        }

    def turn(self, version: str) -> str:
        """The broker says that it is this connector's turn; returns why it is not, or nothing."""
        self._decide()
        if self._plan is not Plan.READY or self._release is None or self._release.version != version:
            return f"{version[:40]} does not wait for a turn here"
        asyncio.get_running_loop().call_later(ANSWERED_AFTER, self._turn.set)
        return ""

    async def run(self) -> str:
        """Look and install until there is a version to restart into; returns it."""
        while True:
            await self._careful_step()
            try:
                async with asyncio.timeout(STEP_EVERY):
                    await self._turn.wait()
            except TimeoutError:
                continue
            assert self._release is not None
            self._log.warning("update begins", version=self._release.version, running=self._running)
            return self._release.version

    async def _careful_step(self) -> None:
        """A step whose failure does not end the connector that would be updated: a full disk, say."""
        try:
            await self.step()
        except OSError as error:
            self._log.error("updates cannot be looked after", reason=error.strerror or str(error))
        except Exception:  # noqa: BLE001 - logged with its stack
            self._log.exception("updates cannot be looked after")

    async def step(self) -> None:
        """Do what is to be done now."""
        if abs(self._clock() - self._looked) >= CHECK_EVERY or self._memory("").asked:
            await self._look()
        before = self._plan
        self._decide()
        if self._plan is Plan.INSTALL:
            await self._attempt()
            self._decide()
        if self._plan is not before and self._plan is not Plan.NONE:
            say = self._log.error if self._plan is Plan.GIVEN_UP else self._log.info
            say("update", state=str(self._plan), about=self.state["about"])

    async def _look(self) -> None:
        self._looked = self._clock()
        try:
            self._release = release.read(await self._fetch.text(release.FILE), self._settings.update_keys)
        except ReleaseError as error:
            self._log.info("no update was found", reason=str(error))

    def _decide(self) -> None:
        offered = self._release.version if self._release else ""
        now = self._clock()
        self._plan = plan(
            running=self._running,
            offered=offered,
            memory=self._memory(offered),
            now=now,
            open_now=self._settings.update_window.holds(now, self._settings.update_zone),
            container=self._container,
        )

    async def _attempt(self) -> None:
        """Download and install; a failure is remembered."""
        assert self._release is not None
        version, directory = self._release.version, self._settings.state_directory
        memory = self._memory(version)
        try:
            with tempfile.TemporaryDirectory(prefix=".wheels-", dir=directory) as wheels:
                for name, digest in self._release.wheels.items():
                    if await self._fetch.file(name, Path(wheels, name)) != digest:
                        raise ReleaseError(f"{name} is not what was signed")
                into = versions.folder(directory, version)
                into.parent.mkdir(mode=0o700, exist_ok=True)
                await asyncio.to_thread(versions.tidy, directory, self._running)
                await self._install(version, Path(wheels), into)
            memory = replace(memory, installed=True)
        except (ReleaseError, OSError, TimeoutError) as error:
            await asyncio.to_thread(versions.forget, directory, version)
            reason = str(error) or "it took too long"
            memory = memory.failed(reason, self._clock())
            self._log.error("update failed", version=version, attempt=memory.attempts, reason=reason)
        versions.write_memory(directory, asdict(memory))

    def _memory(self, version: str) -> Memory:
        directory = self._settings.state_directory
        memory = Memory.read(versions.read_memory(directory))
        if not version:
            return memory
        memory = memory.about(version)
        there = versions.folder(directory, version).exists()  # somebody may have tidied up
        return replace(memory, installed=memory.installed and there)
