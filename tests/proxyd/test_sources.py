"""Settings from a file, the environment and flags."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from proxyd.sources import SettingsError, load, parse_properties


class Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )

    guacd_port: int = Field(4822, ge=1, le=65535)
    guacd_ssl: bool = False
    secret_key: str = ""
    bind: str = "127.0.0.1:8080"
    workers: int = 0


def read(config: Path | None = None, environ: dict[str, str] | None = None, **flags: object) -> Model:
    return load(Model, config=config, environ=environ or {}, flags=flags, section="broker").settings


def test_nothing_given_means_defaults() -> None:
    assert read() == Model()


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "fanlight.toml"
    file.write_text(
        'bind = "a:1"\nguacd-port = 1\nworkers = 1\nsecret-key = "one"\n[broker]\nguacd-port = 2\n'
    )
    settings = read(file, {"FANLIGHT_BIND": "b:2", "FANLIGHT_WORKERS": "2"}, workers=3)
    assert settings == Model(bind="b:2", guacd_port=2, workers=3, secret_key="one")


def test_a_flag_of_none_was_not_given() -> None:
    assert read(None, {"FANLIGHT_WORKERS": "2"}, workers=None).workers == 2


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "fanlight.toml"
    file.write_text("workers = 7")
    assert read(None, {"FANLIGHT_CONFIG": str(file)}).workers == 7


def test_a_variable_can_name_a_file_that_holds_the_value(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("so-secret\n")
    assert read(None, {"FANLIGHT_SECRET_KEY_FILE": str(secret)}).secret_key == "so-secret"


def test_a_setting_that_is_a_files_name_is_not_that_files_content(tmp_path: Path) -> None:
    class Named(Model):
        key_file: str = ""

    key, pointer = tmp_path / "key", tmp_path / "pointer"
    key.write_text("so-secret")
    pointer.write_text(f"{key}\n")
    for environ in ({"FANLIGHT_KEY_FILE": str(key)}, {"FANLIGHT_KEY_FILE_FILE": str(pointer)}):
        settings = load(Named, config=None, environ=environ, flags={}, section="connector").settings
        assert settings.key_file == str(key)


def test_another_daemons_table_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "fanlight.toml"
    file.write_text('workers = 1\n[proxyd]\nworkers = 9\nanything = "x"\n')
    assert read(file).workers == 1


def test_unknown_names_of_the_shared_part_are_told(tmp_path: Path) -> None:
    file = tmp_path / "fanlight.toml"
    file.write_text("workers = 1\nwokers = 2\n")
    loaded = load(Model, config=file, environ={}, flags={}, section="broker")
    assert (loaded.unknown, loaded.file) == (("wokers",), file)


def test_an_existing_guacamole_properties_works(tmp_path: Path) -> None:
    file = tmp_path / "guacamole.properties"
    file.write_bytes(b"# comment\nguacd-port: 4823\nguacd-ssl=True\nsecret-key so-secret \nmysql-host: db\n")
    loaded = load(Model, config=file, environ={"GUACD_PORT": "1"}, flags={}, section="broker")
    assert loaded.settings == Model(guacd_port=4823, guacd_ssl=True, secret_key="so-secret ")
    assert loaded.unknown == ("mysql-host",)


def test_guacamoles_environment_counts_where_the_file_says_so(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file")
    file = tmp_path / "guacamole.properties"
    file.write_text("enable-environment-properties: TRUE\nenable-file-environment-properties: true\n")
    environ = {"GUACD_PORT": "4824", "SECRET_KEY": "plain", "SECRET_KEY_FILE": str(secret)}
    loaded = load(Model, config=file, environ=environ, flags={}, section="broker")
    assert loaded.settings == Model(guacd_port=4824, secret_key="from-a-file")
    assert loaded.unknown == ()


PROPERTIES = [
    (b"a=b", {"a": "b"}),
    (b"a : b", {"a": "b"}),
    (b"a b", {"a": "b"}),
    (b"a", {"a": ""}),
    (b"a = b ", {"a": "b "}),
    (b"  a\t=\tb", {"a": "b"}),
    (b"a==b", {"a": "=b"}),
    (b"a\\=b=c", {"a=b": "c"}),
    (b"a\\ b c", {"a b": "c"}),
    (b"# x=1\n! y=2\n\n  # z=3\na=b", {"a": "b"}),
    (b"a=b\r\nc=d\re=f\n", {"a": "b", "c": "d", "e": "f"}),
    (b"a=b\\\n    c\\\n  # d", {"a": "bc# d"}),
    (b"a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
    (b"a=b\\", {"a": "b"}),
    (b"a=\\u00e9\\t\\n\\q", {"a": "\xe9\t\nq"}),
    (b"a=\xe9", {"a": "\xe9"}),
    (b"a=1\na=2", {"a": "2"}),
    (b"key-directory: /guac/keys/\n", {"key-directory": "/guac/keys/"}),
]


@pytest.mark.parametrize(("data", "expected"), PROPERTIES)
def test_properties(data: bytes, expected: dict[str, str]) -> None:
    assert parse_properties(data) == expected


def test_a_broken_escape_is_an_error() -> None:
    with pytest.raises(ValueError, match="four hexadecimal digits"):
        parse_properties(b"a=\\u12")


@given(st.binary(max_size=200))
def test_garbage_gives_only_our_error(data: bytes) -> None:
    try:
        parse_properties(data)
    except ValueError as error:
        assert "hexadecimal" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("guacd-port = 0", r"^guacd-port from .*fanlight\.toml: Input should be greater"),
        ("[broker]\nguacd-port = 'x'", r"^guacd-port from \[broker\] of .*: Input should be a valid integer"),
        ("[broker]\nworker = 1", r"^worker in \[broker\] of .* is not a setting$"),
        ("broker = 1", r"^broker in .* is not a table$"),
        ("a = ", r"is not TOML: "),
    ],
)
def test_a_wrong_file_names_setting_and_source(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "fanlight.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=problem):
        read(file)


def test_a_wrong_value_names_its_variable_or_flag_and_not_itself() -> None:
    with pytest.raises(SettingsError) as caught:
        read(None, {"FANLIGHT_GUACD_PORT": "hunter2"}, workers="many")
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "guacd-port from FANLIGHT_GUACD_PORT",
        "workers from --workers",
    ]
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
        read(tmp_path / "none.toml")
