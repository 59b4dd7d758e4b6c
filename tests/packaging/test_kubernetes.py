"""The Kubernetes manifests: valid by schema, hardened, and speaking of settings that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from broker.proxyd_client import Address
from broker.settings import Settings as BrokerSettings
from proxyd.settings import Settings as ProxydSettings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
OBJECTS: list[dict[str, Any]] = [
    row for path in sorted(FOLDER.glob("*.yaml")) for row in YAML(typ="safe").load_all(path.read_text())
]
NAMES = [f"{row['kind']} {row['metadata']['name']}" for row in OBJECTS]
PODS = {
    row["metadata"]["name"]: row["spec"]["template"]["spec"] for row in OBJECTS if "template" in row["spec"]
}


@pytest.mark.parametrize("manifest", OBJECTS, ids=NAMES)
def test_it_follows_its_schema(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.30", strict=True)


@pytest.mark.parametrize("name", PODS)
def test_pods_may_do_little(name: str) -> None:
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", ["broker", "proxyd"])
def test_every_variable_is_a_setting_and_every_file_is_mounted(name: str) -> None:
    (container,) = PODS[name]["containers"]
    known = {
        "FANLIGHT_" + field.upper() + suffix
        for field in {"broker": BrokerSettings, "proxyd": ProxydSettings}[name].model_fields
        for suffix in ("", "_FILE")
    }
    mounts = tuple(row["mountPath"] for row in container["volumeMounts"])
    for row in container["env"]:
        assert row["name"] in known
        if row["value"].startswith("/"):
            assert row["value"].startswith(mounts)


def test_the_broker_names_every_proxyd() -> None:
    (broker,) = PODS["broker"]["containers"]
    (names,) = [row["value"] for row in broker["env"] if row["name"] == "FANLIGHT_GUACD_HOSTNAME"]
    (replicas,) = [
        r["spec"]["replicas"]
        for r in OBJECTS
        if (r["kind"], r["metadata"]["name"]) == ("StatefulSet", "proxyd")
    ]
    found = Address.several(names, 4822, secure=False, authority=None)
    assert [str(row) for row in found] == [f"proxyd-{number}.proxyd:4822" for number in range(replicas)]


def test_pods_live_until_they_have_drained() -> None:
    (proxyd,) = PODS["proxyd"]["containers"]
    (drain,) = [float(row["value"]) for row in proxyd["env"] if row["name"] == "FANLIGHT_DRAIN_TIMEOUT"]
    assert PODS["proxyd"]["terminationGracePeriodSeconds"] > drain
