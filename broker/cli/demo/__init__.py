"""`fanlight demo`: broker, proxyd and an instance on this machine, and two links to try them with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.outcome import CommandError, Exit, paint, print_json

if TYPE_CHECKING:
    from broker.cli.demo.stack import Stack
    from broker.cli.demo.state import State

__all__ = ["demo"]

DEFAULT_PORT = 8080
_RULE = "─" * 78


def demo(
    port: Annotated[
        int, typer.Option(help="Port of the broker on 127.0.0.1.", min=1, max=65535)
    ] = DEFAULT_PORT,
    state: Annotated[
        Path | None, typer.Option(help="Folder for keys, settings and logs; emptied at every start.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the links as JSON.")] = False,
) -> None:
    """Start everything on this machine; print two links."""
    from broker.cli.demo.ports import holder, is_free
    from broker.cli.demo.state import claim, default_folder

    if not is_free(port):
        by = holder(port)
        raise CommandError(
            f"port {port} of 127.0.0.1 is taken{f' by {by}' if by else ''}: choose another one with --port (make run PORT=8081)",
            Exit.IN_USE,
        )
    with claim(state or default_folder()) as claimed:
        asyncio.run(_until_stopped(claimed, port, json=json))


async def _until_stopped(state: State, port: int, *, json: bool) -> None:
    """Run until a signal comes or a part ends. The first signal begins an orderly end, later ones change nothing."""
    from broker.cli.demo.stack import Stack

    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    assert running is not None
    stopped = asyncio.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        async with Stack(state, port) as stack:
            await _watch(stack, state, json=json)
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise


async def _watch(stack: Stack, state: State, *, json: bool) -> None:
    """Show links, fresh ones at every Enter, until a part ends.

    Raises:
        CommandError: a part ended by itself, or the broker gives no link.
    """
    failure = asyncio.create_task(stack.failure(), name="demo failure")
    try:
        while not failure.done():
            await _show(stack, state, json=json)
            entered = asyncio.create_task(_enter(), name="demo enter")
            await asyncio.wait({failure, entered}, return_when=asyncio.FIRST_COMPLETED)
            entered.cancel()
        raise failure.result()
    finally:
        failure.cancel()


async def _enter() -> None:
    """Wait until the person presses Enter; for ever where there is no terminal."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()

    def read() -> None:
        if os.read(sys.stdin.fileno(), 4096):
            pressed.set()
        else:
            loop.remove_reader(sys.stdin)

    if sys.stdin.isatty():
        loop.add_reader(sys.stdin, read)
    try:
        await pressed.wait()
    finally:
        if sys.stdin.isatty():
            loop.remove_reader(sys.stdin)


async def _show(stack: Stack, state: State, *, json: bool) -> None:
    shell, desktop = await stack.link("ssh"), await stack.link("vnc")
    if json:
        print_json({"shell": shell, "desktop": desktop, "folder": str(state.folder)})
        return
    fresh = "Enter prints fresh links, " if sys.stdin.isatty() else ""
    print(
        _RULE,
        paint(" Fanlight is running on this machine.", "bold"),
        "",
        f" Shell    {paint(shell, 'green')}",
        f" Desktop  {paint(desktop, 'green')}",
        "",
        f" The desktop is {stack.desktop_name}; settings, keys and logs are in {state.folder}.",
        f" {fresh}Ctrl-C stops everything.",
        _RULE,
        sep="\n",
        flush=True,
    )
