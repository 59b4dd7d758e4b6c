"""`fanlight connector`: the agent inside a private network, and what its operator needs beside it."""

from __future__ import annotations

import asyncio
import io
import json as json_
import os
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.configuration import Config  # noqa: TC001 - typer reads annotations
from broker.cli.daemons import PASS_ON, become
from broker.cli.outcome import CommandError, Exit, mark, print_json

if TYPE_CHECKING:
    from connector.doctor import Check
    from connector.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    help="Run inside a private network: dial out to the broker, open what the own list permits."
)

State = Annotated[Path | None, typer.Option(help="Where key and log are.")]
MAX_LINES = 2000


@app.command(**PASS_ON)
def run(context: typer.Context) -> None:
    """Serve. `fanlight connector run --help` lists its options."""
    become("connector", context.args)


@app.command()
def setup(
    key_file: Annotated[
        Path | None, typer.Option(help="Take the key from this file instead of a prompt.")
    ] = None,
    config: Config = None,
    state_directory: State = None,
) -> None:
    """Take the network's key, pasted or from a file, and keep it for this user alone."""
    from connector.keyfile import KeyFileError, parse_key
    from connector.state import save_key

    settings = _settings(config, state_directory)
    try:
        text = _pasted() if key_file is None else key_file.read_text(errors="replace")
        key = parse_key(text)
        save_key(settings.key_path, key)
    except KeyFileError as error:
        raise CommandError(f"key: {error}", Exit.USAGE) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    print(f"Key {key.generation} of the network {key.network} is in {settings.key_path}.")
    print(f"It dials {', '.join(map(str, key.endpoints))}. Next: fanlight connector doctor")


def _pasted() -> str:
    """A key that is pasted: everything up to its last line, without echo where that can be."""
    if sys.stdin.isatty():
        print("Paste the key of the network, all of it (it is not shown):", file=sys.stderr)
    lines: list[str] = []
    with _without_echo():
        for line in sys.stdin:
            lines.append(line)
            if line.strip().startswith("-----END") or len(lines) > MAX_LINES:
                break
    return "".join(lines)


class _without_echo:  # noqa: N801 - reads as a statement
    """The terminal does not show what is typed."""

    def __enter__(self) -> None:
        self._before = None
        if sys.stdin.isatty():
            import termios

            self._before = termios.tcgetattr(sys.stdin)
            quiet = termios.tcgetattr(sys.stdin)
            quiet[3] &= ~termios.ECHO
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)


@app.command()
def status(
    config: Config = None,
    state_directory: State = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how the connector on this host is."""
    from connector.state import is_running, read_status
    from connector.updates import Memory, remembered
    from connector.versions import read_memory

    directory = _settings(config, state_directory).state_directory
    running, said = is_running(directory), read_status(directory)
    update = remembered(Memory.read(read_memory(directory)))
    if json:
        print_json({"running": running, **said, "update": update})
    elif not running:
        print("stopped")
    else:
        error = f": {said['error']}" if said.get("error") else ""
        print(f"{said.get('state', 'starting')} {said.get('endpoint', '')}{error}")
    if update and not json:
        print(f"update: {update}")
    if not running or said.get("state") != "connected":
        raise CommandError("the connector is not connected", Exit.HOP)


@app.command()
def doctor(
    config: Config = None,
    state_directory: State = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try every stage of the way; the exit code is that of the first that fails (10 to 19)."""
    from connector.doctor import EXITS

    failed = ""
    checks = []
    for check in _examined(_settings(config, state_directory), show=not json):
        checks.append(check)
        if check.passed is False:
            failed = failed or check.stage
    if json:
        print_json([check._asdict() for check in checks])
    if failed:
        sys.exit(EXITS[failed])


def _examined(settings: Settings, *, show: bool) -> list[Check]:
    import logging

    import structlog

    from connector.doctor import examine

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    async def all_of_them() -> list[Check]:
        found = []
        async for check in examine(settings):
            found.append(check)
            if show:
                about = f" {check.about}" if check.about else ""
                took = f" ({check.milliseconds} ms)" if check.milliseconds else ""
                print(f"{mark(check.passed)} {check.stage}{about}: {check.detail}{took}", flush=True)
        return found

    return asyncio.run(all_of_them())


@app.command()
def update(config: Config = None, state_directory: State = None) -> None:
    """Update without waiting for the window, and begin to count attempts anew; still one connector of a network at a time."""
    from dataclasses import asdict

    from connector.state import is_running
    from connector.updates import Memory
    from connector.versions import write_memory

    settings = _settings(config, state_directory)
    if not settings.update_keys:
        raise CommandError("update-keys: nobody may sign updates", Exit.USAGE)
    if not is_running(settings.state_directory):
        raise CommandError("the connector does not run", Exit.HOP)
    try:
        write_memory(settings.state_directory, asdict(Memory(asked=True)))
    except OSError as error:
        raise CommandError(f"state-directory: {settings.state_directory}: {error.strerror}") from None
    print("Asked for. See fanlight connector status.")


@app.command()
def bundle(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("fanlight-connector.tar.gz"),
    config: Config = None,
    state_directory: State = None,
) -> None:
    """Pack what support needs: settings, versions, log, doctor's findings. No key is in it."""
    from importlib.metadata import version

    from connector.log import tail
    from connector.state import read_status

    settings = _settings(config, state_directory)
    shown = {name.replace("_", "-"): _plain(value) for name, value in settings}
    checks = _examined(settings, show=False)
    parts = {
        "settings.json": json_.dumps(shown, indent=2),
        "status.json": json_.dumps(read_status(settings.state_directory), indent=2),
        "versions.json": json_.dumps(
            {name: version(name) for name in ("fanlight", "asyncssh", "aiohttp", "cryptography")}
            | {"python": sys.version}
        ),
        "doctor.json": json_.dumps([check._asdict() for check in checks], indent=2),
        "connector.log": "\n".join(tail(settings.log_path, MAX_LINES)),
    }
    try:
        with (
            os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as packed,
        ):
            for name, text in parts.items():
                info = tarfile.TarInfo(f"fanlight-connector/{name}")
                info.size, info.mtime = len(text.encode()), int(time.time())
                packed.addfile(info, io.BytesIO(text.encode()))
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    print(f"{out}: {', '.join(parts)}")


def _plain(value: Any) -> Any:
    """A setting as it is written."""
    import asyncssh

    from connector.reasons import without_credentials

    if type(value) is tuple:  # entries of a list may be tuples with names
        return [_plain(entry) for entry in value]
    if isinstance(value, asyncssh.SSHKey):
        return value.export_public_key().decode().strip()
    return value if isinstance(value, bool | int | float | None) else without_credentials(str(value))


def _settings(config: Path | None, state_directory: Path | None) -> Settings:
    from connector.settings import Settings
    from proxyd.sources import SettingsError, load

    flags = {"state-directory": state_directory}
    try:
        return load(Settings, config=config, environ=os.environ, flags=flags, section="connector").settings
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE) from None
