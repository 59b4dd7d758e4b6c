"""guacamole-lite, the gateway for Node, with our daemon behind it and a page's socket before it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from proxyd.wire.instruction import Instruction, InstructionParser, encode
from tests.fakes.viewer import Viewer
from tests.servers import processes
from tests.servers.proxyd import Proxyd
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
DEADLINE = 20.0
PING_EVERY = 0.5
LOOK_EVERY = 0.2
ENTER = 0xFF0D
CORNER = (600, 400)
"""Until a viewer moves the pointer, Xvnc paints it into the picture."""
SIZE = {"width": 640, "height": 480, "dpi": 96}


@contextlib.contextmanager
def gateway(guacd_port: int, key: str) -> Iterator[int]:
    """A guacamole-lite before a daemon; yields its port."""
    if not (HERE / "node_modules" / "guacamole-lite").is_dir():
        message = "guacamole-lite is not installed: scripts/setup dev"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    process = processes.start("node", str(HERE / "gateway.cjs"), str(guacd_port), key, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, b"")
        yield next(int(line.split()[1]) for line in lines if line.startswith(b"port "))
    finally:
        processes.stop(process)
        process.stdout.close()


def token(key: str, connection: dict[str, object]) -> str:
    """A connection as guacamole-lite's clients encrypt it. It reads the vector as ASCII: no byte above 127."""
    vector = bytes(secrets.randbelow(128) for _ in range(16))
    padder = PKCS7(128).padder()
    padded = padder.update(json.dumps({"connection": connection}).encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key.encode()), modes.CBC(vector)).encryptor()
    value = encryptor.update(padded) + encryptor.finalize()
    parts = {"iv": base64.b64encode(vector).decode(), "value": base64.b64encode(value).decode()}
    return base64.b64encode(json.dumps(parts).encode()).decode()


class Page:
    """What a browser does with the gateway's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.viewer = Viewer()
        self.connection_id = ""
        self.titles: list[str] = []

    async def watch(self, seen: Callable[[], bool]) -> None:
        """Follow the session until something is seen."""
        async with asyncio.timeout(DEADLINE):
            while not seen():
                with contextlib.suppress(TimeoutError):
                    await self._frame()

    async def ping(self) -> None:
        """Tell the gateway that somebody is here; it passes even this on to the daemon."""
        while True:
            await self.send("", "ping", int(time.time() * 1000))
            await asyncio.sleep(PING_EVERY)

    async def type(self, text: str) -> None:
        for character in text:
            keysym = ENTER if character == "\n" else ord(character)
            await self.send("key", keysym, 1)
            await self.send("key", keysym, 0)

    async def send(self, *elements: str | int) -> None:
        await self._socket.send_str(encode(*elements).decode())

    async def _frame(self) -> None:
        """Follow the session to the end of a frame, or until nothing came for a while."""
        opcode = ""
        while opcode != "sync":
            message = await self._socket.receive_str(timeout=LOOK_EVERY)
            for instruction in InstructionParser().feed(message.encode()):
                opcode = instruction.opcode
                await self._follow(instruction)

    async def _follow(self, instruction: Instruction) -> None:
        assert instruction.opcode != "error", instruction.args
        self.viewer.feed(instruction.encode())
        match instruction:
            case Instruction("sync", (timestamp, *_)):
                await self.send("sync", timestamp)
            case Instruction("name", (title,)):
                self.titles.append(title)
            case Instruction("", (identifier,)):
                self.connection_id = identifier


@contextlib.asynccontextmanager
async def page(port: int, key: str, connection: dict[str, object]) -> AsyncIterator[Page]:
    """A page that opened a connection."""
    async with aiohttp.ClientSession() as client:
        address = f"http://127.0.0.1:{port}/"
        async with client.ws_connect(address, params={"token": token(key, connection)}) as socket:
            shown = Page(socket)
            pinging = asyncio.create_task(shown.ping())
            try:
                await shown.watch(lambda: shown.connection_id.startswith("$"))
                yield shown
            finally:
                pinging.cancel()


async def test_a_shell_is_used() -> None:
    key = secrets.token_hex(16)
    with Sshd() as server:
        async with Proxyd() as daemon:
            settings = {
                "hostname": "127.0.0.1",
                "port": server.port,
                "username": server.user,
                "private-key": server.private_key,
                **SIZE,
            }
            with gateway(daemon.address[1], key) as port:
                async with page(port, key, {"type": "ssh", "settings": settings}) as person:
                    await person.watch(lambda: len(np.unique(person.viewer.canvas.picture())) > 2)
                    effect = server.folder / "typed"
                    await person.type(f"printf '\\033]2;Gr\\303\\274\\303\\237e; 1.2\\007' | tee {effect}\n")
                    await person.watch(lambda: effect.exists() and "Gr\u00fc\u00dfe; 1.2" in person.titles)
                processes.wait_for(lambda: server.sessions() == 0, "the end of the shell")


async def test_a_desktop_is_used_and_joined() -> None:
    key = secrets.token_hex(16)
    with Xvnc(SIZE["width"], SIZE["height"], password="display") as server:
        noted = server.typed()
        async with Proxyd(workers=2) as daemon:
            settings = {
                "hostname": "127.0.0.1",
                "port": server.port,
                "password": "display",
                "force-lossless": "true",
                **SIZE,
            }
            with gateway(daemon.address[1], key) as port:
                async with page(port, key, {"type": "vnc", "settings": settings}) as person:
                    await person.watch(lambda: bool(person.viewer.syncs))
                    await person.send("mouse", *CORNER, 0)
                    await person.watch(lambda: shows(person, server))
                    await person.type("typed")
                    await person.watch(lambda: noted.text() == "typed")
                    async with page(port, key, {"join": person.connection_id, "settings": SIZE}) as guest:
                        assert guest.connection_id == person.connection_id
                        await guest.watch(lambda: shows(guest, server))


def shows(person: Page, server: Xvnc) -> bool:
    """Whether the person sees the desktop pixel by pixel."""
    return bool(person.viewer.syncs) and np.array_equal(
        person.viewer.canvas.layer(0)[..., :3], server.screenshot()
    )
