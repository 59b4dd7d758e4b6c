"""The gate's rules, out of the settings and of an `onegate-server.conf` (sheet E.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
import yaml

from broker.gate.policy import PERMISSIONS, Policy
from proxyd.sources import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from broker.settings import Settings

__all__ = ["gate_policy", "read_config"]

MAX_FILE = 65536
PORT = 5030
MIN_CORE_KEY = 32
PERMITTED = "permissions"
LISTS = {
    "restricted_attrs": "gate_restricted_attrs",
    "restricted_actions": "gate_restricted_actions",
    "vnet_template_attributes": "gate_vnet_attributes",
}
NUMBERS = {"expire_delta": "gate_expire_delta", "expire_margin": "gate_expire_margin"}
ADDRESSES = frozenset({"host", "port", "server", "ssl_server"})


def gate_policy(settings: Settings) -> Policy:
    """The rules in force: settings that are given go before the file, the file before defaults.

    Raises:
        SettingsError: the file cannot be read, a rule is not known, or the core's key is too short.
    """
    key = settings.gate_core_key.get_secret_value()
    if settings.gate_core_url and len(key.encode()) < MIN_CORE_KEY:
        raise SettingsError(f"gate-core-key: {MIN_CORE_KEY} bytes at least")
    values = {name: getattr(settings, name) for name in (*LISTS.values(), *NUMBERS.values())}
    values |= {name: getattr(settings, name) for name in ("gate_bind", "gate_url", "gate_permissions")}
    if settings.gate_config is not None:
        given = settings.model_fields_set
        read = read_config(settings.gate_config)
        values |= {name: value for name, value in read.items() if name not in given}
        if not values["gate_permissions"]:
            structlog.get_logger().warning("gate-config permits nothing", file=str(settings.gate_config))
    unknown = set(values["gate_permissions"]) - PERMISSIONS
    if unknown:
        raise SettingsError(f"gate-permissions: there is no {min(unknown)}")
    return Policy(
        bind=values["gate_bind"],
        url=values["gate_url"],
        permissions=frozenset(values["gate_permissions"]),
        restricted_attributes=frozenset(name.strip().upper() for name in values["gate_restricted_attrs"]),
        restricted_actions=frozenset(name.strip().lower() for name in values["gate_restricted_actions"]),
        network_attributes=frozenset(name.strip().upper() for name in values["gate_vnet_attributes"]),
        expire_delta=max(values["gate_expire_delta"], values["gate_expire_margin"]),
        expire_margin=values["gate_expire_margin"],
    )


def read_config(path: Path) -> dict[str, Any]:
    """Values by the name of our setting; what the file has beside them is named in one log line.

    A key without a value counts as none, as the gate that the file was written for has it: `:restricted_actions:` with
    nothing below still restricts `reboot`. An empty list is written `[]`. What is not among the permissions is off, all of it
    where there are none.

    Raises:
        SettingsError: it cannot be read, or a value will not do.
    """
    rows = _rows(path)
    unused = sorted(rows.keys() - LISTS.keys() - NUMBERS.keys() - ADDRESSES - {PERMITTED})
    if unused:
        names = ", ".join(unused)[:500]
        structlog.get_logger().info("keys of gate-config that are not used", names=names, file=str(path))
    rows = {name: value for name, value in rows.items() if value is not None}
    found: dict[str, Any] = _addresses(rows, path)
    for name, setting in LISTS.items():
        if name in rows:
            found[setting] = _words(rows[name], name, path)
    for name, setting in NUMBERS.items():
        if name in rows:
            found[setting] = _number(rows[name], name, path)
    found["gate_permissions"] = _permissions(rows.get(PERMITTED, {}), path)
    return found


def _rows(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise SettingsError(f"gate-config: {path} is larger than {MAX_FILE} characters")
        return _symbols(yaml.safe_load(text) or {}, "the file", path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"gate-config: {path} cannot be read: {error.__class__.__name__}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(
            f"gate-config: {path}{where}: this is no YAML; symbols stand one below the other, as in `:vm:`, and not in braces or "
            "brackets"
        ) from None
    except RecursionError:
        raise SettingsError(f"gate-config: {path} is nested too deeply") from None


def _symbols(value: Any, name: str, path: Path) -> dict[str, Any]:
    """A table whose keys may be Ruby's symbols."""
    if not isinstance(value, dict):
        raise _wrong(name, "is no table", path)
    return {str(key).removeprefix(":"): row for key, row in value.items()}


def _addresses(rows: dict[str, Any], path: Path) -> dict[str, Any]:
    server = _symbols(rows.get("server", {}), "server", path)
    host = rows.get("host", server.get("bind"))
    port = _number(rows.get("port", server.get("port", PORT)), "port", path)
    found: dict[str, Any] = {}
    if host is not None:
        text = str(host)
        found["gate_bind"] = f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
    if "ssl_server" in rows:
        found["gate_url"] = str(rows["ssl_server"]).rstrip("/")
    return found


def _words(value: Any, name: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(row, str) for row in value):
        raise _wrong(name, "is no list of words", path)
    return tuple(row.removeprefix(":") for row in value)


def _number(value: Any, name: str, path: Path) -> int:
    if type(value) is not int or not 0 <= value <= 86400:
        raise _wrong(name, "is no number from 0 to 86400", path)
    return value


def _permissions(value: Any, path: Path) -> tuple[str, ...]:
    """What is switched on; what is not named is off."""
    table = _symbols(value, PERMITTED, path)
    switches = {
        f"{what}.{action}": on
        for what, row in table.items()
        for action, on in _symbols(row or {}, PERMITTED, path).items()
    }
    return tuple(name for name, on in switches.items() if on is True and name in PERMISSIONS)


def _wrong(name: str, problem: str, path: Path) -> SettingsError:
    return SettingsError(f"gate-config: {name} in {path} {problem}")
