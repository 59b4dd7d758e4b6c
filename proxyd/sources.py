"""Where settings come from, for both daemons: a file, the environment, flags; later ones win.

`load(Model, ...)` fills a pydantic model whose fields have kebab-case aliases. The file is a `fanlight.toml` (its top
level is shared, the table named after the daemon is its own) or an existing deployment's `guacamole.properties`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Loaded", "SettingsError", "load", "parse_properties"]

PREFIX = "FANLIGHT_"
DEFAULT_FILE = Path("/etc/fanlight/fanlight.toml")
MAX_FILE = 1 << 20
"""Bytes of a settings file, and of a file that a `_FILE` variable names."""
GUACAMOLE_SWITCHES = {
    "enable-environment-properties": "",
    "enable-file-environment-properties": "_FILE",
}
"""Keys of a guacamole.properties that let Guacamole's own environment names count (sheet section 11)."""

Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """A settings file cannot be read, or values are wrong. The text is for a person and holds no value.

    Attributes:
        problems: one sentence each, naming setting and source.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Loaded(Generic[Model]):
    """What `load` returns.

    Attributes:
        settings: the filled model.
        unknown: names in the file that the model does not have, in order; worth one warning.
        file: the file that was read, if any.
    """

    settings: Model
    unknown: tuple[str, ...]
    file: Path | None


class _Values:
    """Raw values by setting name, each with where it came from."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {}
        self.origins: dict[str, str] = {}

    def put(self, name: str, value: Any, origin: str) -> None:
        self.raw[name] = value
        self.origins[name] = origin


def load(
    model: type[Model],
    *,
    config: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    section: str,
) -> Loaded[Model]:
    """Read settings from file, environment and flags.

    Args:
        model: the settings model; every field has a kebab-case alias.
        config: the `--config` file; without it `FANLIGHT_CONFIG`, then /etc/fanlight/fanlight.toml where there is one.
        environ: the environment.
        flags: command-line flags by setting name; None means not given.
        section: the daemon's own table in `fanlight.toml`; an unknown name there is an error.

    Raises:
        SettingsError: a file cannot be read, or a value is wrong.
    """
    names = {field.alias or name for name, field in model.model_fields.items()}
    values = _Values()
    file = _file(config, environ)
    unknown: list[str] = []
    if file is not None:
        switches: list[str] = []
        for name, value, origin in _read(file, section, names):
            if name in names:
                values.put(name, value, origin)
            elif name in GUACAMOLE_SWITCHES:
                switches += [GUACAMOLE_SWITCHES[name]] if str(value).lower() == "true" else []
            else:
                unknown.append(name)
        for suffix in sorted(switches):
            for name in sorted(names):
                _from_variable(values, name, _upper_snake(name) + suffix, environ, holds_path=bool(suffix))
    for name in sorted(names):
        variable = PREFIX + _upper_snake(name)
        _from_variable(values, name, variable, environ)
        _from_variable(values, name, f"{variable}_FILE", environ, holds_path=True)
    for name, value in flags.items():
        if value is not None:
            values.put(name, value, f"--{name}")
    try:
        settings = model.model_validate(values.raw)
    except ValidationError as error:
        raise _explained(error, values.origins) from None
    return Loaded(settings, tuple(unknown), file)


# -- the file ------------------------------------------------------------------------------------------------------


def _file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if environ.get(f"{PREFIX}CONFIG"):
        return Path(environ[f"{PREFIX}CONFIG"])
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _read(file: Path, section: str, names: set[str]) -> Iterator[tuple[str, Any, str]]:
    data = _bytes(file)
    if file.suffix == ".properties":
        try:
            properties = parse_properties(data)
        except ValueError as error:
            raise SettingsError(f"{file}: {error}") from None
        yield from ((name, value, str(file)) for name, value in properties.items())
        return
    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}") from None
    own = table.pop(section, {})
    if not isinstance(own, dict):
        raise SettingsError(f"{section} in {file} is not a table")
    wrong = [name for name in own if name not in names]
    if wrong:
        raise SettingsError(*(f"{name} in [{section}] of {file} is not a setting" for name in wrong))
    # other tables are other daemons' own
    yield from ((name, value, str(file)) for name, value in table.items() if not isinstance(value, dict))
    yield from ((name, value, f"[{section}] of {file}") for name, value in own.items())


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE:
        raise SettingsError(f"{file} is larger than {MAX_FILE} bytes")
    return data


_NATURAL_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BLANKS = " \t\f"
_KEY = re.compile(r"(?:\\.|[^\\=: \t\f])*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.?)", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse_properties(data: bytes) -> dict[str, str]:
    r"""Read a Java properties file: ISO-8859-1, `key: value` or `key=value`, `\` continues and escapes.

    The last of several equal keys wins; trailing blanks of a value are kept.

    Raises:
        ValueError: a `\u` is not followed by four hexadecimal digits.
    """
    found: dict[str, str] = {}
    for line in _logical_lines(data.decode("iso-8859-1")):
        key = _KEY.match(line)
        assert key is not None
        separator = _SEPARATOR.match(line, key.end())
        assert separator is not None
        found[_unescape(key[0])] = _unescape(line[separator.end() :])
    return found


def _logical_lines(text: str) -> Iterator[str]:
    pending = ""
    continued = False
    for match in _NATURAL_LINE.finditer(text):
        line = match[0].rstrip("\r\n").lstrip(_BLANKS)
        if not continued and (not line or line[0] in "#!"):
            continue
        pending += line
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        if continued:
            pending = pending[:-1]
        else:
            yield pending
            pending = ""
    if pending:
        yield pending


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    escaped = match[1]
    if not escaped.startswith("u"):
        return _CONTROLS.get(escaped, escaped)
    if len(escaped) != 5:
        raise ValueError("a \\u is not followed by four hexadecimal digits")
    return chr(int(escaped[1:], 16))


# -- the environment -----------------------------------------------------------------------------------------------


def _upper_snake(name: str) -> str:
    return name.replace("-", "_").upper()


def _from_variable(
    values: _Values, name: str, variable: str, environ: Mapping[str, str], *, holds_path: bool = False
) -> None:
    """Take a variable, or what is in the file that it names. A setting's own name may end in `file`."""
    if variable not in environ:
        return
    text = environ[variable]
    if holds_path:
        try:
            text = _bytes(Path(text)).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise SettingsError(f"{name} from {variable}: the file is not UTF-8") from None
    values.put(name, text, variable)


# -- errors --------------------------------------------------------------------------------------------------------


def _explained(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    problems = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        said = detail["msg"].removeprefix("Value error, ")
        if not name:
            problems.append(said)
        elif name in origins:
            problems.append(f"{name} from {origins[name]}: {said}")
        else:
            problems.append(f"{name}: {said}")
    return SettingsError(*problems)
