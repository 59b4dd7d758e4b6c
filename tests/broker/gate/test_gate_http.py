"""Every answer of the gate (sheet E.3), and who gets it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from broker.gate.app import ROUTES
from broker.reload import read_again
from tests.broker.gate.test_host_keys import ED, OTHER_ED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.broker.gate.gates import Site

ACTION = '{"action":{"perform":"resume"}}'


# -- shapes ------------------------------------------------------------------------------------------------------------


async def test_the_root_says_where_to_ask(gate: Site, serve_gate: Any) -> None:
    status, text = await gate.ask("GET", "/")
    assert status == 200
    base = f"http://127.0.0.1:{gate.client.port}"
    assert json.loads(text) == {"vm_info": f"{base}/vm", "service_info": f"{base}/service"}
    answer = await gate.send("GET", "/", b"", {"Host": "evil host/<b>"})
    assert (await answer.json())["vm_info"] == "http://localhost/vm"
    async with serve_gate(gate_url="https://gate.example:5030/") as other:
        assert json.loads((await other.ask("GET", "/"))[1])["vm_info"] == "https://gate.example:5030/vm"


async def test_an_instance_sees_itself(gate: Site) -> None:
    await gate.ask("PUT", "/vm", "READY=YES\nWEB=[A=1]")
    status, text = await gate.ask("GET", "/vm")
    seen = json.loads(text)["VM"]
    private = seen["USER_TEMPLATE"]
    assert status == 200
    assert (seen["NAME"], seen["ID"], seen["STATE"], seen["LCM_STATE"]) == ("vm5", "5", "3", "3")
    assert private.pop("BROKER_VNC_PASSWORD")
    assert private.pop("BROKER_GATE_TIME").isdigit()
    assert private == {"READY": "YES", "WEB": {"A": "1"}, "BROKER_USERS": "alice"}
    assert seen["TEMPLATE"] == {
        "NIC": [{"IP": "10.1.2.5"}, {"IP6_GLOBAL": "2001:db8::5"}], "NIC_ALIAS": [],
    }  # fmt: skip
    assert json.loads((await gate.ask("GET", "/vms/5"))[1])["VM"]["USER_TEMPLATE"].keys() >= {"BROKER_USERS"}


async def test_others_of_a_service_see_what_is_not_private(gate: Site) -> None:
    await gate.ask("PUT", "/vm", "READY=NO\nSSH_PUBLIC_KEY=x", by="6")
    status, text = await gate.ask("GET", "/vms/6")
    seen = json.loads(text)["VM"]
    assert status == 200
    assert seen["LCM_STATE"] == "2"
    assert seen["USER_TEMPLATE"] == {"COLOUR": "red", "READY": "NO"}
    assert seen["TEMPLATE"] == {
        "NIC": [{"IP": "10.1.0.6", "MAC": "02:00:0a:01:00:06", "NAME": "NIC0"}],
        "NIC_ALIAS": [{"IP": "10.1.0.7", "PARENT": "NIC0", "NAME": "NIC0_ALIAS1"}],
    }


@pytest.mark.parametrize("body", ["", "extended=true"])
async def test_a_service_is_its_instances(gate: Site, clock: Any, body: str) -> None:
    await gate.ask("PUT", "/vm", "READY=YES", by="5")
    status, text = await gate.ask("GET", "/service", body)
    shown = json.loads(text)["SERVICE"]
    assert status == 200
    assert (shown["name"], shown["id"], shown["state"]) == ("7", "7", 1)
    assert [(role["name"], role["cardinality"], role["state"]) for role in shown["roles"]] == [
        ("db", 1, 1), ("web", 1, 2),
    ]  # fmt: skip
    (node,) = shown["roles"][1]["nodes"]
    assert (node["deploy_id"], node["running"], node["vm_info"]["VM"]["ID"]) == (5, True, "5")
    assert "BROKER_VNC_PASSWORD" not in text
    assert "vm9" not in text  # of the same service at another platform
    clock.now += 3600
    assert (
        json.loads((await gate.ask("GET", "/service"))[1])["SERVICE"]["state"] == 4
    )  # one never said a word


async def test_a_virtual_router_sees_itself_and_its_networks(gate: Site) -> None:
    status, text = await gate.ask("GET", "/vrouter", "extended=true", by="3")
    assert (status, json.loads(text)) == (
        200,
        {
            "VROUTER": {
                "NAME": "edge",
                "ID": "2",
                "VMS": {"ID": ["3"]},
                "TEMPLATE": {"NIC": [{"IP": "10.1.0.1"}]},
            }
        },
    )
    status, text = await gate.ask("GET", "/vnet/4", by="3")
    lease = {"IP": "10.1.0.6", "MAC": "02:00:0a:01:00:06", "VM": "6"}
    expected: dict[str, Any] = {
        "ID": "4", "NAME": "inside", "USED_LEASES": "2", "VROUTERS": {"ID": ["2"]}, "PARENT_NETWORK_ID": "",
        "AR_POOL": {"AR": [{"AR_ID": "0", "IP": "10.1.0.0", "LEASES": {"LEASE": [lease, {"IP": "10.1.0.99"}]}}]},
        "TEMPLATE": {"GATEWAY": "10.1.0.1"},
    }  # fmt: skip
    assert (status, json.loads(text)) == (200, {"VNET": expected})
    await gate.ask("PUT", "/vm", "ONEGATE_LB0_PORT=80\nOTHER=1", by="6")
    for path, body in (("/vnet/4", "extended=true"), ("/vnet/4?extended=true", "")):
        leases = json.loads((await gate.ask("GET", path, body, by="3"))[1])["VNET"]["AR_POOL"]["AR"][0][
            "LEASES"
        ]
        assert leases["LEASE"] == [
            {**lease, "NIC_NAME": "NIC0", "BACKEND": "YES", "ONEGATE_LB0_PORT": "80"}, {"IP": "10.1.0.99"},
        ]  # fmt: skip


# -- what is pushed ----------------------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", [None, FORM, "application/json", "text/plain", "nonsense"])
@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("READY=YES", {"READY": "YES"}),
        ("data=READY%3DYES&type=1", {"READY": "YES"}),
        ("data=READY=YES", {"READY": "YES"}),
        ("json=true&data=A%3D1%0AB%3D2&type=1", {"A": "1", "B": "2"}),
        ("data=A%3D1%5CnB%3D2&type=1&hard=true", {"A": "1", "B": "2"}),
        ('URL="http://x/?a=1&data=2"', {"URL": "http://x/?a=1&data=2"}),
        ("DATA=x", {"DATA": "x"}),
        ("", {}),
    ],
)
async def test_attributes_are_taken_raw_or_in_a_form_of_any_type(
    gate: Site, kind: str | None, body: str, kept: dict[str, str]
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert await gate.ask("PUT", "/vm", body, Authorization="Basic Og==", **headers) == (200, "")
    assert await gate.said("5") == kept


async def test_an_attribute_is_erased(gate: Site) -> None:
    await gate.ask("PUT", "/vm", "A=1\nB=2")
    assert await gate.ask("PUT", "/vm", "data=a&type=2") == (200, "")
    assert await gate.said("5") == {"B": "2"}
    assert await gate.ask("PUT", "/vm", "data=A&type=2") == (500, "There is no attribute A.")


async def test_another_of_the_service_is_told_something(gate: Site) -> None:
    assert await gate.ask("PUT", "/vms/6", "JOB=go") == (200, "")
    assert await gate.said("6") == {"JOB": "go"}
    assert not (await gate.parts.reports.find("6")).reported  # it has not spoken itself
    assert json.loads((await gate.ask("GET", "/vms/6"))[1])["VM"]["LCM_STATE"] == "2"
    for name in ("BROKER_SSH_PORT", "BROKER_SSH_HOST_KEY_ED25519"):
        assert (await gate.ask("PUT", "/vms/6", f"{name}=22"))[0] == 403
    assert (await gate.ask("PUT", "/vms/5", "BROKER_SSH_PORT=22"))[0] == 200  # itself, by its id


async def test_a_host_key_is_pinned_and_another_one_alarms(gate: Site, log_lines: Any) -> None:
    first, second = ED, OTHER_ED
    push = "BROKER_SSH_HOST_KEY_ED25519"
    assert (await gate.ask("PUT", "/vm", f'{push}="{first}"'))[0] == 200
    pinned = await gate.parts.host_keys.find("5")
    assert [pin.line for pin in pinned.pins] == [" ".join(first.split()[:2])]
    assert (await gate.ask("PUT", "/vm", f'{push}="{second}"'))[0] == 200
    after = await gate.parts.host_keys.find("5")
    assert after.pins == pinned.pins
    assert after.blocked
    (line,) = [row for row in log_lines if row["event"] == "host key changed"]
    assert (line["instance"], line["expected"], line["address"]) == (
        "5",
        pinned.pins[0].fingerprint,
        "127.0.0.1",
    )
    assert gate.parts.metrics.registry.get_sample_value("fanlight_broker_host_key_alarms_total") == 1


async def test_ports_and_texts_are_held_to_what_they_may_be(gate: Site) -> None:
    body = f'BROKER_SSH_PORT=22\nBROKER_VNC_PORT=5905\nBROKER_ERROR="{"x" * 300}"\nBROKER_AGENT="1.0"'
    assert (await gate.ask("PUT", "/vm", body))[0] == 200
    said = await gate.said("5")
    assert (said["BROKER_SSH_PORT"], said["BROKER_VNC_PORT"], len(said["BROKER_ERROR"])) == (
        "22",
        "5905",
        200,
    )


# -- what is refused ---------------------------------------------------------------------------------------------------

BIG = "\n".join(f"A{n}=" + "x" * 8000 for n in range(9))
REFUSED: list[tuple[str, str, str, str, int, str]] = [
    # by, method, path, body, status, words
    ("5", "GET", "/nowhere", "", 400, "nothing like that"),
    ("5", "DELETE", "/vm", "", 400, "nothing like that"),
    ("5", "POST", "/vms/6/actions", ACTION, 400, "nothing like that"),
    ("5", "GET", "/vms/x", "", 400, "number"),
    ("5", "GET", "/vms/06", "", 400, "number"),
    ("5", "GET", "/vms/8", "", 400, "not in your service"),
    ("5", "GET", "/vms/77", "", 404, "no virtual machine 77"),
    ("5", "GET", "/vms/9", "", 404, "no virtual machine 9"),
    ("8", "GET", "/vrouter", "", 400, "not part of a virtual router"),
    ("3", "GET", "/service", "", 400, "not part of a service"),
    ("5", "GET", "/vnet/4", "", 400, "not part of a virtual router"),
    ("3", "GET", "/vnet/x", "", 400, "number"),
    ("3", "GET", "/vnet/44", "", 404, "no virtual network 44"),
    ("3", "GET", "/vnet/40", "", 404, "no virtual network 40"),
    ("5", "PUT", "/vm", "no attributes", 400, "KEY=VALUE"),
    ("5", "PUT", "/vm", "A=\x00", 400, "control characters"),
    ("5", "PUT", "/vm", "data=A%3D1&type=3", 400, "type"),
    ("5", "PUT", "/vm", "data=A%3D%ff", 400, "form"),
    ("5", "PUT", "/vm", "data=A%3D1%0AB&type=1", 400, "KEY=VALUE"),
    ("5", "PUT", "/vm", "A=" + "x" * 8193, 400, "larger than 8192"),
    ("5", "PUT", "/vm", BIG, 400, "larger than 65536"),
    ("5", "PUT", "/vm", "\n".join(f"A{n}=1" for n in range(65)), 400, "more than 64"),
    ("5", "PUT", "/vm", "A=" + "x" * 500_000, 413, "too large"),
    ("5", "PUT", "/vm", "SERVICE_ID=1", 403, "SERVICE_ID is a restricted attribute"),
    ("5", "PUT", "/vm", " service_id = [A=1]", 403, "SERVICE_ID"),
    ("5", "PUT", "/vm", "data=A%3D1%5Cn%20SERVICE_ID%20%3D1&type=1", 403, "SERVICE_ID"),
    ("5", "PUT", "/vm", "data=service_id&type=2", 403, "SERVICE_ID"),
    ("5", "PUT", "/vm", "BROKER_VNC_PASSWORD=x", 403, "BROKER_VNC_PASSWORD"),
    ("5", "PUT", "/vm", "BROKER_SSH_PORT=2222", 400, "BROKER_SSH_PORT is 22"),
    ("5", "PUT", "/vm", "BROKER_VNC_PORT=80", 400, "5900 to 5999"),
    ("5", "PUT", "/vm", "BROKER_VNC_PORT=[A=1]", 400, "vector"),
    ("5", "PUT", "/vm", "BROKER_SSH_HOST_KEY_RSA=x", 400, "host key"),
    ("5", "PUT", "/vm", f"A=1\nBROKER_SSH_HOST_KEY_RSA={ED}\nB=" + "x" * 9000, 400, "larger"),
    ("5", "PUT", "/vms/8", "A=1", 400, "not in your service"),
    ("5", "POST", "/vms/6/action", "nothing", 400, "not JSON"),
    ("5", "POST", "/vms/6/action", "[1]", 400, "no JSON object"),
    ("5", "POST", "/vms/6/action", '{"action":{}}', 400, "perform"),
    ("5", "POST", "/vms/6/action", '{"action":{"perform":["reboot"]}}', 400, "perform"),
    ("5", "POST", "/vms/6/action", "[" * 8000, 400, "not JSON"),
    ("5", "POST", "/vms/6/action", '{"action":{"perform":"resume","params":NaN}}', 400, "not JSON"),
    (
        "5",
        "POST",
        "/vms/6/action",
        '{"action":{"perform":"resume","params":"' + "x" * 9000 + '"}}',
        400,
        "larger than 8192",
    ),
    ("5", "POST", "/vms/6/action", '{"action":{"perform":"explode"}}', 500, "no such action"),
    ("5", "POST", "/vms/6/action", '{"action":{"perform":"Reboot"}}', 500, "no such action"),
    ("5", "POST", "/vms/6/action", '{"action":{"perform":"reboot"}}', 403, "reboot is a restricted action"),
    ("5", "POST", "/vms/6/action", ACTION, 500, "gate-core-url is not set"),
    ("5", "PUT", "/service/role/web", "x", 400, "not JSON"),
    ("5", "PUT", "/service/role/web", "{}", 400, "cardinality"),
    ("5", "PUT", "/service/role/web", '{"cardinality":"many"}', 400, "number"),
    ("5", "PUT", "/service/role/web", '{"cardinality":-1}', 400, "number"),
    ("5", "PUT", "/service/role/web", '{"cardinality":1.5}', 400, "number"),
    ("5", "PUT", "/service/role/web", '{"cardinality":true}', 400, "number"),
    ("5", "PUT", "/service/role/none", '{"cardinality":2}', 404, "no such role"),
    ("3", "PUT", "/service/role/web", '{"cardinality":2}', 400, "not part of a service"),
    ("5", "PUT", "/service/role/web", '{"cardinality":"2"}', 500, "gate-core-url is not set"),
    ("5", "GET", "/keys/bob", "", 404, "no such user"),
    ("5", "POST", "/events", "x", 400, "not JSON"),
    ("5", "POST", "/events", '{"event":"other"}', 400, "event is one of"),
    ("5", "POST", "/events", '{"event":["boot"]}', 400, "event is one of"),
    ("5", "POST", "/events", '{"event":"error","detail":5}', 400, "detail"),
    ("5", "POST", "/events", '{"event":"boot","data":{"a":"1"}}', 400, "WEB_PORT"),
    ("5", "POST", "/events", '{"event":"boot","data":{"SERVICE_ID":"1"}}', 403, "SERVICE_ID"),
    ("5", "POST", "/events", '{"event":"boot","data":{"A":"\\u0000"}}', 400, "control characters"),
    ("5", "POST", "/events", '{"event":"boot","data":{"A":"\\ud800"}}', 400, "control characters"),
    ("5", "POST", "/events", "[" * 50000, 400, "not JSON"),
    ("5", "GET", "/desired?wait=56", "", 400, "wait"),
    ("5", "GET", "/desired?wait=x", "", 400, "wait"),
]


@pytest.mark.parametrize(
    ("by", "method", "path", "body", "status", "words"), REFUSED, ids=[f"{row[1]}{row[2]}-{n}" for n, row in enumerate(REFUSED)]
)  # fmt: skip
async def test_refusals_have_their_code_keep_nothing_and_write_one_line(
    gate: Site, log_lines: Any, by: str, method: str, path: str, body: str, status: int, words: str
) -> None:
    del log_lines[:]
    answer = await gate.send(method, path, body, gate.headers(by))
    text = await answer.text()
    assert (answer.status, answer.content_type) == (status, "text/plain")
    assert words in text
    assert len(text) < 400
    (line,) = [row for row in log_lines if row["event"] == "gate refused"]
    assert (line["status"], line["instance"]) == (status, "" if "nothing like" in words else by)
    assert len(log_lines) == 1
    assert all([await gate.said(identifier) == {} for identifier in gate.tokens])
    assert (await gate.parts.host_keys.find("5")).pins == ()


async def test_no_report_grows_beyond_its_bounds_piece_by_piece(gate: Site) -> None:
    for n in range(7):
        assert (await gate.ask("PUT", "/vm", f"A{n}=" + "x" * 8190))[0] == 200
    before = await gate.said("5")
    answer = await gate.ask("PUT", "/vm", "A7=" + "x" * 8190 + f'\nBROKER_SSH_HOST_KEY_ED25519="{ED}"')
    assert answer[0] == 400
    assert await gate.said("5") == before
    assert (await gate.parts.host_keys.find("5")).pins == ()


# -- who gets in -------------------------------------------------------------------------------------------------------

GUARDED = [route for route in ROUTES if route.permission]
VALID = {
    "/vm": "A=1", "/vms/{id}": "A=1", "/vms/{id}/action": ACTION, "/service/role/{role}": '{"cardinality":2}',
    "/events": '{"event":"ready"}',
}  # fmt: skip
PASSED = {"/vms/{id}/action": 500, "/service/role/{role}": 500, "/vrouter": 400, "/vnet/{id}": 400}
"""What somebody known is told where there is no core, and who is no router."""


@pytest.mark.parametrize("route", GUARDED, ids=[f"{route.method} {route.path}" for route in GUARDED])
async def test_every_route_is_for_the_instance_itself_and_its_peers_alone(
    gate: Site, serve_gate: Any, route: Any
) -> None:
    path = route.path.replace("{id}", "6").replace("{role}", "web").replace("{login}", "alice")
    body = VALID.get(route.path, "") if route.method != "GET" else ""
    good = gate.headers("5")
    strangers: list[dict[str, str]] = [
        {},
        {"X-ONEGATE-VMID": "5"},
        {"X-ONEGATE-TOKEN": good["X-ONEGATE-TOKEN"]} if "{id}" not in route.path else {},
        good | {"X-ONEGATE-TOKEN": "AAAA" + good["X-ONEGATE-TOKEN"][4:]},
        good | {"X-ONEGATE-TOKEN": ""},
        good | {"X-ONEGATE-TOKEN": "not base64 ☃".encode().decode("latin-1")},
        good | {"X-ONEGATE-VMID": "6"},
        good | {"X-ONEGATE-VMID": "9"},
        good | {"X-ONEGATE-VMID": "5 "[:1] + "0"},
        good | {"X-ONEGATE-VMID": "../5"},
        {"Authorization": "Basic Og=="},
    ]
    for headers in strangers:
        answer = await gate.send(route.method, path, body, headers)
        assert (answer.status, await answer.text()) == (401, "Not authorized"), headers
    assert all([await gate.said(identifier) == {} for identifier in gate.tokens])
    status, _ = await gate.ask(route.method, path, body)
    assert status == PASSED.get(route.path, status)
    assert status not in {401, 403}
    if "{id}" in route.path and "vnet" not in route.path:
        assert (await gate.ask(route.method, path, body, by="8"))[0] == 400  # another service
        assert (await gate.ask(route.method, path, body, by="9"))[0] == 404  # another platform
    async with serve_gate(gate_permissions="") as closed:
        assert await closed.ask(route.method, path, body) == (
            403,
            f"{route.permission} is not permitted at this gate",
        )
        answer = await closed.send(route.method, path, body, {})
        assert answer.status == 401  # who it is comes first


async def test_the_query_names_an_instance_that_has_no_header(gate: Site) -> None:
    token = {"X-ONEGATE-TOKEN": gate.tokens["5"]}
    assert (await gate.send("PUT", "/vm?id=5", "A=1", token)).status == 200
    assert (await gate.send("PUT", "/vm?id=6", "A=1", token)).status == 401
    assert (await gate.send("PUT", "/vms/5", "B=1", token)).status == 200
    assert (
        await gate.send("PUT", "/vm?id=6", "C=1", gate.headers("5"))
    ).status == 200  # the header goes before it
    assert await gate.said("5") == {"A": "1", "B": "1", "C": "1"}
    assert await gate.said("6") == {}


async def test_who_sends_a_header_twice_is_nobody(gate: Site) -> None:
    from multidict import CIMultiDict

    for name in ("X-ONEGATE-TOKEN", "X-ONEGATE-VMID"):
        headers = CIMultiDict(gate.headers("5"))
        headers.add(name, gate.headers("6")[name])
        answer = await gate.client.get("/vm", headers=headers)
        assert answer.status == 401


async def test_a_pinned_token_is_good_from_its_networks_alone(serve_gate: Any) -> None:
    async with serve_gate(trusted_proxies="127.0.0.0/8") as gate:
        await gate.parts.instances.change("5", {"sources": ["10.1.2.0/24"]})
        assert (await gate.ask("GET", "/vm"))[0] == 401
        assert (await gate.ask("GET", "/vm", **{"X-Forwarded-For": "10.1.2.5"}))[0] == 200
        assert (await gate.ask("GET", "/vm", **{"X-Forwarded-For": "10.1.3.5"}))[0] == 401
    async with serve_gate() as gate:
        await gate.parts.instances.change("5", {"sources": ["10.1.2.0/24"]})
        assert (await gate.ask("GET", "/vm", **{"X-Forwarded-For": "10.1.2.5"}))[0] == 401


async def test_revoked_tokens_and_legacy_ones_that_are_not_wanted_are_nobodys(
    gate: Site, serve_gate: Any
) -> None:
    await gate.parts.instances.take_over_token("6", "CcbWOgxhjRRJQw8pkWvGrQ==")
    old = {"X-ONEGATE-TOKEN": "CcbWOgxhjRRJQw8pkWvGrQ==", "X-ONEGATE-VMID": "6"}
    assert (await gate.send("GET", "/vm", b"", old)).status == 401
    await gate.parts.instances.revoke("5")
    assert (await gate.ask("GET", "/vm"))[0] == 401
    async with serve_gate(gate_legacy_tokens=True) as lenient:
        await lenient.parts.instances.take_over_token("6", "CcbWOgxhjRRJQw8pkWvGrQ==")
        assert (await lenient.send("GET", "/vm", b"", old)).status == 200


def reread(gate: Site, **values: Any) -> list[dict[str, Any]]:
    """A running broker reads its settings again, and finds others; what was logged."""
    new = gate.parts.settings.model_copy(update=values)
    with structlog.testing.capture_logs() as lines:
        read_again(gate.parts, lambda: new)
    return lines


async def test_the_rules_change_while_it_runs(serve_gate: Any, clock: Any) -> None:
    legacy = {"X-ONEGATE-TOKEN": "CcbWOgxhjRRJQw8pkWvGrQ==", "X-ONEGATE-VMID": "6"}
    forwarded = {"X-Forwarded-For": "10.1.2.5"}
    async with serve_gate(gate_legacy_tokens=True) as gate:
        await gate.parts.instances.take_over_token("6", legacy["X-ONEGATE-TOKEN"])
        await gate.parts.instances.change("8", {"sources": ["10.1.2.5"]})
        clock.now += 100
        assert json.loads((await gate.ask("GET", "/vm"))[1])["VM"]["LCM_STATE"] == "2"
        assert (await gate.send("GET", "/vm", b"", legacy)).status == 200
        assert (await gate.ask("GET", "/vm", by="8", **forwarded))[0] == 401
        reread(
            gate,
            gate_permissions=("vm.show", "vm.update", "vm.action_by_id"),
            gate_restricted_attrs=("COLOUR",),
            gate_restricted_actions=("resume",),
            gate_url="https://gate.example",
            gate_legacy_tokens=False,
            gate_patience=50.0,
            trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),),
        )
        assert (await gate.ask("GET", "/service"))[0] == 403
        assert (await gate.ask("PUT", "/vm", "COLOUR=red"))[0] == 403
        assert (await gate.ask("PUT", "/vm", "SERVICE_ID=1"))[0] == 200
        assert (await gate.ask("POST", "/vms/6/action", ACTION))[0] == 403
        assert json.loads((await gate.ask("GET", "/"))[1])["vm_info"] == "https://gate.example/vm"
        assert (await gate.send("GET", "/vm", b"", legacy)).status == 401
        assert json.loads((await gate.ask("GET", "/vm", by="3"))[1])["VM"]["LCM_STATE"] == "16"
        assert (await gate.ask("GET", "/vm", by="8", **forwarded))[0] == 200


async def test_a_file_of_rules_is_read_again_and_a_broken_one_changes_nothing(
    serve_gate: Any, tmp_path: Path
) -> None:
    file = tmp_path / "onegate-server.conf"
    file.write_text(":host: 127.0.0.1\n:restricted_attrs: [A]\n")
    async with serve_gate(gate_config=file) as gate:
        assert (await gate.ask("PUT", "/vm", "A=1"))[0] == 403
        file.write_text(":host: 127.0.0.2\n:expire_delta: 7\n:restricted_attrs: [B]\n")
        before = gate.parts.gate_policy
        assert not [row for row in reread(gate) if row["log_level"] == "error"]
        assert (await gate.ask("PUT", "/vm", "A=1"))[0] == 200
        assert (await gate.ask("PUT", "/vm", "B=1"))[0] == 403
        assert (gate.parts.gate_policy.bind, gate.parts.gate_policy.expire_delta) == (
            before.bind,
            before.expire_delta,
        )
        file.write_text("- nothing")
        (line,) = [row for row in reread(gate) if row["log_level"] == "error"]
        assert (line["event"], "is no table" in line["reason"]) == ("the gate's rules not read", True)
        assert (await gate.ask("PUT", "/vm", "B=1"))[0] == 403


async def test_a_body_that_comes_after_its_token_ended_is_nobodys(gate: Site) -> None:
    arrived = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"READY=YES\n"
        await arrived.wait()
        yield f'BROKER_SSH_HOST_KEY_ED25519="{ED}"'.encode()

    authentic, known = gate.parts.instances.authentic, asyncio.Event()

    async def noting(*args: Any, **more: Any) -> Any:
        found = await authentic(*args, **more)
        known.set()
        return found

    gate.parts.instances.authentic = noting  # type: ignore[method-assign]
    sending = asyncio.ensure_future(gate.client.put("/vm", data=slowly(), headers=gate.headers("5")))
    await asyncio.wait_for(known.wait(), 10)
    await gate.parts.instances.new_token("5", rebuilt=True)
    arrived.set()
    assert (await asyncio.wait_for(sending, 10)).status == 401
    assert await gate.said("5") == {}
    assert not (await gate.parts.host_keys.find("5")).pins


async def test_bad_tokens_ban_an_address_but_not_who_has_a_good_one(serve_gate: Any, clock: Any) -> None:
    async with serve_gate(ban_after=3) as gate:
        bad = gate.headers("5") | {"X-ONEGATE-TOKEN": "AAAA"}
        for _ in range(4):
            assert (await gate.send("GET", "/vm", b"", bad)).status == 401
        answer = await gate.send("GET", "/vm", b"", bad)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert (await gate.ask("GET", "/vm"))[0] == 200  # behind a transparent proxy all have one address
        for _ in range(5):  # no token to guess with
            assert (await gate.send("GET", "/vm", b"", {"X-ONEGATE-TOKEN": "AAAA"})).status == 401
        assert [ban.reason for ban in await gate.parts.bans.newest()] == ["GATE_TOKEN"]
        clock.now += 2
        assert (await gate.send("GET", "/vm", b"", bad)).status == 401


async def test_an_instance_and_an_address_ask_at_their_pace(serve_gate: Any) -> None:
    now = [0.0]
    async with serve_gate(gate_rate=0.5, monotonic=lambda: now[0]) as gate:
        for _ in range(10):
            assert (await gate.ask("GET", "/vm"))[0] == 200
        answer = await gate.send("GET", "/vm", b"", gate.headers("5"))
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
        assert (await gate.ask("GET", "/vm", by="6"))[0] == 200
        now[0] += 2.1
        assert (await gate.ask("GET", "/vm"))[0] == 200
        with structlog.testing.capture_logs() as lines:
            for _ in range(110):
                last = await gate.send("GET", "/", b"", {})
            bad = gate.headers("6") | {"X-ONEGATE-TOKEN": "AAAA"}
            for path, headers in (("/", {}), ("/nowhere", {}), ("/vm", {}), ("/vm", bad)):
                assert (await gate.send("GET", path, b"", headers)).status == 429
        assert [(row["status"], row.get("unsaid")) for row in lines if row["log_level"] == "warning"] == [
            (429, None)
        ]
        assert (last.status, last.headers["Retry-After"]) == (429, "1")
        assert (await gate.ask("GET", "/vm", by="6"))[0] == 200  # its own pace is what holds who is known
        now[0] += 1.1
        with structlog.testing.capture_logs() as lines:
            while (await gate.ask("GET", "/vm", by="6"))[0] != 429:
                pass
        assert [row["unsaid"] for row in lines if row["event"] == "gate refused"] > [0]


async def test_a_store_that_does_not_answer_is_told_apart(gate: Site, monkeypatch: Any) -> None:
    from broker.store import StoreError

    async def broken(*_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(gate.parts.store, "get", broken)
    answer = await gate.send("GET", "/vm", b"", gate.headers("5"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_what_nobody_foresaw_is_answered_without_a_word_of_it(gate: Site, monkeypatch: Any) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(gate.parts.reports, "find", broken)
    status, text = await gate.ask("GET", "/vm")
    assert (status, text) == (500, "The gate has a problem on its side.")
