"""`fanlight sign`: mint a link as a portal does, for operators and tests."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlencode

import typer

from broker.cli.configuration import Config, reachable, read_settings
from broker.cli.outcome import CommandError, Exit, print_json
from broker.cli.portal import Request, client_url, redeem, v1_form

__all__ = ["sign"]


def sign(
    host: Annotated[str, typer.Argument(help="Address of the instance.")],
    user: Annotated[str, typer.Option(help="User name on the instance.")],
    protocol: Annotated[str, typer.Option(help="ssh or vnc.")] = "ssh",
    port: Annotated[int | None, typer.Option(help="Port; by default the one of `v1-ports`.")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="NAME=VALUE, left unsigned; may be repeated."),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where the broker answers, base path included.")] = None,
    form: Annotated[bool, typer.Option("--form", help="Print the signed form and do not send it.")] = False,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mint a link as a portal does.

    The form is signed with `secret-key` and exchanged at the broker for a token, which dies after
    `api-session-timeout` minutes without activity.
    """
    settings = read_settings(config)
    secret = settings.secret_key.get_secret_value()
    if not secret:
        raise CommandError("secret-key is not set: without it nothing can be signed", Exit.USAGE)
    known_port = settings.v1_ports.get(protocol)
    if known_port is None:
        raise CommandError(
            f"--protocol {protocol}: v1 links open {' or '.join(settings.v1_ports)}", Exit.USAGE
        )
    request = Request(
        protocol,
        host,
        port or known_port,
        user,
        settings.v1_vnc_password.get_secret_value() if protocol == "vnc" else "",
        dict(_pair(text) for text in parameter or ()),
    )
    signed = v1_form(request, secret)
    if form:
        print_json(signed) if json else print(urlencode(signed))
        return
    if url is None and settings.bind.startswith("unix:"):
        raise CommandError("bind is a Unix socket: say with --url where the broker answers", Exit.USAGE)
    base_url = url or f"http://{reachable(settings.bind)}{settings.base_path}"
    link = client_url(base_url, request.connection_id, asyncio.run(redeem(base_url, signed)))
    print_json({"url": link}) if json else print(link)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise CommandError(f"--parameter {text}: should look like NAME=VALUE", Exit.USAGE)
    return name, value
