"""`python -m proxyd`: read settings, listen, supervise. `fanlight proxyd` runs this."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from proxyd import log
from proxyd.settings import Settings
from proxyd.sources import SettingsError, load
from proxyd.supervisor import Supervisor, listen
from proxyd.tls import TlsError, server_context

if TYPE_CHECKING:
    import socket
    import ssl

__all__ = ["main"]

EXIT_SETTINGS = 2
EXIT_ADDRESS = 98
"""Exit codes; 98 is what the system calls "address in use"."""

app = typer.Typer(add_completion=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"proxyd, Fanlight {distribution_version('fanlight')}")
        raise typer.Exit


@app.command()
def proxyd(
    config: Annotated[Path | None, typer.Option(help="fanlight.toml or guacamole.properties.")] = None,
    bind: Annotated[str | None, typer.Option(help="HOST:PORT or unix:PATH.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; 0 is one for each processor.")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option("--log-level", "-L", help="debug, info, warning or error.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
    host: Annotated[str | None, typer.Option("-b", help="Host to listen on, as guacd takes it.")] = None,
    port: Annotated[int | None, typer.Option("-l", help="Port to listen on, as guacd takes it.")] = None,
    certificate: Annotated[Path | None, typer.Option("-C", help="Certificate, as guacd takes it.")] = None,
    key: Annotated[Path | None, typer.Option("-K", help="Private key, as guacd takes it.")] = None,
    foreground: Annotated[
        bool, typer.Option("-f", help="Accepted for guacd's sake: always in the foreground.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", "-v", callback=_show_version, is_eager=True)] = False,
) -> None:
    """The daemon that speaks SSH and VNC to instances and draws."""
    if host is not None or port is not None:
        bind = f"{host or '127.0.0.1'}:{port or 4822}"
    flags: dict[str, object] = {
        "bind": bind,
        "workers": workers,
        "log-level": log_level,
        "log-format": log_format,
        "server-certificate": certificate,
        "server-key": key,
    }
    try:
        loaded = load(Settings, config=config, environ=os.environ, flags=flags, section="proxyd")
    except SettingsError as error:
        _fail("\n".join(error.problems), EXIT_SETTINGS)
    settings = loaded.settings
    log.configure(settings)
    try:
        tls = server_context(settings)
    except TlsError as error:
        _fail(str(error), EXIT_SETTINGS)
    try:
        listener = listen(settings.bind)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        _fail(f"bind: cannot listen on {settings.bind}: {reason}", EXIT_ADDRESS)
    asyncio.run(_serve(settings, listener, tls))
    if settings.bind.startswith("unix:"):
        Path(settings.bind.removeprefix("unix:")).unlink(missing_ok=True)


async def _serve(settings: Settings, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def asked(number: int) -> None:
        if stop.is_set() or number == signal.SIGINT:
            hurry.set()
        stop.set()

    supervisor = Supervisor(settings, listener, tls)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    loop.add_signal_handler(signal.SIGHUP, _read_again, supervisor, settings)
    await supervisor.run(stop, hurry)
    structlog.get_logger().info("proxyd has stopped")


def _read_again(supervisor: Supervisor, settings: Settings) -> None:
    """Take renewed certificates for whoever connects from now on; those that cannot be used change nothing."""
    try:
        supervisor.tls = server_context(settings)
    except TlsError as error:
        structlog.get_logger().error("certificates not read", reason=str(error))
    else:
        structlog.get_logger().info("certificates read")


def _fail(message: str, code: int) -> None:
    typer.echo(f"proxyd: {message}", err=True)
    sys.exit(code)


def main() -> None:
    """Entry point."""
    app(prog_name="fanlight proxyd")


if __name__ == "__main__":
    main()
