"""The command `fanlight`: runs the daemons, mints links, keeps keys, finds the hop that fails, shows a demo."""

from __future__ import annotations

import functools
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer

from broker.cli.bans import app as bans
from broker.cli.check import check
from broker.cli.connector import app as connector
from broker.cli.copy import copy
from broker.cli.daemons import PASS_ON, broker, proxyd
from broker.cli.demo import demo
from broker.cli.fanout import TakesCommand, fanout
from broker.cli.forward import forward
from broker.cli.gateway import app as gateway
from broker.cli.hosts import app as hosts
from broker.cli.instance import app as instance
from broker.cli.keys import app as keys
from broker.cli.network import app as network
from broker.cli.outcome import CommandError, Exit, complain
from broker.cli.sign import operator, sign
from broker.cli.theme import app as theme
from broker.cli.verify import verify

__all__ = ["app", "main"]

app = typer.Typer(
    name="fanlight",
    help="A cloud instance's shell or desktop in any browser, opened by a signed link.",
    epilog="Exit codes: " + "; ".join(f"{code.value} {code.meaning}" for code in Exit) + ".",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command(**PASS_ON)(broker)
app.command(**PASS_ON)(proxyd)
app.command()(sign)
app.command()(verify)
app.command()(operator)
app.add_typer(keys, name="keys")
app.add_typer(bans, name="bans")
app.add_typer(theme, name="theme")
app.add_typer(gateway, name="gateway")
app.add_typer(network, name="network")
app.add_typer(connector, name="connector")
app.add_typer(instance, name="instance")
app.command()(check)
app.add_typer(hosts, name="hosts")
app.command(cls=TakesCommand)(fanout)
app.command()(forward)
app.command("cp")(copy)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fanlight {version('fanlight')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@functools.cache
def _command() -> Any:
    """All commands as they are parsed: made once, however often tests run one in the same process."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; every failure is one line on standard error and an exit code of `Exit`."""
    try:
        code = _command()(prog_name="fanlight", standalone_mode=False)
    except CommandError as error:
        complain(str(error))
        code = error.exit
    except typer.TyperException as error:
        complain(error.format_message())
        code = Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code)
