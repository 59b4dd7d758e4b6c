"""`fanlight fanout`: one command on many machines."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from broker.cli.hosts import Book, open_book
from broker.cli.outcome import CommandError, Exit, complain, paint, print_json

if TYPE_CHECKING:
    from client.connecting import Connecting
    from client.fanout import Fanout, Job

__all__ = ["TakesCommand", "fanout"]

MOST_AT_ONCE = 256
BEHIND = "behind"


class TakesCommand(TyperCommand):
    """What stands behind `--` is another command, with options of its own: it is left as it is."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `click.Command`."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[BEHIND] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


def fanout(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HOSTS]... -- COMMAND", help="Hosts (user@alias), then the command."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="All hosts of the book with this label, too.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="First look whether an SSH server answers.")
    ] = True,
    limit: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="Hosts at a time.")] = 16,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds the command may take on each; 0 is for ever.")
    ] = 0,
    connect_timeout: Annotated[int, typer.Option(min=1, max=600, help="Seconds for a host to answer.")] = 10,
    group: Annotated[bool, typer.Option("--group", help="Show equal outputs once.")] = False,
    accept_new: Annotated[
        bool, typer.Option("--accept-new", help="Take host keys of machines met for the first time.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    hosts: Book = None,
) -> None:
    """Run a command on many hosts at once, without a terminal there, and report. Ends well only if all of them did."""
    from client.connecting import Connecting
    from client.fanout import Fanout, hint
    from client.hosts import HostError

    names, command = _parted(words or [], context.meta.get(BEHIND))
    book = open_book(hosts)
    try:
        names = list(dict.fromkeys([*names, *book.labelled(label or [])]))
    except HostError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    if not names:
        raise CommandError("name the hosts before --, or a --label", Exit.USAGE)
    if hint(command):
        complain(hint(command))
    connecting = Connecting(book, accept_new=accept_new, timeout=connect_timeout, once=True)
    run = Fanout(connecting, command, names, limit=limit, seconds=timeout, probe=probe, told=_tell)
    cancelled = asyncio.run(_run(connecting, run))
    _report(run, json=json, csv=csv, group=group)
    _keep(run)
    if cancelled:
        raise typer.Exit(130)
    if not run.succeeded:
        raise typer.Exit(Exit.FAILED)


def _parted(words: list[str], behind: list[str] | None) -> tuple[list[str], str]:
    """Hosts and command; without `--` the last word is the command, as in `"host1 host2" "uptime; id"`."""
    if behind is None:
        words, behind = words[:-1], words[-1:]
    if not behind:
        raise CommandError("a command is missing behind --", Exit.USAGE)
    return [host for word in words for host in word.split()], " ".join(behind)


async def _run(connecting: Connecting, run: Fanout) -> bool:
    """Run it; Ctrl-C tells the commands to stop, a second one does not wait for them. Returns whether it was pressed."""
    loop = asyncio.get_running_loop()
    pressed = False

    def stop() -> None:
        nonlocal pressed
        pressed = True
        loop.remove_signal_handler(signal.SIGINT)
        print("Stopping the command everywhere…", file=sys.stderr)
        run.cancel()

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        async with connecting:
            await run.run()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return pressed


def _tell(job: Job) -> None:
    """A line on standard error for what happens, so that the report alone is on standard output."""
    from client.fanout import State
    from client.report import outcome

    if job.state is State.STARTING:
        print(f"Starting {job.name}", file=sys.stderr, flush=True)
    elif job.state.settled:
        colour = "green" if job.state is State.SUCCEEDED else "red"
        print(f"{job.name}: {paint(outcome(job), colour, sys.stderr)}", file=sys.stderr, flush=True)


def _report(run: Fanout, *, json: bool, csv: bool, group: bool) -> None:
    from client.report import as_csv, as_text, described

    if json:
        print_json(described(run))
    elif csv:
        sys.stdout.write(as_csv(run, tame=sys.stdout.isatty()))
    else:
        print(as_text(run, group=group, tame=sys.stdout.isatty()), end="")


def _keep(run: Fanout) -> None:
    from client.places import state_folder, user_name
    from client.report import record

    path = state_folder() / "fanout.jsonl"
    try:
        record(run, user_name(), path)
    except OSError as error:
        complain(f"this run is not recorded: {path}: {error.strerror}")
