"""`fanlight verify`: hold a refused request against this deployment's rules, line by line, without the broker."""

from __future__ import annotations

import ipaddress
import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from broker.auth.base import MalformedError, Reason, RefusedError
from broker.cli.configuration import Config, read_settings
from broker.cli.outcome import CommandError, Exit, mark, print_json

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from broker.auth.base import Claim, Connection, Grant, Key, Scheme
    from broker.keyring import KeyRing, Limits
    from broker.settings import Settings
    from broker.targets import Targets

__all__ = ["verify"]

MAX_REQUEST = 65536


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. `passed` is None where there is nothing to pass."""

    check: str
    passed: bool | None
    detail: str


def verify(
    request: Annotated[
        str, typer.Argument(help="The link, the signed form or the token; - reads it from standard input.")
    ] = "-",
    at: Annotated[
        int | None, typer.Option(help="When it arrived, in milliseconds since 1970; now where not given.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="Address it came from, for keys with a `from`.")
    ] = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain why a signed request is refused, line by line. Nothing is sent, redeemed or shown that is secret."""
    settings = read_settings(config)
    now = time.time() if at is None else at / 1000
    lines = list(_explained(_claim(_text(request), sender or ""), settings, now))
    if json:
        print_json([vars(line) for line in lines])
    else:
        for line in lines:
            print(f"{mark(line.passed)} {line.check:10} {line.detail}")
    if any(line.passed is False for line in lines):
        raise typer.Exit(Exit.FAILED)


def _text(request: str) -> str:
    text = sys.stdin.read(MAX_REQUEST) if request == "-" else request
    if not text.strip():
        raise CommandError("the request is empty", Exit.USAGE)
    return text.strip()


def _claim(text: str, sender: str) -> Claim:
    """The parameters of a link, on either side of its `#`, of a form, or of a bare token."""
    from broker.auth.base import Claim
    from broker.auth.form import parse_form

    if re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", text, re.ASCII):
        return Claim({"jwt": [text]}, sender)
    if re.match(r"https?://|/", text):
        url = urlsplit(text)
        text = "&".join(part for part in (url.query, url.fragment.partition("?")[2]) if part)
    try:
        return Claim(parse_form(text.encode("utf-8", "surrogatepass")), sender)
    except MalformedError as error:
        raise CommandError(str(error), Exit.USAGE) from None


def _explained(claim: Claim, settings: Settings, now: float) -> Iterator[Line]:
    from broker.cli.explain import described
    from broker.trust import schemes

    scheme = next((scheme for scheme in schemes(settings) if scheme.recognises(claim)), None)
    if scheme is None:
        names = ", ".join(sorted(claim.parameters)) or "none"
        yield Line("scheme", False, f"none recognises it; its parameters: {names[:200]}")
        return
    ring = _ring(settings)
    keys = ring.keys(scheme.name, now)
    names = ", ".join(key.key_id for key in keys)
    yield Line("scheme", True, scheme.name)
    yield Line("keys", bool(keys), names or f"no key of the ring is for {scheme.name} at this time")
    for text in described(scheme.name, claim, settings.default_protocol):
        yield Line("signed", None, text)
    try:
        grant = yield from _verified(scheme, claim, keys, now, settings.default_protocol)
    except MalformedError as error:
        yield Line("request", False, str(error))
        return
    entry = ring.entry(grant.key_id) if grant is not None else None
    if grant is not None and entry is not None:
        yield from _ruled(grant, entry.limits, claim.address, settings)
        yield Line(
            "replay", None, "not looked at: a request is redeemed once, and the store knows which were"
        )


def _ring(settings: Settings) -> KeyRing:
    from broker.keyring import KeyRingError
    from broker.trust import key_ring

    try:
        return key_ring(settings)
    except KeyRingError as error:
        raise CommandError(str(error), Exit.USAGE) from None


def _verified(
    scheme: Scheme, claim: Claim, keys: Sequence[Key], now: float, default_protocol: str
) -> Generator[Line, None, Grant | None]:
    """The scheme's own checks. What is too old or too early is looked at again as of the time when it was signed."""
    from broker.cli.explain import mistake, signed_at

    try:
        grant = scheme.verify(claim, keys, now)
    except RefusedError as error:
        if error.reason is Reason.BAD_SIGNATURE or not error.key_id:
            why = mistake(scheme.name, claim, keys, default_protocol) if keys else ""
            yield Line("signature", False, "; ".join(part for part in (str(error), why) if part))
            return None
        yield Line("signature", True, f"by the key {error.key_id}")
        if error.reason not in {Reason.EXPIRED, Reason.NOT_YET_VALID}:
            yield Line("rules", False, str(error))
            return None
        yield Line("time", False, str(error))
    else:
        yield Line("signature", True, f"by the key {grant.key_id}")
        yield Line("time", True, f"good for another {grant.nonce_expires - now:.0f} s")
        yield Line("rules", True, "of the scheme")
        return grant
    try:
        grant = scheme.verify(claim, keys, signed_at(scheme.name, claim, now))
    except RefusedError as error:
        yield Line("rules", False, str(error))
        return None
    yield Line("rules", True, "of the scheme")
    return grant


def _ruled(grant: Grant, limits: Limits, sender: str, settings: Settings) -> Iterator[Line]:
    """What holds for every scheme: the key's limits, where connections lead, the person's key."""
    from broker.limits import enforce
    from broker.targets import Targets

    yield Line("user", None, f"{grant.user or 'nobody in particular'}{' as an operator' * grant.operator}")
    if grant.dropped:
        yield Line("dropped", None, f"unsigned parameters: {', '.join(grant.dropped)}")
    try:
        # where the sender is not known, what it may be is not looked at
        grant = enforce(grant, limits if sender else limits.model_copy(update={"sources": ()}), sender)
        yield Line("limits", True, f"of the key {grant.key_id}")
    except RefusedError as error:
        yield Line("limits", False, str(error))
    targets = [Targets(allowed) for allowed in (settings.allowed_targets, limits.targets) if allowed]
    for connection in grant.connections:
        yield from _targeted(connection, targets)
    if settings.use_local_privkey and grant.user:
        yield _keyed(grant.user, settings)


def _targeted(connection: Connection, targets: Sequence[Targets]) -> Iterator[Line]:
    from broker.admission import HOST_PARAMETERS, SSH_PORT
    from broker.targets import TargetRefusedError

    for name, port_name in HOST_PARAMETERS:
        host = connection.parameters.get(name)
        if not host:
            continue
        port = connection.parameters.get(port_name) or SSH_PORT
        try:
            ipaddress.ip_address(host)
        except ValueError:
            yield Line("target", None, f"{host} is a name: the broker resolves it and checks the address")
            continue
        try:
            for allowed in targets:
                allowed.check(host, int(port))
            yield Line("target", True, f"{host} port {port}")
        except (TargetRefusedError, ValueError) as error:
            yield Line("target", False, f"{host} port {port}: {error}")


def _keyed(user: str, settings: Settings) -> Line:
    from broker.keys import KeyDirectory, KeyRefusedError

    try:
        key = KeyDirectory(settings.key_directory, settings.key_names, settings.key_group).read(user)
    except KeyRefusedError as error:
        return Line("key file", False, str(error))
    if key is None:
        return Line("key file", False if settings.require_privkey else None, "no private key is on file")
    return Line("key file", True, key.name)
