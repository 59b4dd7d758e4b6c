"""A new version on trial: `python -m connector.trial STATE VERSION -- ARGUMENTS`, in the place of the connector that runs.

It starts the new version and waits until that is connected to a broker. If so, the new one is adopted and looked after; if
not within five minutes, it is ended and the old one comes back. The standard library only, and code of the old version.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from connector import versions

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["RETURN_SECONDS", "begin", "main"]

RETURN_SECONDS = 300.0
"""How long a new version may take until it is connected."""
STOP_SECONDS = 15.0
LOOK_EVERY = 0.2
SECONDS_VARIABLE = "FANLIGHT_TRIAL_SECONDS"
"""For tests, which do not wait for five minutes."""


def begin(directory: Path, version: str, words: list[str]) -> NoReturn:
    """Become a trial."""
    trial = [sys.executable, "-P", "-m", "connector.trial", str(directory), version, "--", *words]
    os.execv(sys.executable, trial)  # noqa: S606 - our own interpreter


class Trial:
    """One attempt."""

    def __init__(self, directory: Path, version: str, words: list[str], seconds: float) -> None:
        self._directory = directory
        self._version = version
        self._words = words
        self._seconds = seconds
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Try, and keep the new version running or go back; returns the exit code where there is no going back."""
        status = self._directory / "status.json"
        status.unlink(missing_ok=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        environment = versions.folder(self._directory, self._version)
        words = versions.command(environment, self._words)
        try:
            self._process = subprocess.Popen(words)  # noqa: S603 - our own interpreter
        except OSError as error:
            reason = f"version {self._version} does not begin: {error.strerror}"
        else:
            reason = self._watched(status)
        if self._stopped:
            return self._end()
        if not reason:
            self._note(reason)
            versions.adopt(self._directory, self._version)
            return self._process.wait() if self._process else 1
        self._end()
        self._note(reason)
        versions.forget(self._directory, self._version)
        return self._back()

    def _back(self) -> NoReturn:
        """Become the old version again."""
        words = versions.command(None, self._words)
        os.execv(words[0], words)  # noqa: S606 - our own interpreter

    def _watched(self, status: Path) -> str:
        """Why the new version did not come back; empty if it did."""
        assert self._process is not None
        until = time.monotonic() + self._seconds
        while time.monotonic() < until and not self._stopped:
            code = self._process.poll()
            if code is not None:
                return f"version {self._version} ended at once, with code {code}"
            with contextlib.suppress(OSError, ValueError, AttributeError):
                said = json.loads(status.read_text())
                if said.get("state") == "connected" and said.get("version") == self._version:
                    return ""
            time.sleep(LOOK_EVERY)
        return f"version {self._version} was not connected within {self._seconds:g} seconds"

    def _note(self, error: str) -> None:
        """Keep how it went; see `connector.updates.Memory`."""
        kept = versions.read_memory(self._directory)
        if error:
            more = {"attempts": int(kept.get("attempts", 0)) + 1, "tried": time.time(), "installed": False}
            kept |= {"error": error, **more}
        else:
            kept |= {"error": "", "attempts": 0, "installed": False, "asked": False}
        with contextlib.suppress(OSError):
            versions.write_memory(self._directory, kept)

    def _end(self) -> int:
        if self._process is None:
            return 1
        self._process.terminate()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _stop(self, number: int, _: FrameType | None) -> None:
        """Pass a signal on."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


def main() -> int:
    """Entry point."""
    directory, version, _, *words = sys.argv[1:]
    seconds = float(os.environ.get(SECONDS_VARIABLE, RETURN_SECONDS))
    return Trial(Path(directory), version, words, seconds).run()


if __name__ == "__main__":
    sys.exit(main())
