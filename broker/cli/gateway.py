"""`fanlight gateway`: who is signed in at SSH gateways, and the end of that. Asks the daemons."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, print_json
from broker.fleet import Fleet, addresses
from broker.gateway_logins import GatewayLogin, end_logins, list_logins

__all__ = ["app"]

app = typer.Typer(help="SSH gateways before instances: who is signed in there.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MINUTE, HOUR = 60, 3600


@app.command()
def status(config: Config = None, json: Json = False) -> None:
    """List the logins that live: gateway, person, sessions, since when."""
    logins = asyncio.run(list_logins(_fleet(config)))
    if json:
        print_json([{**login._asdict(), "user": _user(login)} for login in logins])
        return
    for login in logins:
        sessions = "1 session" if login.sessions == 1 else f"{login.sessions} sessions"
        print(f"{login.id}  {login.gateway}  {_user(login)}  {sessions}  {_spent(time.time() - login.since)}")
    if not logins:
        print("Nobody is signed in at a gateway.")


@app.command()
def logout(
    identifier: Annotated[str, typer.Argument(help="Of the login, as `status` shows it; `all` ends all.")],
    config: Config = None,
) -> None:
    """End a login; the person's sessions behind that gateway lose their way."""
    ended = asyncio.run(end_logins(_fleet(config), "", "" if identifier == "all" else identifier))
    if not ended and identifier != "all":
        raise CommandError(f"{identifier}: there is no such login")
    print(f"Ended: {ended}")


def _fleet(config: Config) -> Fleet:
    try:
        return Fleet(addresses(read_settings(config)))
    except OSError as error:
        raise CommandError(f"guacd-certificate: cannot be read: {error.strerror}") from None


def _user(login: GatewayLogin) -> str:
    return login.owner.rpartition("#")[0] or "(unknown)"


def _spent(seconds: float) -> str:
    hours, rest = divmod(max(int(seconds), 0), HOUR)
    return f"{hours} h {rest // MINUTE} min" if hours else f"{rest // MINUTE} min"
