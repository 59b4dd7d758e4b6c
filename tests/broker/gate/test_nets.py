from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broker.gate.nets import NetError, Nets, Range

if TYPE_CHECKING:
    from broker.store import Store
    from tests.broker.gate.conftest import Clock

DESCRIBED: dict[str, Any] = {
    "name": "inside", "parent": "0", "routers": ["3"], "template": {"GATEWAY": "10.1.0.1", "SECRET": "x"},
    "ranges": [{"AR_ID": "0", "IP": "10.1.0.10", "SIZE": "10", "leases": [{"IP": "10.1.0.11", "VM": "5"}]}],
}  # fmt: skip


async def test_networks_are_kept_by_platform(store: Store, clock: Clock) -> None:
    nets = Nets(store, clock)
    net = await nets.put("7", DESCRIBED, key_id="portal")
    assert await nets.find("7", "portal") == net
    assert net.ranges == (
        Range({"AR_ID": "0", "IP": "10.1.0.10", "SIZE": "10"}, ({"IP": "10.1.0.11", "VM": "5"},)),
    )
    assert net.leases == 1
    assert await nets.find("7") is None
    await nets.put("7", {"name": "operator's"})
    assert {row.name for row in await nets.all()} == {"inside", "operator's"}
    assert await nets.all("portal") == [net]
    assert (await nets.put("7", {"name": "anew"}, key_id="portal")).ranges == ()
    assert await nets.remove("7", "portal")
    assert not await nets.remove("7", "portal")
    assert await nets.find("x") is None


@pytest.mark.parametrize(
    ("identifier", "described", "problem"),
    [
        ("x", {}, "id"), ("01", {}, "id"), ("7", {"owner": "x"}, "owner"), ("7", {"name": 1}, "name"),
        ("7", {"name": "a\nb"}, "name"), ("7", {"routers": "3"}, "routers"), ("7", {"routers": [3]}, "routers"),
        ("7", {"template": {"a": "b"}}, "GATEWAY"), ("7", {"template": {"A": 1}}, "A"), ("7", {"parent": "x"}, "parent"),
        ("7", {"ranges": [1]}, "range"), ("7", {"ranges": [{"leases": 1}]}, "leases"),
        ("7", {"ranges": [{"IP": "x" * 2000}]}, "IP"), ("7", {"ranges": [{}] * 33}, "ranges"),
        ("7", {"ranges": [{"leases": [{}] * 600}, {"leases": [{}] * 600}]}, "leases"),
    ],
)  # fmt: skip
async def test_what_will_not_do_is_named(
    store: Store, clock: Clock, identifier: str, described: dict[str, Any], problem: str
) -> None:
    nets = Nets(store, clock)
    with pytest.raises(NetError, match=problem):
        await nets.put(identifier, described)
    assert await nets.all() == []
