"""Debian's Firefox, driven by WebDriver BiDi: a WebSocket and JSON (www.w3.org/TR/webdriver-bidi), nothing in between."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Firefox", "firefox"]

START_SECONDS = 60.0
_ADDRESS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """One window."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self.context = ""

    async def call(self, method: str, **params: Any) -> Any:
        """Do a command; returns its result."""
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        while (answer := await self._socket.receive_json()).get("id") != self._last:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    async def open(self, address: str) -> None:
        """Go somewhere, and wait until it is loaded."""
        await self.call("browsingContext.navigate", context=self.context, url=address, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression of plain values."""
        target = {"context": self.context}
        answer = await self.call(
            "script.evaluate", expression=expression, target=target, awaitPromise=True, userActivation=True
        )
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    async def type(self, text: str) -> None:
        """Press keys as a person does."""
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": keys}]
        await self.call("input.performActions", context=self.context, actions=actions)

    async def picture(self) -> Image.Image:
        """What the window shows."""
        shot = await self.call("browsingContext.captureScreenshot", context=self.context)
        return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")


@asynccontextmanager
async def firefox(path: str, width: int, height: int) -> AsyncIterator[Firefox]:
    """Run Firefox with a profile of its own; at the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="fanlight-firefox-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={"HOME": profile, "MOZ_CRASHREPORTER_DISABLE": "1"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_SECONDS):
                address = await _address(process)
            reading = asyncio.create_task(_drain(process), name="what Firefox says")
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(f"{address}/session", max_msg_size=0) as socket,
            ):
                browser = Firefox(socket)
                await browser.call("session.new", capabilities={})
                tree = await browser.call("browsingContext.getTree")
                browser.context = tree["contexts"][0]["context"]
                viewport = {"width": width, "height": height}
                await browser.call("browsingContext.setViewport", context=browser.context, viewport=viewport)
                yield browser
            reading.cancel()
        finally:
            process.terminate()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if (found := _ADDRESS.search(line)) is not None:
            return found[1].decode()
    raise AssertionError("Firefox ended before it listened")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.readline():
        pass
