"""Write the reference pages that are generated from tables in the code. `make docs` runs this, a test compares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr
from typer.main import get_command

from broker.cli.app import app
from broker.cli.outcome import Exit
from broker.metrics import Metrics
from broker.settings import Settings as BrokerSettings
from proxyd.__main__ import app as proxyd_app
from proxyd.settings import Settings as ProxydSettings
from proxyd.wire.status import Hop, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by `make docs`. Do not edit. -->"


def settings() -> str:
    """docs/reference/settings.md."""
    return "\n".join(
        [
            "# Settings",
            "",
            GENERATED,
            "",
            "Every setting has one name, used alike in four places; later ones win:",
            "",
            "1. `fanlight.toml`: the top level is for both daemons, `[broker]` and `[proxyd]` are their own. It is read",
            "   from `--config FILE`, else from where `FANLIGHT_CONFIG` points, else from `/etc/fanlight/fanlight.toml`.",
            "   A `guacamole.properties` is read as well where `--config` names one.",
            "2. The environment, as `FANLIGHT_` and the name in upper case with underscores: `FANLIGHT_SECRET_KEY`.",
            "3. `FANLIGHT_…_FILE`: the value is the content of that file, for secrets that are mounted.",
            "4. Flags of the command, where it has one of that name: `--bind`.",
            "",
            "Lists are written `a, b` outside TOML, tables `ssh=22,vnc=5905`.",
            "",
            "## broker",
            "",
            *_table(BrokerSettings),
            "",
            "## proxyd",
            "",
            *_table(ProxydSettings),
            "",
        ]
    )


def _table(model: type[BaseModel]) -> list[str]:
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{field.alias or name}` | {_default(field.default)} | {meaning}{_range(field)} |")
    return rows


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    match value:
        case None | "" | ():
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case dict():
            return f"`{','.join(f'{key}={number}' for key, number in value.items())}`"
        case tuple():
            return f"`{', '.join(str(item) for item in value)}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`".replace("|", "\\|")


def _range(field: FieldInfo) -> str:
    """The choices or the range that the model enforces, as a sentence."""
    words = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
    said = [
        text.format(getattr(limit, name))
        for limit in field.metadata
        for name, text in words.items()
        if getattr(limit, name, None) is not None
    ]
    if said:
        return f" ({', '.join(said)})"
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str) and choice]
    return f" ({', '.join(f'`{choice}`' for choice in choices)})" if choices else ""


def status_codes() -> str:
    """docs/reference/status-codes.md."""
    rows = [
        f"| {status.name} | {status.code:#06x} | {status.code} | {status.http} | {status.websocket} |"
        for status in Status
    ]
    hops = ", ".join(f"`{hop.value}`" for hop in Hop)
    return "\n".join(
        [
            "# Status codes",
            "",
            GENERATED,
            "",
            "One table for every place where a failure is told: the `error` instruction carries the code, an HTTP answer",
            "the HTTP status, a WebSocket the close code with the decimal code as its reason.",
            "",
            "| name | code | decimal | HTTP | WebSocket |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            "The text of an `error` instruction is written for a person and names the hop that failed:",
            "`desktop: Nothing listens on port 5905. (ref 7K2A)`. Hops are " + hops + ".",
            "The reference stands in the log lines of broker and proxyd as well.",
            "",
        ]
    )


def commands() -> str:
    """docs/reference/commands.md."""
    parts = ["# Commands and exit codes", "", GENERATED, ""]
    parts += [
        "Failures are one line on standard error that names the setting or the hop. With `--json` the result is one"
    ]
    parts += ["JSON document on standard output.", "", "| exit code | meaning |", "| --- | --- |"]
    parts += [f"| {code.value} | {code.meaning} |" for code in Exit]
    for name, command in _commands(get_command(app), "fanlight"):
        if name == "fanlight broker":
            parts += ["", f"## {name}", "", command.help, ""]
            parts += [
                "`--config FILE`, and every [setting of the broker](settings.md#broker) as a flag of its name."
            ]
        else:
            parts += _command(name, get_command(proxyd_app) if name == "fanlight proxyd" else command)
    return "\n".join([*parts, ""])


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Commands by their full names, in the order of the help."""
    for inner, found in command.commands.items():
        if hasattr(found, "commands"):
            yield from _commands(found, f"{name} {inner}")
        else:
            yield f"{name} {inner}", found


def _command(title: str, command: Any) -> list[str]:
    """A heading, what the command does, its arguments and options."""
    about = "\n".join(line.strip() for line in (command.help or "").strip().splitlines())
    rows = []
    for parameter in command.params:
        argument = parameter.param_type_name == "argument"
        names = (
            f"`{parameter.name.upper()}`" if argument else ", ".join(f"`{name}`" for name in parameter.opts)
        )
        default = parameter.default
        plain = (
            not callable(default) and isinstance(default, str | int | float) and not isinstance(default, bool)
        )
        rows.append(f"| {names} | {parameter.help or ''} | {f'`{default}`' if plain else ''} |")
    return [
        "",
        f"## {title}",
        "",
        about,
        "",
        "| argument, option | meaning | default |",
        "| --- | --- | --- |",
        *rows,
    ]


def metrics() -> str:
    """docs/reference/metrics.md."""
    rows = []
    for family in Metrics().registry.collect():
        values: dict[str, list[str]] = {}
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label != "le" and value not in values.setdefault(label, []):
                    values[label].append(value)
        labels = "; ".join(f"`{label}`: {', '.join(found)}" for label, found in values.items())
        name = family.name + ("_total" if family.type == "counter" else "")
        rows.append(f"| `{name}` | {family.type} | {family.documentation} | {labels} |")
    return "\n".join(
        [
            "# Metrics",
            "",
            GENERATED,
            "",
            "The broker serves them for Prometheus at `metrics-bind`. Names begin with the daemon; every label value exists",
            "from the start, so that a dashboard shows zeros and not holes.",
            "",
            "| name | type | meaning | labels |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


PAGES = {
    "settings.md": settings,
    "status-codes.md": status_codes,
    "metrics.md": metrics,
    "commands.md": commands,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    main()
