"""The import map: shells import cores, cores import values, values import nothing."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
INPUT_OUTPUT = ("asyncio", "socket", "ssl", "selectors", "subprocess", "threading", "aiohttp", "asyncssh")


class Rule(NamedTuple):
    """Modules under `who` never import anything under `never`, apart from what is under `but`."""

    who: str
    never: tuple[str, ...]
    but: tuple[str, ...] = ()


RULES = [
    # the daemons
    Rule("broker", ("proxyd",), but=("proxyd.wire", "proxyd.sources")),
    Rule("proxyd", ("broker", "connector")),
    # the agent in a private network stands alone; of its parts the broker knows the key and the form of a release
    Rule(
        "connector", ("broker", "client", "proxyd"), but=("proxyd.wire", "proxyd.sources", "proxyd.carrying")
    ),
    Rule("proxyd.carrying", ("proxyd",)),
    *(
        Rule(part, ("connector",), but=("connector.keyfile", "connector.release"))
        for part in ("broker.networks", "broker.views", "broker.app")
    ),
    # what the command line does over SSH: the daemons do not know it
    Rule(
        "client", ("broker", "connector", "proxyd.session", "proxyd.server", "proxyd.terminal", "proxyd.rfb")
    ),
    Rule("proxyd", ("client",)),
    *(
        Rule(part, ("client",))
        for part in (
            "broker.app",
            "broker.views",
            "broker.gateway",
            "broker.commands",
            "broker.networks",
            "broker.gate",
        )
    ),
    Rule("client.hosts", INPUT_OUTPUT),
    Rule("client.ssh_config", INPUT_OUTPUT),
    Rule("connector.keyfile", ("asyncio", "socket")),
    Rule("connector.permits", INPUT_OUTPUT),
    Rule("connector.release", ("asyncio", "socket", "aiohttp")),
    Rule("connector.updates", (*INPUT_OUTPUT, "time")),
    Rule("connector.trial", ("connector",), but=("connector.versions",)),
    Rule("connector.versions", ("connector",)),
    Rule("proxyd.wire", ("proxyd", *INPUT_OUTPUT), but=("proxyd.wire",)),
    Rule("proxyd.sources", ("proxyd", *INPUT_OUTPUT)),
    # cores: no I/O
    *(
        Rule(core, INPUT_OUTPUT)
        for core in (
            "broker.auth",
            "broker.extensions",
            "broker.gate.attributes",
            "broker.gate.legacy",
            "broker.gate.policy",
            "broker.gate.proxy_header",
            "broker.gate.shapes",
            "broker.keys",
            "proxyd.display.emit",
            "proxyd.display.encode",
            "proxyd.display.ops",
            "proxyd.display.pacing",
            "proxyd.rfb",
            "proxyd.terminal",
        )
    ),
    Rule("proxyd.display.pacing", ("time",)),
    Rule("proxyd.display.ops", ("proxyd",)),
    # neighbours that know nothing of each other
    Rule("proxyd.terminal.parser", ("proxyd.terminal.screen", "proxyd.terminal.painter")),
    Rule("proxyd.terminal.screen", ("proxyd.terminal.parser", "proxyd.terminal.painter")),
    Rule("proxyd.terminal", ("proxyd.rfb", "proxyd.instances", "proxyd.wire")),
    Rule(
        "proxyd.rfb",
        ("proxyd.terminal", "proxyd.instances", "proxyd.display.pump", "proxyd.wire.instruction"),
    ),
    Rule("proxyd.display", ("proxyd.rfb", "proxyd.terminal", "proxyd.instances")),
    Rule("proxyd.instances.ssh", ("proxyd.instances.vnc", "proxyd.rfb")),
    Rule("proxyd.instances.vnc", ("proxyd.instances.ssh", "proxyd.terminal")),
    Rule("proxyd.instances", ("proxyd.wire.instruction", "proxyd.session", "proxyd.server")),
    Rule("proxyd.instances", ("proxyd.transit",)),
    Rule("proxyd.transport", ("proxyd.transit", "proxyd.session", "proxyd.server")),
    Rule("proxyd.transit", ("proxyd.session", "proxyd.display", "proxyd.terminal", "proxyd.rfb")),
    # the broker: views on top, decisions below
    Rule("broker.auth", ("broker.views", "broker.app", "broker.settings", "broker.sessions")),
    Rule("broker.extensions", ("broker.views", "broker.app")),
    # the gate: HTTP stays in its application, its views and its listener
    Rule("broker.gate", ("broker.app", "broker.cli", "broker.server")),
    *(
        Rule(f"broker.gate.{part}", ("aiohttp", "broker.views", "broker.gate.views", "broker.gate.app"))
        for part in ("gate", "pushes", "entrance", "rates", "instances", "reports", "host_keys", "nets")
    ),
    Rule("broker.settings", ("broker", "aiohttp")),
    Rule("broker.keys", ("broker.views", "broker.app", "proxyd")),
    Rule("broker.tunnel", ("aiohttp.web", "jinja2", "broker.views")),
    Rule("broker.proxyd_client", ("aiohttp.web", "broker.views")),
    Rule("broker.views", ("broker.cli", "broker.app")),
    Rule("broker.app", ("broker.cli",)),
]

SEPARATE = ("broker.auth", "broker.views", "proxyd.rfb.decoders")
"""Packages whose modules do not import each other, apart from `base` and the package itself."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("proxyd.rfb.security.tls", "ssl"): "TLS on memory buffers: no socket is touched",
    ("proxyd.terminal.fonts", "subprocess"): "fontconfig is asked once, when a process starts",
}
"""(module, import) that a rule forbids, and why it stands. This list shrinks."""


def modules() -> dict[str, ast.Module]:
    """Every module of the two packages, parsed."""
    parsed = {}
    for package in ("broker", "client", "connector", "proxyd"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            parsed[name] = ast.parse(path.read_text(), str(path))
    return parsed


MODULES = modules()


def imports(tree: ast.Module) -> set[str]:
    """The dotted names that a module imports, for type checkers only or not."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            whole = f"{node.module}."
            found |= {
                whole + alias.name if whole + alias.name in MODULES else node.module or ""
                for alias in node.names
            }
    return found


def under(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


IMPORTS = [(module, name) for module, tree in MODULES.items() for name in sorted(imports(tree))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.who} not {rule.never[0]}")
def test_imports_point_one_way(rule: Rule) -> None:
    wrong = [
        f"{module} imports {name}"
        for module, name in IMPORTS
        if under(module, (rule.who,))
        and under(name, rule.never)
        and not under(name, (*rule.but, rule.who))
        and (module, name) not in EXCEPTIONS
    ]
    assert not wrong


@pytest.mark.parametrize("package", SEPARATE)
def test_siblings_do_not_import_each_other(package: str) -> None:
    allowed = {package, f"{package}.base"}
    wrong = [
        f"{module} imports {name}"
        for module, name in IMPORTS
        if module.startswith(f"{package}.") and under(name, (package,)) and name not in allowed | {module}
    ]
    assert not wrong


def test_every_exception_is_needed() -> None:
    assert [pair for pair in EXCEPTIONS if pair not in IMPORTS] == []


def test_every_rule_is_about_something() -> None:
    assert [rule.who for rule in RULES if not any(under(module, (rule.who,)) for module in MODULES)] == []


def test_every_task_has_a_name_and_somebody_who_keeps_it() -> None:
    """A task nobody refers to may vanish half-way, and one without a name cannot be found in a dump."""
    wrong = []
    for module, tree in MODULES.items():
        dropped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "ensure_future":
                wrong.append(f"{module}:{node.lineno} ensure_future")
            if node.func.attr == "create_task":
                owner = ast.unparse(node.func.value)
                in_group = owner != "asyncio" and "loop" not in owner
                if not any(keyword.arg == "name" for keyword in node.keywords):
                    wrong.append(f"{module}:{node.lineno} has no name")
                if id(node) in dropped and not in_group:
                    wrong.append(f"{module}:{node.lineno} is kept by nobody")
    assert not wrong
