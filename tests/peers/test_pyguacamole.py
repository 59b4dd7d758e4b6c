"""pyguacamole, the client that Django portals use, on our daemon."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from guacamole.client import GuacamoleClient
from guacamole.instruction import GuacamoleInstruction

from proxyd.wire.instruction import encode
from tests.fakes.viewer import Viewer
from tests.servers.processes import wait_for
from tests.servers.proxyd import Proxyd
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

pytestmark = pytest.mark.real

WIDTH, HEIGHT = 640, 480
CORNER = (600, 400)
"""Until a viewer moves the pointer, Xvnc paints it into the picture."""
PASSWORD = "correct; horse 9.battery,staple"
DEADLINE = 20.0
LOOK_EVERY = 0.2
ENTER = 0xFF0D


class Person:
    """Somebody who looks and types through pyguacamole. It blocks: use it in a thread."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.client = GuacamoleClient(*address, timeout=10)
        self.viewer = Viewer()

    def open(self, **arguments: Any) -> None:
        self.client.handshake(width=WIDTH, height=HEIGHT, **arguments)
        self.client.client.settimeout(LOOK_EVERY)

    def watch(self, seen: Callable[[Person], bool], what: str) -> None:
        """Follow the session until something is seen."""
        deadline = time.monotonic() + DEADLINE
        while not seen(self):
            assert time.monotonic() < deadline, f"{what} was not seen"
            with contextlib.suppress(TimeoutError):
                self._frame()

    def _frame(self) -> None:
        """Follow the session to the end of a frame, or until nothing came for a while."""
        opcode = ""
        while opcode != "sync":
            received = self.client.read_instruction()
            opcode = received.opcode
            assert opcode not in {"error", "disconnect"}, received.args
            self.viewer.feed(encode(opcode, *received.args))
            if opcode in {"sync", "nop"}:
                self.send(opcode, *received.args[:1])

    def type(self, text: str) -> None:
        for character in text:
            keysym = ENTER if character == "\n" else ord(character)
            self.send("key", keysym, 1)
            self.send("key", keysym, 0)

    def leave(self) -> None:
        """Disconnect, and read on to the daemon's answer."""
        self.client.client.settimeout(DEADLINE)
        self.send("disconnect")
        while self.client.read_instruction().opcode != "disconnect":
            pass
        self.client.close()

    def send(self, *elements: str | int) -> None:
        self.client.send_instruction(GuacamoleInstruction(*elements))


def text_drawn(person: Person) -> bool:
    """Whether more than a blank page is seen."""
    return bool(person.viewer.syncs) and len(np.unique(person.viewer.canvas.picture())) > 2


def use_shell(address: tuple[str, int], server: Sshd, **credentials: str) -> None:
    """A whole visit to a shell."""
    person = Person(address)
    person.open(protocol="ssh", hostname="127.0.0.1", port=server.port, username=server.user, **credentials)
    assert person.client.connected
    assert person.client.id.startswith("$")
    person.watch(text_drawn, "a prompt")
    effect = server.folder / "typed"
    person.type(f"echo hello >{effect}\n")
    person.watch(lambda _: effect.exists(), "the effect of a command")
    assert effect.read_text() == "hello\n"
    person.leave()
    wait_for(lambda: server.sessions() == 0, "the end of the shell")


async def test_a_key_opens_a_shell() -> None:
    with Sshd() as server:
        async with Proxyd() as daemon:
            await asyncio.to_thread(use_shell, daemon.address, server, private_key=server.private_key)


async def test_a_password_opens_a_shell() -> None:
    with Sshd(password=PASSWORD, methods="password") as server:
        async with Proxyd() as daemon:
            await asyncio.to_thread(use_shell, daemon.address, server, password=PASSWORD)


def use_desktop(address: tuple[str, int], server: Xvnc) -> None:
    """A whole visit to a desktop, by two people."""
    noted = server.typed()
    owner = Person(address)
    owner.open(
        protocol="vnc", hostname="127.0.0.1", port=server.port, password="display", force_lossless="true"
    )
    owner.watch(lambda person: bool(person.viewer.syncs), "a first frame")
    owner.send("mouse", *CORNER, 0)
    owner.watch(lambda person: shows(person, server), "the desktop as it is")

    guest = Person(address)
    guest.open(connectionid=owner.client.id)
    assert guest.client.id == owner.client.id
    guest.watch(lambda person: shows(person, server), "the desktop as it is")

    owner.type("from the owner")
    owner.watch(lambda _: noted.text() == "from the owner", "what the owner typed")
    guest.type(", and a guest")
    guest.watch(lambda _: noted.text() == "from the owner, and a guest", "what the guest typed")
    owner.leave()
    guest.type("!")
    guest.watch(lambda _: noted.text().endswith("!"), "what the guest typed when alone")
    guest.leave()


def shows(person: Person, server: Xvnc) -> bool:
    """Whether the person sees the desktop pixel by pixel; looked at once a frame."""
    return bool(person.viewer.syncs) and np.array_equal(
        person.viewer.canvas.layer(0)[..., :3], server.screenshot()
    )


async def test_a_desktop_is_shared_by_its_connection_id() -> None:
    with Xvnc(WIDTH, HEIGHT, password="display") as server:
        async with Proxyd(workers=2) as daemon:
            await asyncio.to_thread(use_desktop, daemon.address, server)


async def test_an_unknown_connection_id_is_refused() -> None:
    async with Proxyd() as daemon:
        person = Person(daemon.address)
        with pytest.raises(Exception, match="error"):
            await asyncio.to_thread(person.open, connectionid="$00000000-0000-0000-0000-000000000000")
