"""`python -m connector`: read settings and key, then serve. `fanlight connector run` runs this."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from connector import log, trial, versions
from connector.agent import Agent
from connector.keyfile import KeyFileError
from connector.release import ReleaseError, number
from connector.settings import Settings
from connector.state import RunningError, load_key, only_one
from proxyd.sources import SettingsError, load

__all__ = ["main"]

EXIT_FAILED, EXIT_SETTINGS = 1, 2

app = typer.Typer(add_completion=False)


@app.command()
def connector(
    config: Annotated[Path | None, typer.Option(help="fanlight.toml with a table [connector].")] = None,
    key_file: Annotated[Path | None, typer.Option(help="The key of the network.")] = None,
    allowed_targets: Annotated[
        str | None, typer.Option(help="What may be opened: 10.0.0.0/8:22+5900-5999, *.lab.example:22.")
    ] = None,
    state_directory: Annotated[Path | None, typer.Option(help="Where key and log are.")] = None,
    standby: Annotated[bool | None, typer.Option("--standby", help="Serve while no other does.")] = None,
    force: Annotated[
        bool | None, typer.Option("--force", help="Run beside another connector of this host.")
    ] = None,
) -> None:
    """The agent inside a private network: it dials out to the broker and opens what its list permits."""
    flags: dict[str, object] = {
        "key-file": key_file,
        "allowed-targets": allowed_targets,
        "state-directory": state_directory,
        "standby": standby,
        "force": force,
    }
    try:
        settings = load(
            Settings, config=config, environ=os.environ, flags=flags, section="connector"
        ).settings
    except SettingsError as error:
        _fail("\n".join(error.problems), EXIT_SETTINGS)
    _lead_on(settings)
    try:
        with only_one(settings.state_directory):
            key = load_key(settings.key_path)
            log.configure(settings)
            update = asyncio.run(_serve(Agent(settings, key)))
    except KeyFileError as error:
        _fail(f"key-file: {error}", EXIT_SETTINGS)
    except RunningError as error:
        _fail(str(error), EXIT_FAILED)
    except OSError as error:
        _fail(f"state-directory: {settings.state_directory}: {error.strerror}", EXIT_FAILED)
    if update:
        trial.begin(settings.state_directory, update, sys.argv[1:])


def _lead_on(settings: Settings) -> None:
    """Become the version that was adopted last, where that is newer than this one; else go on."""
    adopted = versions.current(settings.state_directory)
    if adopted is None or adopted.resolve() == Path(sys.prefix).resolve():
        return
    try:
        newer = number(adopted.name) > number(version("fanlight"))
    except ReleaseError:
        return
    if newer:
        words = versions.command(adopted, sys.argv[1:])
        os.execv(words[0], words)  # noqa: S606 - an environment of our own


async def _serve(agent: Agent) -> str:
    """Serve until a signal, or until an update begins; returns its version."""
    tasks: set[asyncio.Task[Any]] = {asyncio.create_task(agent.run(), name="agent")}
    if agent.updater.enabled:
        tasks.add(asyncio.create_task(agent.updater.run(), name="updates"))
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, lambda: [task.cancel() for task in tasks])
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    structlog.get_logger("connector").info("stopped")
    return next((task.result() or "" for task in done if not task.cancelled()), "")


def _fail(message: str, code: int) -> None:
    typer.echo(f"connector: {message}", err=True)
    sys.exit(code)


def main() -> None:
    """Entry point."""
    app(prog_name="fanlight connector run")


if __name__ == "__main__":
    main()
