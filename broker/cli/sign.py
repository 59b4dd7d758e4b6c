"""`fanlight sign`: mint a link as a portal does, for operators and tests."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from broker.cli.configuration import Config, reachable, read_settings
from broker.cli.outcome import CommandError, Exit, print_json
from broker.cli.portal import Request, client_url, redeem, v1_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.links import Signer
    from broker.settings import Settings

__all__ = ["operator", "sign"]


def sign(
    host: Annotated[str, typer.Argument(help="Address of the instance.")],
    user: Annotated[str, typer.Option(help="User name on the instance.")],
    protocol: Annotated[str, typer.Option(help="ssh or vnc.")] = "ssh",
    port: Annotated[int | None, typer.Option(help="Port; by default the one of `v1-ports`.")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="A connection parameter, NAME=VALUE; may be repeated."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Sign a token with this key of `key-ring`.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the broker answers, base path included.")] = None,
    form: Annotated[bool, typer.Option("--form", help="Print the signed form and do not send it.")] = False,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mint a link as a portal does.

    By default the v1 form is signed with `secret-key` and exchanged at the broker for a session; the link is good
    until that dies, `api-session-timeout` minutes after its last use. With --key a token is signed that covers every
    parameter; its link opens once, within two minutes.
    """
    settings = read_settings(config)
    given = dict(_pair(text) for text in parameter or ())
    known_port = port or settings.v1_ports.get(protocol)
    if known_port is None:
        known = " or ".join(settings.v1_ports)
        raise CommandError(f"--protocol {protocol}: give its --port, or choose {known}", Exit.USAGE)
    if key is not None:
        signer = _signer(settings, key, url)
        parameters = {"port": str(known_port), **given}
        if form:
            _print("form", {"jwt": signer.token(protocol, host, user, parameters)}, json=json)
        else:
            _print("url", signer.link(protocol, host, user, parameters), json=json)
        return
    password = settings.v1_vnc_password.get_secret_value() if protocol == "vnc" else ""
    request = Request(protocol, host, known_port, user, password, given)
    signed = v1_form(request, _secret(settings))
    if form:
        _print("form", signed, json=json)
    else:
        _print("url", _redeemed(request, signed, settings, url), json=json)


def operator(
    user: Annotated[str, typer.Option(help="Who it is, for the log.")],
    key: Annotated[str, typer.Option(help="A key of `key-ring` that has `operator = true`.")],
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a link to the operator's page; it opens once, within two minutes."""
    _print("url", _signer(read_settings(config), key, None, operator=True).operator_link(user), json=json)


def _print(name: str, value: str | Mapping[str, str], *, json: bool) -> None:
    if json:
        print_json({name: value})
    else:
        print(value if isinstance(value, str) else urlencode(value))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise CommandError(f"--parameter {text}: should look like NAME=VALUE", Exit.USAGE)
    return name, value


def _secret(settings: Settings) -> str:
    secret = settings.secret_key.get_secret_value()
    if not secret:
        raise CommandError("secret-key is not set: without it nothing can be signed", Exit.USAGE)
    return secret


def _redeemed(request: Request, signed: Mapping[str, str], settings: Settings, url: str | None) -> str:
    if url is None and settings.bind.startswith("unix:"):
        raise CommandError("bind is a Unix socket: say with --url where the broker answers", Exit.USAGE)
    base_url = url or f"http://{reachable(settings.bind)}{settings.base_path}"
    return client_url(base_url, request.connection_id, asyncio.run(redeem(base_url, signed)))


def _signer(settings: Settings, name: str, url: str | None, *, operator: bool = False) -> Signer:
    """What signs tokens with a key of the key ring."""
    from broker.keyring import KeyRing, KeyRingError
    from broker.links import Signer

    if url is not None:
        raise CommandError("--url: with --key a link begins with the setting public-origin", Exit.USAGE)
    if not settings.public_origin:
        raise CommandError("public-origin is not set: a token names it as its audience", Exit.USAGE)
    try:
        entry = KeyRing(file=settings.key_ring).entry(name)
    except KeyRingError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    if entry is None or "jwt" not in entry.limits.schemes:
        raise CommandError(f"--key {name}: the key ring has no key of that name for jwt", Exit.USAGE)
    if not entry.active(time.time()):
        raise CommandError(f"--key {name}: the key is not good at this time", Exit.USAGE)
    if not entry.key.secret:
        raise CommandError(f"--key {name}: the key ring has its public half only", Exit.USAGE)
    if operator and not entry.limits.operator:
        raise CommandError(f"--key {name}: the key cannot make operators", Exit.USAGE)
    return Signer(settings.public_origin + settings.base_path, name, entry.key.secret)
