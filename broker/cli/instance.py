"""`fanlight instance`: instances that the gate knows. Works on the store, beside a running broker."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.configuration import Config, read_settings
from broker.cli.instance_books import Books, on_books
from broker.cli.instance_keys import app as keys
from broker.cli.instance_keys import print_keys
from broker.cli.nets import app as nets
from broker.cli.outcome import CommandError, Exit, print_json
from broker.cli.spans import seconds_of, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.gate.host_keys import HostKeys
    from broker.gate.instance import Instance
    from broker.gate.reports import Report
    from broker.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Instances at the gate: whose and where they are, their tokens, what they report.")
app.add_typer(keys, name="keys")
app.add_typer(nets, name="net")

UNKNOWN_ADDRESS = "ADDRESS-OF-THE-GATE"
ANYWHERE = frozenset({"0.0.0.0", "[::]", "*"})  # noqa: S104 - compared, not bound
MAX_PASSWORD = 4096
"""Bytes of a password file that are read."""

Identifier = Annotated[str, typer.Argument(help="The instance's id.", metavar="ID")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Name = Annotated[str | None, typer.Option(help="A name for people.")]
Owner = Annotated[str | None, typer.Option(help="The user whose instance it is.")]
User = Annotated[
    list[str] | None,
    typer.Option(help="A login that it is served public keys of; by default the owner's. May be repeated."),
]
Address = Annotated[
    list[str] | None,
    typer.Option(help="An address by which connections name it. May be repeated."),
]
Network = Annotated[str | None, typer.Option(help="The private network that its addresses are in.")]
Source = Annotated[
    list[str] | None,
    typer.Option(help="Take its token from this address or network alone. May be repeated."),
]
Port = Annotated[
    list[str] | None,
    typer.Option(help="Ports that it may report: ssh=22, vnc=5900-5905. May be repeated."),
]
Service = Annotated[str | None, typer.Option(help="The service that it belongs to: an id.")]
Role = Annotated[str | None, typer.Option(help="Its role in the service.")]
Router = Annotated[str | None, typer.Option(help="The virtual router that it belongs to: an id.")]
Nic = Annotated[
    list[str] | None,
    typer.Option(help="A network card: NAME=NIC0,IP=10.20.3.4,NETWORK_ID=0. May be repeated."),
]
Attribute = Annotated[
    list[str] | None,
    typer.Option(help="An attribute that it reads of itself: NAME=VALUE. May be repeated."),
]
LegacyPassword = Annotated[
    Path | None,
    typer.Option(
        help="Also take the token that an older gate gave it: a file with its owner's token password."
    ),
]
LegacyStart = Annotated[
    int | None, typer.Option(help="Of such a token: when the instance was started, in Unix seconds.")
]


# -- describing --------------------------------------------------------------------------------------------------------


@app.command()
def add(
    id_: Annotated[str, typer.Option("--id", help="Its id; by default the next free one.")] = "",
    name: Name = None,
    owner: Owner = None,
    user: User = None,
    address: Address = None,
    network: Network = None,
    source: Source = None,
    port: Port = None,
    service: Service = None,
    role: Role = None,
    router: Router = None,
    nic: Nic = None,
    attribute: Attribute = None,
    legacy_password_file: LegacyPassword = None,
    legacy_start: LegacyStart = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make an instance known to the gate; prints its token, which is shown this once."""
    given = _given(name, owner, user, address, network, source, port, service, role, router, nic, attribute)
    settings = read_settings(config)
    if legacy_password_file is not None and not id_:
        raise CommandError("--legacy-password-file: such a token is of one --id", Exit.USAGE)
    legacy, endpoint = _legacy(id_, legacy_password_file, legacy_start), _endpoint(settings)

    async def work(books: Books) -> tuple[Instance, str]:
        made, token = await books.instances.add(given, identifier=id_)
        if legacy:
            await books.instances.take_over_token(made.id, legacy)
        return made, token

    made, token = on_books(settings, work)
    _print_token(made.id, token, endpoint, json=json, said=f"Instance {made.id}: {made.name or 'no name'}.")


@app.command()
def change(
    identifier: Identifier,
    name: Name = None,
    owner: Owner = None,
    user: User = None,
    address: Address = None,
    network: Network = None,
    source: Source = None,
    port: Port = None,
    service: Service = None,
    role: Role = None,
    router: Router = None,
    nic: Nic = None,
    attribute: Attribute = None,
    config: Config = None,
) -> None:
    """Describe an instance anew: what is given takes the place of what was; an empty text takes it away."""
    given = _given(name, owner, user, address, network, source, port, service, role, router, nic, attribute)
    if not given:
        raise CommandError("say what shall change, such as --address 10.20.3.4", Exit.USAGE)

    async def work(books: Books) -> Instance:
        return await books.instances.change(identifier, given)

    on_books(read_settings(config), work)
    print("Changed.")


@app.command()
def remove(identifier: Identifier, config: Config = None) -> None:
    """Forget an instance, its tokens, its report and its host keys."""

    async def work(books: Books) -> bool:
        return await books.instances.remove(identifier)

    if not on_books(read_settings(config), work):
        raise CommandError(f"there is no instance {identifier}")
    print("Removed.")


# -- tokens ------------------------------------------------------------------------------------------------------------


@app.command()
def token(
    identifier: Identifier,
    overlap: Annotated[
        str, typer.Option(help="How long the token before stays good: 30m, 8h; 24h at most.")
    ] = "0",
    rebuilt: Annotated[
        bool,
        typer.Option(
            "--rebuilt", help="It is built anew: its report, host keys and VNC password are forgotten."
        ),
    ] = False,
    legacy_password_file: LegacyPassword = None,
    legacy_start: LegacyStart = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Give an instance another token, which is shown this once; those before end.

    With --legacy-password-file no token is made: the one that an older gate gave the instance is taken beside its own.
    """
    seconds = seconds_of("overlap", overlap)
    settings = read_settings(config)
    legacy, endpoint = _legacy(identifier, legacy_password_file, legacy_start), _endpoint(settings)

    async def work(books: Books) -> str:
        if legacy:
            await books.instances.take_over_token(identifier, legacy)
            return ""
        return await books.instances.new_token(identifier, overlap=seconds, rebuilt=rebuilt)

    made = on_books(settings, work)
    if made:
        _print_token(identifier, made, endpoint, json=json, said=f"Another token of instance {identifier}.")
    elif json:
        print_json({"id": identifier, "legacy": True})
    else:
        print("The older gate's token is taken, too, where gate-legacy-tokens is on.")


@app.command()
def revoke(identifier: Identifier, config: Config = None) -> None:
    """End all tokens of an instance; `token` makes the next one."""

    async def work(books: Books) -> int:
        return await books.instances.revoke(identifier)

    if not on_books(read_settings(config), work):
        raise CommandError(f"instance {identifier} has no token in force")
    print("Revoked.")


def _print_token(identifier: str, made: str, endpoint: str, *, json: bool, said: str) -> None:
    place = {"ONEGATE_ENDPOINT": endpoint, "VMID": identifier, "ONEGATE_TOKEN": made}
    if json:
        print_json({"id": identifier, "token": made, "endpoint": endpoint})
        return
    print(f"{said} Its token is shown this once; place it on the instance, readable for root alone:")
    print()
    for name, value in place.items():
        print(f"{name}={value}")
    print()
    print(
        "OneGate's own client has the token as TOKENTXT, and OpenNebula's context as the file token.txt, alone."
    )


def _endpoint(settings: Settings) -> str:
    """Where instances find the gate, as far as it is known."""
    from broker.gate.config import gate_policy
    from proxyd.sources import SettingsError

    try:
        policy = gate_policy(settings)
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    host, _, port = policy.bind.rpartition(":")
    if policy.url or not host or host == "unix":
        return policy.url or f"http://{UNKNOWN_ADDRESS}:5030"
    return f"http://{UNKNOWN_ADDRESS if host in ANYWHERE else host}:{port}"


def _legacy(identifier: str, file: Path | None, start: int | None) -> str:
    """The token that an older gate gave; empty where none is asked for."""
    from broker.gate.legacy import legacy_token

    if file is None and start is None:
        return ""
    if file is None or start is None:
        raise CommandError("--legacy-password-file and --legacy-start go together", Exit.USAGE)
    try:
        with file.open("rb") as opened:
            password = opened.read(MAX_PASSWORD).decode().strip()
        return legacy_token(password, identifier, start)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", Exit.USAGE) from None
    except ValueError:
        raise CommandError(f"{file} holds no token password", Exit.USAGE) from None


# -- looking -----------------------------------------------------------------------------------------------------------


@app.command("list")
def list_(
    contains: Annotated[str, typer.Argument(help="Only those with these words; by default all.")] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """List instances: whose they are, where, and whether they are ready."""
    from broker.gate.shown import described, reported, shown_keys

    async def work(books: Books) -> list[tuple[Instance, Report, HostKeys]]:
        return await _all(books)

    now = time.time()
    rows = []
    for instance, report, known in on_books(read_settings(config), work):
        line = _line(instance, report, known, now)
        if all(word in line.lower() for word in contains.lower().split()):
            whole = described(instance, now) | {"report": reported(report), "host_keys": shown_keys(known)}
            rows.append((line, whole))
    if json:
        print_json([whole for _, whole in rows])
        return
    for line, _ in rows:
        print(line)


@app.command()
def show(identifier: Identifier, config: Config = None, json: Json = False) -> None:
    """Show an instance: its description, its tokens without their text, what it reported, its host keys."""
    from broker.gate.shown import described, legible, reported, shown_keys

    async def work(books: Books) -> tuple[Instance | None, Report, HostKeys]:
        return (
            await books.instances.find(identifier),
            await books.reports.find(identifier),
            await books.host_keys.find(identifier),
        )

    instance, report, known = on_books(read_settings(config), work)
    if instance is None:
        raise CommandError(f"there is no instance {identifier}")
    now = time.time()
    if json:
        whole = described(instance, now) | {"report": reported(report) | {"attributes": report.attributes}}
        print_json(whole | {"host_keys": shown_keys(known)})
        return
    for name, value in _facts(instance, report, now):
        if value:
            print(f"{name + ':':12} {value}")
    for name, value in legible(report.attributes).items():
        print(f"  {name} = {value}")
    print_keys(known, now)


async def _all(books: Books) -> list[tuple[Instance, Report, HostKeys]]:
    from broker.gate.host_keys import HostKeys
    from broker.gate.reports import Report

    reports, known = await books.reports.all(), await books.host_keys.all()
    return [
        (row, reports.get(row.id, Report()), known.get(row.id, HostKeys()))
        for row in await books.instances.all()
    ]


def _line(instance: Instance, report: Report, known: HostKeys, now: float) -> str:
    from broker.gate.shown import reported

    said = reported(report)
    facts = [
        f"of {instance.owner}" if instance.owner else "",
        ", ".join(instance.addresses) + (f" in {instance.network}" if instance.network else ""),
        said["readiness"] + (f", {span(now - report.reported)} ago" if report.reported else ""),
        said["error"],
        "HOST KEY CHANGED" if known.blocked else "",
    ]
    return f"{f'{instance.id} {instance.name}'.strip()}: {'; '.join(filter(None, facts))}"


def _facts(instance: Instance, report: Report, now: float) -> list[tuple[str, str]]:
    from broker.gate.shown import clean, reported

    said = reported(report)
    where = f" from {report.address}" if report.address else ""
    ports = {
        name: f"{low}-{high}" if low != high else str(low) for name, (low, high) in instance.ports.items()
    }
    tokens = [
        f"{span(now - row.created)} old" + (", of an older gate" if row.legacy else "")
        + (f", for another {span(row.until - now)}" if row.until else "")
        for row in instance.tokens if row.good(now)
    ]  # fmt: skip
    return [
        ("Instance", f"{instance.id} {instance.name}"),
        ("Made by", instance.key_id and f"key {instance.key_id}"),
        ("Owner", instance.owner),
        ("Users", ", ".join(instance.users)),
        ("Addresses", ", ".join(instance.addresses)),
        ("Network", instance.network),
        ("Token from", ", ".join(instance.sources)),
        ("Ports", ", ".join(f"{name} {ports}" for name, ports in ports.items())),
        ("Service", f"{instance.service} {instance.role}".strip()),
        ("Router", instance.router),
        ("Cards", clean("; ".join(map(_written, instance.nics)))),
        ("Attributes", clean(_written(instance.template))),
        ("Tokens", "; ".join(tokens) or "none in force"),
        ("State", said["readiness"]),
        ("Reported", f"{span(now - report.reported)} ago{where}" if report.reported else ""),
        ("Agent", said["agent"]),
        ("Error", said["error"]),
    ]  # fmt: skip


def _written(pairs: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in pairs.items())


# -- words -------------------------------------------------------------------------------------------------------------


def _given(
    name: str | None,
    owner: str | None,
    users: list[str] | None,
    addresses: list[str] | None,
    network: str | None,
    sources: list[str] | None,
    ports: list[str] | None,
    service: str | None,
    role: str | None,
    router: str | None,
    nics: list[str] | None,
    attributes: list[str] | None,
) -> dict[str, Any]:
    """The fields of an instance that somebody gave."""
    fields = {
        "name": name,
        "owner": owner,
        "users": _filled(users),
        "addresses": _filled(addresses),
        "network": network,
        "sources": _filled(sources),
        "ports": None if ports is None else dict(map(_ports, filter(None, ",".join(ports).split(",")))),
        "service": service,
        "role": role,
        "router": router,
        "nics": None if nics is None else [_pairs("--nic", row.split(",")) for row in nics if row],
        "template": None if attributes is None else _pairs("--attribute", filter(None, attributes)),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _filled(texts: list[str] | None) -> list[str] | None:
    return None if texts is None else [text for text in texts if text]


def _pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise CommandError(f"{option} {text}: should look like NAME=VALUE", Exit.USAGE)
        pairs[name.strip().upper()] = value
    return pairs


def _ports(text: str) -> tuple[str, tuple[int, int]]:
    protocol, _, ports = text.strip().partition("=")
    low, dash, high = ports.partition("-")
    try:
        return protocol, (int(low), int(high if dash else low))
    except ValueError:
        raise CommandError(f"--port {text}: should look like ssh=22 or vnc=5900-5905", Exit.USAGE) from None
