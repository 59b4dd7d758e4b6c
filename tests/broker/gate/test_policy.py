from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog

from broker.gate.config import gate_policy
from broker.gate.policy import PERMISSIONS, ForbiddenError, Policy
from broker.settings import Settings
from proxyd.sources import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = """
# comments
:one_xmlrpc: http://localhost:2633/RPC2
:host: 127.0.0.1
:port: 5030
:ssl_server: https://gate.example/
:auth: onegate
:core_auth: cipher
:oneflow_server: http://localhost:2474
:permissions:
  :vm:
    :show: true
    :show_by_id: true
    :update: true
    :update_by_id: false
    :action_by_id: true
  :service:
    :show: true
  :vrouter:
:restricted_attrs:
  - SCHED_REQUIREMENTS
  - my_own
:restricted_actions:
#  - deploy
:vnet_template_attributes: [DNS]
:debug_level: 3
:expire_delta: 100
:expire_margin: 300
"""


@pytest.fixture
def policy_of(tmp_path: Path) -> Any:
    def read(text: str | None = None, **settings: Any) -> Policy:
        if text is not None:
            file = tmp_path / "onegate-server.conf"
            file.write_text(text)
            settings["gate_config"] = file
        return gate_policy(Settings(**settings))

    return read


def test_by_default_nothing_is_done_to_others(policy_of: Any) -> None:
    policy = policy_of()
    assert policy.bind == ""
    assert PERMISSIONS - policy.permissions == {
        "vm.update_by_id", "vm.action_by_id", "service.change_cardinality",
    }  # fmt: skip
    assert policy.restricted_attributes == {"SCHED_REQUIREMENTS", "SERVICE_ID", "ROLE_NAME"}


def test_a_file_is_read_as_the_gate_reads_it_that_it_was_written_for(policy_of: Any) -> None:
    with structlog.testing.capture_logs() as lines:
        policy = policy_of(SHIPPED)
    assert policy.bind == "127.0.0.1:5030"
    assert policy.url == "https://gate.example"
    assert policy.permissions == {"vm.show", "vm.show_by_id", "vm.update", "vm.action_by_id", "service.show"}
    assert policy.restricted_attributes == {"SCHED_REQUIREMENTS", "MY_OWN"}
    assert policy.restricted_actions == {"reboot"}  # nothing below the key is no list
    assert policy.network_attributes == {"DNS"}
    assert (policy.expire_delta, policy.expire_margin) == (300, 300)  # not below the margin
    (line,) = lines
    assert line["names"] == "auth, core_auth, debug_level, one_xmlrpc, oneflow_server"


@pytest.mark.parametrize("text", ["", ":permissions:\n", ":permissions: {}\n", ":permissions:\n  :vm:\n"])
def test_a_file_without_permissions_permits_nothing_and_that_is_said(policy_of: Any, text: str) -> None:
    with structlog.testing.capture_logs() as lines:
        policy = policy_of(f":host: 127.0.0.1\n{text}")
    assert policy.permissions == frozenset()
    assert [(row["event"], row["log_level"]) for row in lines] == [("gate-config permits nothing", "warning")]
    assert policy_of(text, gate_permissions="vm.show").permissions == {"vm.show"}


def test_an_empty_list_restricts_nothing(policy_of: Any) -> None:
    policy = policy_of(
        ":server:\n  :bind: '::1'\n  :port: 6000\n:restricted_actions: []\n:restricted_attrs: []\n"
    )
    assert policy.bind == "[::1]:6000"
    assert policy.restricted_actions == policy.restricted_attributes == frozenset()


def test_settings_go_before_the_file(policy_of: Any) -> None:
    policy = policy_of(
        SHIPPED, gate_bind="127.0.0.1:1", gate_permissions="vm.show", gate_restricted_actions="terminate",
        gate_restricted_attrs="x", gate_vnet_attributes="mtu", gate_url="https://other.example", gate_expire_delta=400,
    )  # fmt: skip
    assert (policy.bind, policy.url, policy.expire_delta) == ("127.0.0.1:1", "https://other.example", 400)
    assert policy.permissions == {"vm.show"}
    assert policy.restricted_actions == {"terminate"}
    assert policy.restricted_attributes == {"X"}
    assert policy.network_attributes == {"MTU"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "line 1"), (":auth: x\n:permissions: {:vm: {:show: true}}", "line 2: .* not in braces"),
        (":restricted_attrs: [:A]", "not in braces or brackets"), ("- a", "table"), (":permissions: 1", "permissions"), (":permissions:\n  :vm: yes", "permissions"),
        (":restricted_attrs: A", "restricted_attrs"), (":restricted_actions: [1]", "restricted_actions"),
        (":expire_delta: soon", "expire_delta"), (":port: true", "port"), (":host: !!python/object/apply:os.abort []", "YAML"),
        ("x" * 70000, "larger"), ("[" * 60000, "nested"), (":server: 1", "server"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named(policy_of: Any, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        policy_of(text)


def test_a_missing_file_and_an_unknown_permission_are_named(policy_of: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        gate_policy(Settings(gate_config=tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"vm\.destroy"):
        policy_of(gate_permissions="vm.destroy")


def test_older_names_of_an_action_are_restricted_with_it() -> None:
    policy = Policy("", restricted_actions=frozenset({"terminate"}))
    for name in ("terminate", "delete", "shutdown"):
        with pytest.raises(ForbiddenError):
            policy.check_action(name)
    policy.check_action("reboot")


def test_an_instance_says_of_itself_what_nobody_says_for_it() -> None:
    policy = Policy("")
    names = ["READY", "BROKER_SSH_PORT", "BROKER_SSH_HOST_KEY_ED25519", "BROKER_ERROR", "BROKER_DESKTOP"]
    policy.check_attributes(names, own=True)
    for name in names[1:]:
        with pytest.raises(ForbiddenError):
            policy.check_attributes([name], own=False)
