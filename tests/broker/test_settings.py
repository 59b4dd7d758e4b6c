"""The broker's settings: from every source, and what is refused."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from broker.settings import Settings, parse_target
from proxyd.sources import SettingsError, load

if TYPE_CHECKING:
    from pathlib import Path


def read(**flags: Any) -> Settings:
    named = {name.replace("_", "-"): value for name, value in flags.items()}
    return load(Settings, config=None, environ={}, flags=named, section="broker").settings


def test_an_existing_deployment(tmp_path: Path) -> None:
    """The compose example of the platform, as it stands."""
    file = tmp_path / "guacamole.properties"
    file.write_text(
        "guacd-hostname: guacd\nguacd-port:     4822\nguacd-ssl:  False\n"
        "secret-key: so-secret\ntimestamp-age-limit: 600000\ndefault-protocol: ssh\n"
        "use-local-privkey: True\nkey-directory: /guac_stuff/keys/\napi-session-timeout: 1\nlog-level: warn\n"
        "extension-priority: hmac\nskip-if-unavailable: mysql\n"
    )
    loaded = load(Settings, config=file, environ={}, flags={}, section="broker")
    settings = loaded.settings
    assert (settings.guacd_hostname, settings.guacd_port, settings.guacd_ssl) == ("guacd", 4822, False)
    assert settings.secret_key.get_secret_value() == "so-secret"
    assert str(settings.key_directory) == "/guac_stuff/keys"
    assert (settings.use_local_privkey, settings.api_session_timeout, settings.log_level) == (
        True,
        1,
        "warning",
    )
    assert settings.extension_priority == ("hmac",)
    assert loaded.unknown == ("skip-if-unavailable",)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("allowed_origins", "https://a.example, http://b:8080", ("https://a.example", "http://b:8080")),
        ("allowed_origins", "https://a.example:443,http://b:80", ("https://a.example", "http://b")),
        ("allowed_origins", "https://[::1]:8443", ("https://[::1]:8443",)),
        ("allowed_origins", "", ()),
        ("allowed_origins", ["https://a.example"], ("https://a.example",)),
        (
            "trusted_proxies",
            "10.0.0.1, fd00::/8",
            (ipaddress.ip_network("10.0.0.1"), ipaddress.ip_network("fd00::/8")),
        ),
        ("v1_ports", "ssh=22,vnc=5905", {"ssh": 22, "vnc": 5905}),
        ("v1_ports", {"ssh": 2222}, {"ssh": 2222}),
        (
            "allowed_targets",
            "10.0.0.0/8:22, [::1]:*",
            (parse_target("10.0.0.0/8:22"), parse_target("[::1]:*")),
        ),
        ("base_path", "/", "/"),
        ("base_path", "/a/b/", "/a/b/"),
        ("guacd_ssl", "TRUE", True),
        ("key_names", "a, b", ("a", "b")),
    ],
)
def test_values(name: str, text: Any, value: Any) -> None:
    assert getattr(read(**{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("allowed_origins", "portal.example"),
        ("allowed_origins", "https://portal.example/"),
        ("allowed_origins", "*"),
        ("allowed_origins", "https://*.example"),
        ("allowed_origins", "https://a.example; script-src *"),
        ("trusted_proxies", "everybody"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("v1_ports", "22"),
        ("v1_ports", "ssh=0"),
        ("v1_ports", "rdp=3389"),
        ("base_path", "guacamole"),
        ("base_path", "/guacamole"),
        ("base_path", "/../"),
        ("base_path", "/a b/"),
        ("v1_username", "["),
        ("guacd_port", "70000"),
        ("guacd_ssl", "perhaps"),
        ("timestamp_age_limit", "-1"),
        ("portal_url", "javascript:alert(1)"),
        ("log_level", "loud"),
        ("allowed_targets", "10.0.0.0/99:22"),
        ("bind", "nowhere"),
    ],
)
def test_a_wrong_value_names_its_setting(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name.replace('_', '-')} from --"):
        read(**{name: text})


def test_secrets_are_not_shown() -> None:
    shown = repr(read(secret_key="hunter2", v1_vnc_password="hunter3"))
    assert "hunter" not in shown


def test_every_setting_is_explained() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert field.alias == name.replace("_", "-")


@pytest.mark.parametrize("text", ["10.0.0.0/8:22", "10.0.0.0/8:22+5900-5999", "[::/0]:*"])
def test_targets_are_shown_as_they_are_written(text: str) -> None:
    assert str(parse_target(text)) == text
