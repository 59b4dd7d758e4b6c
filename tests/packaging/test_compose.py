"""docker-compose.yml and Dockerfile: valid, hardened, and running the commands that the tests run."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from broker.settings import Settings as BrokerSettings
from proxyd.settings import Settings as ProxydSettings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("broker", "proxyd")


def test_the_compose_file_follows_its_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def default(name: str) -> str:
    """What a variable of the broker is where nobody sets another."""
    value = SERVICES["broker"]["environment"][name]
    found = re.fullmatch(r"\$\{FANLIGHT_\w+:-(.*)\}", value)
    return found[1] if found else value


def test_a_cluster_knows_all_of_it() -> None:
    lines = (ROOT / "deploy" / "cluster.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    proxyds = [SERVICES[name]["command"][-1] for name in ("proxyd", "proxyd-2")]
    assert env["FANLIGHT_PROXYDS"].strip('"').split(", ") == proxyds
    assert env["FANLIGHT_STORE"] == "redis://redis/0"
    assert env["FANLIGHT_TRUSTED_PROXIES"] == COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert {"cluster"} == {
        p for name in ("broker-2", "proxyd-2", "balancer") for p in SERVICES[name]["profiles"]
    }
    assert SERVICES["broker-2"]["environment"] == SERVICES["broker"]["environment"]
    balancer = (ROOT / "deploy" / "balancer.conf").read_text()
    assert set(re.findall(r"^ +server ([\w-]+):8080", balancer, re.MULTILINE)) == {"broker", "broker-2"}


def test_only_the_broker_sees_the_keys_and_only_to_read() -> None:
    holders = {
        (name, volume)
        for name, service in SERVICES.items()
        for volume in service.get("volumes", ())
        if volume.startswith("./keys")
    }
    assert holders == {(name, "./keys:/keys:ro") for name in ("broker", "broker-2")}
    assert SERVICES["broker"]["environment"]["FANLIGHT_KEY_DIRECTORY"] == "/keys"


def test_only_proxyd_sees_the_instances_and_nobody_but_the_broker_sees_proxyd() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert networks["broker"].isdisjoint(networks["proxyd"])
    assert networks["proxyd"] == networks["proxyd-2"] == networks["instance"] == {"instances"}
    assert "ports" not in SERVICES["proxyd"]
    assert SERVICES["proxyd"]["command"][-1] == default("FANLIGHT_GUACD_HOSTNAME")
    shared = set(SERVICES["proxyd"]["volumes"]) & set(SERVICES["broker"]["volumes"])
    assert shared == {"link:/run/fanlight"}


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_hardened_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"] == ["CMD", "fanlight", "check", "--only", name]


def test_nothing_is_published_beyond_this_host() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_example_instance_may_be_opened() -> None:
    subnet = ipaddress.ip_network(COMPOSE["networks"]["instances"]["ipam"]["config"][0]["subnet"])
    address = SERVICES["instance"]["networks"]["instances"]["ipv4_address"]
    assert ipaddress.ip_address(address) in subnet
    network, _, ports = SERVICES["broker"]["environment"]["FANLIGHT_ALLOWED_TARGETS"].partition(":")
    assert ipaddress.ip_network(network) == subnet
    assert {int(port) for port in ports.split("+")} == set(BrokerSettings().v1_ports.values())


def test_redis_is_reserved_for_those_who_ask() -> None:
    assert SERVICES["redis"]["profiles"] == ["redis", "cluster"]
    assert SERVICES["instance"]["profiles"] == ["example"]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {
        "FANLIGHT_" + field.upper() + suffix
        for field in {**BrokerSettings.model_fields, **ProxydSettings.model_fields}
        for suffix in ("", "_FILE")
    }
    assert set(SERVICES[name].get("environment", {})) <= known


def test_commands_are_those_of_the_command_line() -> None:
    for name in OURS:
        assert SERVICES[name]["command"][:2] == ["fanlight", name]
        assert f'CMD ["fanlight", "{name}"]' in stage(name)
    assert 'CMD ["example-instance"]' in stage("instance")
    assert SERVICES["instance"]["command"] == ["example-instance"]


def stage(name: str) -> str:
    """The lines of one stage of the Dockerfile."""
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def test_every_service_is_built_from_a_stage() -> None:
    for service in SERVICES.values():
        if "build" in service:
            assert stage(service["build"]["target"])


def test_images_are_pinned_to_a_release() -> None:
    stages = set(re.findall(r" AS (\w+)$", DOCKERFILE, re.MULTILINE))
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) - stages
    bases |= {service["image"] for service in SERVICES.values() if "build" not in service}
    assert all(":" in base and not base.endswith(":latest") for base in bases), bases


def test_daemons_run_as_an_account_of_their_own() -> None:
    assert re.search(r"^USER 10001$", stage("fanlight"), re.MULTILINE)
    assert all(re.search(rf"^FROM fanlight AS {name}$", DOCKERFILE, re.MULTILINE) for name in OURS)
    assert "USER" not in stage("broker") + stage("proxyd")


def test_what_is_copied_into_the_build_is_there_and_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            path = source.rstrip("/")
            assert (ROOT / path).exists(), path
            assert any(path == name or path.startswith(f"{name}/") for name in allowed), path


def test_keys_and_secrets_stay_out_of_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    assert not {"!keys", "!secret-key", "!.fanlight", "!.git"} & set(lines)


def test_package_lists_do_not_stay_in_an_image() -> None:
    for run in re.findall(r"^RUN (.+(?:\\\n.+)*)", DOCKERFILE, re.MULTILINE):
        if "apt-get install" in run:
            assert "--no-install-recommends" in run
            assert "rm -rf /var/lib/apt/lists/*" in run
        if "pip install" in run or "pip wheel" in run:
            assert "--no-cache-dir" in run
