"""Write the reference pages that are generated from tables in the code. `make docs` runs this, a test compares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr
from typer.main import get_command

from broker.cli.app import app
from broker.cli.outcome import Exit
from broker.metrics import Metrics
from broker.reload import LIVE
from broker.settings import Settings as BrokerSettings
from connector.__main__ import app as connector_app
from connector.settings import Settings as ConnectorSettings
from proxyd.__main__ import app as proxyd_app
from proxyd.settings import Settings as ProxydSettings
from proxyd.terminal.charsets import CHARSETS_94, CHARSETS_96
from proxyd.terminal.functions.controls import CONTROLS, ESCAPES
from proxyd.terminal.functions.csi import CSI
from proxyd.terminal.functions.dcs import DCS, SETTINGS
from proxyd.terminal.functions.modes import ANSI_MODES, DEC_MODES, Mode
from proxyd.terminal.functions.osc import OSC, PATH_LIMIT, URI_LIMIT
from proxyd.terminal.graphemes import CLUSTER_LIMIT
from proxyd.terminal.parser import INTERMEDIATE_LIMIT, PARAMETER_LIMIT, STRING_LIMIT, VALUE_LIMIT
from proxyd.terminal.terminal import EVENT_LIMIT, MAX_COLUMNS, MAX_ROWS, REPLY_LIMIT, TITLE_LIMIT
from proxyd.wire.status import Hop, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
            "1. `fanlight.toml`: the top level is for both daemons, `[broker]`, `[proxyd]` and `[connector]` are their own. It is",
            "   read from `--config FILE`, else from where `FANLIGHT_CONFIG` points, else from `/etc/fanlight/fanlight.toml`.",
            "   A `guacamole.properties` is read as well where `--config` names one.",
            "2. The environment, as `FANLIGHT_` and the name in upper case with underscores: `FANLIGHT_SECRET_KEY`.",
            "3. `FANLIGHT_…_FILE`: the value is the content of that file, for secrets that are mounted.",
            "4. Flags of the command, where it has one of that name: `--bind`.",
            "",
            "Lists are written `a, b` outside TOML, tables `ssh=22,vnc=5905`.",
            "",
            "On SIGHUP the broker reads its settings again. These take effect at once, for who comes and who is there:",
            f"{_live()}.",
            "Any other that changed is named in the log and waits for a restart, after which people find their sessions again.",
            "",
            "## broker",
            "",
            *_table(BrokerSettings),
            "",
            "## proxyd",
            "",
            *_table(ProxydSettings),
            "",
            "## connector",
            "",
            *_table(ConnectorSettings),
            "",
        ]
    )


def _live() -> str:
    names = (name.replace("_", "-") for name in sorted(LIVE))
    return ", ".join(f"`{name}`" for name in names)


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
    daemons = {
        "fanlight proxyd": get_command(proxyd_app),
        "fanlight connector run": get_command(connector_app),
    }
    for name, command in _commands(get_command(app), "fanlight"):
        if name == "fanlight broker":
            parts += ["", f"## {name}", "", command.help, ""]
            parts += [
                "`--config FILE`, and every [setting of the broker](settings.md#broker) as a flag of its name."
            ]
        else:
            parts += _command(name, daemons.get(name, command))
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


def terminal() -> str:
    """docs/reference/terminal.md."""
    return "\n".join(
        [
            "# The terminal",
            "",
            GENERATED,
            "",
            "The shell runs in an `xterm-256color`: a VT420 with xterm's extensions. What its terminfo entry promises is tested",
            "capability by capability, what is listed here sequence by sequence. Anything else is read to its end and ignored,",
            "never printed. Output is UTF-8; a byte that is none shows as U+FFFD.",
            *_sequences("Controls", CONTROLS, _control),
            *_sequences("Escape sequences", _without_charsets(), lambda key: f"`ESC {' '.join(key)}`"),
            "",
            f"`ESC (`, `)`, `*`, `+` designate a set of 94 characters as G0 to G3: {_list(CHARSETS_94)}; `ESC -`, `.`, `/` one of 96",
            f"as G1 to G3: {_list(CHARSETS_96)}. C1 controls may come as their two-character form or as U+0080 to U+009F.",
            *_sequences("Control sequences", CSI, _csi),
            "",
            "`m` is SGR: 0 to 9, 21 to 25, 27 to 29, 30 to 49, 53, 55, 58, 59, 90 to 97, 100 to 107; underlines as `4:0` to `4:5`;",
            "colours as `38;5;n`, `38;2;r;g;b` and with colons.",
            *_sequences("Modes", dict(sorted(ANSI_MODES.items())), lambda key: f"`CSI {key} h`"),
            *_sequences("Private modes", dict(sorted(DEC_MODES.items())), lambda key: f"`CSI ? {key} h`"),
            *_sequences("Device control strings", DCS, lambda key: f"`DCS {' '.join(key)}`"),
            "",
            f"DECRQSS answers for {', '.join(f'`{setting}`' for setting in SETTINGS)}.",
            "",
            "## Operating system commands",
            "",
            "| sequence | meaning |",
            "| --- | --- |",
            *(f"| `OSC {number}` | {row.summary} |" for number, row in OSC.items()),
            "",
            *TERMINAL_NOTES,
        ]
    )


def _sequences(title: str, table: Mapping[Any, Any], write: Callable[[Any], str]) -> list[str]:
    rows = [f"| {write(key)} | {row.name} | {row.summary}{_fixed(row)} |" for key, row in table.items()]
    return ["", f"## {title}", "", "| sequence | name | meaning |", "| --- | --- | --- |", *rows]


def _fixed(row: Any) -> str:
    return " (cannot be changed)" if isinstance(row, Mode) and row.set is None else ""


def _without_charsets() -> dict[str, Any]:
    return {key: row for key, row in ESCAPES.items() if row.name != "SCS"}


def _control(key: str) -> str:
    return f"`{ord(key):#04x}`"


def _csi(key: str) -> str:
    marker, rest = (f"{key[0]} ", key[1:]) if key[0] in "<=>?" else ("", key)
    body = f"CSI {marker}… {rest.replace(' ', 'SP ')}"
    return f"`` {body} ``" if "`" in body else f"`{body}`"


def _list(finals: Iterable[str]) -> str:
    return ", ".join("`` ` ``" if final == "`" else f"`{final}`" for final in finals)


TERMINAL_NOTES = [
    "## Limits",
    "",
    f"- {PARAMETER_LIMIT} characters of parameters, {INTERMEDIATE_LIMIT} intermediates, {STRING_LIMIT // 1024} KiB in one string.",
    f"  A sequence beyond that is dropped; a parameter counts as {VALUE_LIMIT} at most.",
    f"- {MAX_COLUMNS} columns, {MAX_ROWS} rows; a larger window gets a terminal of that size.",
    f"- {CLUSTER_LIMIT} code points in a cell, {TITLE_LIMIT} characters in a title, {URI_LIMIT} in a link, {PATH_LIMIT} in a path.",
    f"- {REPLY_LIMIT // 1024} KiB of answers and {EVENT_LIMIT} events wait to be taken; further ones are dropped.",
    "",
    "## Where it differs, and why",
    "",
    "- A cluster of code points (an emoji sequence, a letter with marks) shares one cell of one or two columns; mode 2027 says",
    "  so. Programs that add up the widths of code points may then be off; the text is always right.",
    "- With a wrap pending, `EL 0` and `ED 0` leave the last column alone (as VTE, tmux and xterm.js do, unlike xterm): what",
    "  `grep --color` prints at the edge stays whole.",
    "- Titles and the clipboard cannot be read back, and DECRQCRA is not answered: what one program showed is no business of",
    "  another. Window operations only report; the window belongs to the person.",
    "- DECCOLM and 132 columns, double width and height (DECDWL, DECDHL), the printer (media copy), soft fonts, ReGIS, sixel",
    "  and the Tektronix are not there. DA1 does not claim them.",
    "- The alternate screen is blank whenever it is entered, by mode 47 too.",
    "- A string ends at ST or, an OSC, at BEL; guacd also ends one at a bare backslash.",
    "- Colours of OSC 4 and 10 to 12 are X11 names, `#` and `rgb:`; `rgbi:` and the device-independent spaces are not read.",
    "- Kitty's flag 4 (alternate keys) stays off: the person's keyboard layout is not known here.",
    "- On a resize lines wrap anew, scrollback included; the alternate screen is cut.",
    "",
]


PAGES = {
    "settings.md": settings,
    "status-codes.md": status_codes,
    "metrics.md": metrics,
    "commands.md": commands,
    "terminal.md": terminal,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    main()
