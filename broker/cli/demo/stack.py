"""What a demo consists of: instance, proxyd, broker; started in this order, stopped in the other."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol, Self

import asyncssh

from broker.cli.daemons import command_of
from broker.cli.demo.drawn.server import DrawnDesktop
from broker.cli.demo.ports import free_port
from broker.cli.demo.processes import Program
from broker.cli.demo.shell import ShellServer
from broker.cli.demo.state import USER
from broker.cli.demo.xvnc import XvncDesktop
from broker.cli.portal import Request, client_url, redeem, v1_form

if TYPE_CHECKING:
    from pathlib import Path

    from broker.cli.demo.state import State
    from broker.cli.outcome import CommandError

__all__ = ["Stack"]

PROXYD_PORT = 4822
"""Taken where it is free; any other port does as well."""


class _Watched(Protocol):
    """A part that runs until it is stopped."""

    async def ended(self) -> CommandError:
        """Wait until it ends by itself, and say why that is wrong."""

    async def stop(self) -> None:
        """End it."""


class Stack:
    """A running demo; leaving it stops every part.

    Attributes:
        base_url: where the broker answers.
        desktop_name: what the desktop is.
    """

    def __init__(self, state: State, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/guacamole"
        self.desktop_name = "drawn by Fanlight"
        self._state = state
        self._port = port
        self._ports: dict[str, int] = {}
        self._parts: list[_Watched] = []
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def link(self, protocol: str) -> str:
        """Mint a fresh link, as a portal would.

        Raises:
            CommandError: the broker does not give a token.
        """
        password = self._state.vnc_password if protocol == "vnc" else ""
        files = {"enable-sftp": "true", "sftp-username": USER, "sftp-directory": f"/home/{USER}"}
        request = Request(
            protocol, "127.0.0.1", self._ports[protocol], USER, password, files if protocol == "ssh" else {}
        )
        token = await redeem(self.base_url, v1_form(request, self._state.secret))
        return client_url(self.base_url, request.connection_id, token)

    async def failure(self) -> CommandError:
        """Wait until a part ends by itself."""
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(part.ended(), name="demo watch") for part in self._parts]
            done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
        return done.pop().result()

    async def _start(self) -> None:
        """Bring everything up; what takes long comes up side by side."""
        state = self._state
        key = asyncssh.generate_private_key("ssh-ed25519", comment=USER)
        state.write_key(key)
        shell = ShellServer(USER, key)
        self._exit.push_async_callback(shell.stop)
        proxyd_port = free_port(PROXYD_PORT)
        self._ports = {"ssh": await shell.start(), "vnc": free_port()}
        config = state.write_settings(
            port=self._port, proxyd_port=proxyd_port, ssh_port=self._ports["ssh"], vnc_port=self._ports["vnc"]
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._start_desktop(self._ports["vnc"]), name="start desktop")
                tasks.create_task(self._start_daemon("proxyd", config, proxyd_port), name="start proxyd")
                tasks.create_task(self._start_daemon("broker", config, self._port), name="start broker")
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _start_daemon(self, module: str, config: Path, port: int) -> None:
        command = command_of(module, "--config", str(config))
        program = await Program.start(module, command, self._state.folder / f"{module}.log")
        self._watch(program)
        await program.listening(port)

    async def _start_desktop(self, port: int) -> None:
        if XvncDesktop.available():
            self.desktop_name = "Xvnc"
            xvnc = XvncDesktop(self._state.folder, self._state.vnc_password)
            self._watch(xvnc)
            await xvnc.start(port)
        else:
            drawn = DrawnDesktop(self._state.vnc_password)
            self._exit.push_async_callback(drawn.stop)
            await drawn.start(port)

    def _watch(self, part: _Watched) -> None:
        self._parts.append(part)
        self._exit.push_async_callback(part.stop)
