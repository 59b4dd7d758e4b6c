"""`fanlight forward`: ports of this machine that lead to others, by name."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.hosts import Book, open_book
from broker.cli.outcome import CommandError, Exit, print_json

if TYPE_CHECKING:
    from client.connecting import Connecting
    from client.forward import Forward, Forwards, Listener, Live

__all__ = ["forward"]


def forward(
    forwards: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BIND:]PORT:HOST:PORT...", help="As `ssh -L` has it; HOST is of the book."),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="What the forward is called; once for each, in their order.")
    ] = None,
    via: Annotated[
        str, typer.Option(help="Sign in there, and let streams leave from there; HOST is as it knows it.")
    ] = "",
    listing: Annotated[
        bool, typer.Option("--list", help="Show what is open, by name, and who goes through.")
    ] = False,
    accept_new: Annotated[
        bool, typer.Option("--accept-new", help="Take host keys of machines met for the first time.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --list: print JSON.")] = False,
    hosts: Book = None,
) -> None:
    """Let ports of this machine lead to others, through one login at the gateway, until Ctrl-C."""
    from client.connecting import Connecting
    from client.forward import Forwards, listed, parse_forward
    from client.hosts import HostError
    from client.places import state_folder

    board = state_folder() / "forwards"
    if listing:
        _show(listed(board), json=json)
        return
    names = name or []
    if not forwards or len(names) > len(forwards):
        raise CommandError("name what shall lead where, such as 22006:waldo:22", Exit.USAGE)
    try:
        names += [""] * (len(forwards) - len(names))
        wanted = [parse_forward(text, called) for text, called in zip(forwards, names, strict=True)]
        _refuse_twice(wanted)
        connecting = Connecting(open_book(hosts), accept_new=accept_new)
        asyncio.run(_serve(connecting, Forwards(connecting, wanted, via=via, board=board, told=_tell)))
    except HostError as error:
        raise CommandError(str(error), Exit.USAGE) from None


def _refuse_twice(wanted: list[Forward]) -> None:
    names = [row.name for row in wanted]
    if len(set(names)) < len(names):
        raise CommandError("two forwards have the same name", Exit.USAGE)


async def _serve(connecting: Connecting, forwards: Forwards) -> None:
    """Keep them open until Ctrl-C or SIGTERM."""
    from proxyd.wire.status import StatusError

    loop = asyncio.get_running_loop()
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        try:
            async with connecting, forwards:
                for listener in forwards.listeners:
                    print(_line(listener), flush=True)
                await asyncio.Event().wait()
        except StatusError as error:
            raise CommandError(error.message) from None


def _line(listener: Listener) -> str:
    row = listener.forward
    via = f" via {', '.join(listener.via)}" if listener.via else ""
    return f"{row.name}  {row.bind}:{listener.port} → {row.host}:{row.target}{via}"


def _tell(listener: Listener, live: Live, outcome: str) -> None:
    words = f"{listener.forward.name}: {live.peer} "
    if outcome == "":
        words += "connected"
    elif outcome == "closed":
        seconds = time.time() - live.since
        words += f"closed after {seconds:.0f} s, {live.sent} bytes there, {live.received} bytes back"
    else:
        words += f"failed: {outcome}"
    print(words, file=sys.stderr, flush=True)


def _show(rows: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json(rows)
        return
    for row in rows:
        via = f" via {', '.join(row['via'])}" if row["via"] else ""
        print(f"{row['name']}  {row['listens']} → {row['target']}{via}  (process {row['process']})")
        for live in row["live"]:
            print(f"  {live['peer']} since {time.strftime('%H:%M:%S', time.localtime(live['since']))}")
