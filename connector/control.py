"""The words that a broker may say to a connector, and their answers; there are no others.

`hello`, `test HOST PORT`, `update VERSION`, `tail LINES`. Answers are JSON objects; one with `error` is a refusal.
"""

from __future__ import annotations

import hashlib
import platform
import secrets
import socket
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from connector import log
from connector.state import installed_as

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connector.inside import Inside
    from connector.keyfile import ConnectorKey
    from connector.serving import Counts
    from connector.settings import Settings
    from connector.updater import Updater

__all__ = ["Control"]

MAX_TAIL = 200
MAX_TAIL_LENGTH = 24_000
"""Lines of the log that are told, and characters in all of them."""


class Control:
    """Answers the words."""

    def __init__(
        self,
        settings: Settings,
        key: ConnectorKey,
        inside: Inside,
        counts: Counts,
        machine: str,
        updater: Updater,
    ) -> None:
        self._settings = settings
        self._key = key
        self._inside = inside
        self._counts = counts
        self._machine = machine
        self._updater = updater
        self._started = time.time()
        self._process = secrets.token_hex(8)
        self._words: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "hello": self._hello,
            "test": self._test,
            "update": self._update,
            "tail": self._tail,
        }

    async def answer(self, text: str) -> dict[str, Any]:
        """The answer to a word and its arguments, blanks between them."""
        name, *arguments = text.split() or [""]
        word = self._words.get(name)
        if word is None:
            return {"error": "the connector knows hello, test, update and tail"}
        try:
            return await word(*arguments)
        except (TypeError, ValueError):  # other arguments than the word has
            return {"error": f"{name} was said with other arguments than it has"}

    async def _hello(self) -> dict[str, Any]:
        return {
            "version": version("fanlight"),
            "host": socket.gethostname(),
            "system": f"{platform.system()} {platform.release()}",
            "machine": self._machine,
            "process": self._process,
            "network": self._key.network,
            "generation": self._key.generation,
            "standby": self._settings.standby,
            "forced": self._settings.force,
            "beside": _short(str(self._settings.state_directory)) if self._settings.force else "",
            "installed": installed_as(self._settings.installed_as),
            "update": self._updater.state,
            "targets": [str(entry) for entry in self._settings.allowed_targets][:100],
            "gate": self._settings.offer_gate,
            "streams": self._counts.open,
            "opened": self._counts.opened,
            "denied": self._counts.denied,
            "started": self._started,
            "clock": time.time(),
        }

    async def _test(self, host: str, port: str) -> dict[str, Any]:
        number = int(port)
        if not 1 <= number <= 65535:
            raise ValueError
        return {"stages": await self._inside.stages(host, number)}

    async def _update(self, offered: str) -> dict[str, Any]:
        """It is this connector's turn to restart into a version that is installed and was signed; nothing else is done."""
        refusal = self._updater.turn(offered)
        return {"error": refusal} if refusal else {"begins": offered}

    async def _tail(self, lines: str = "50") -> dict[str, Any]:
        kept: list[str] = []
        for line in reversed(log.tail(self._settings.log_path, min(max(int(lines), 1), MAX_TAIL))):
            if sum(map(len, kept)) + len(line) > MAX_TAIL_LENGTH:
                break
            kept.append(line)
        return {"lines": kept[::-1]}


def _short(text: str) -> str:
    """Tells several on one host apart, and nothing else."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
