from __future__ import annotations

import pytest

from broker.gate import rates
from broker.gate.rates import QUIET, Rates, Seldom, neighbourhood


def test_a_burst_then_a_pace() -> None:
    now = [0.0]
    asked = Rates(0.5, lambda: now[0])
    assert [asked.take("a") for _ in range(10)] == [0.0] * 10
    assert asked.take("a") == pytest.approx(2.0)
    assert asked.take("b") == 0.0
    now[0] = 1.0
    assert asked.take("a") == pytest.approx(1.0)
    now[0] = 2.0
    assert asked.take("a") == 0.0
    now[0] = 1e6
    assert [asked.take("a") for _ in range(11)][:10] == [0.0] * 10  # nobody saves up more than a burst
    assert asked.take("a") > 0


def test_no_rate_is_no_limit() -> None:
    asked = Rates(0, lambda: 0.0)
    assert not any(asked.take("a") for _ in range(1000))


def test_askers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_KNOWN", 3)
    asked = Rates(0.05, lambda: 0.0)
    for name in "abcabc":
        asked.take(name)
    assert asked.take("a") > 0
    for name in "def":
        assert asked.take(name) == 0.0
    assert len(asked._known) == 3


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_a_version_6_network_is_one_asker(address: str, counts_as: str) -> None:
    assert neighbourhood(address) == counts_as


def test_of_a_crowd_there_is_one_line_a_second() -> None:
    now = [0.0]
    seldom = Seldom(lambda: now[0])
    assert [seldom.say() for _ in range(4)] == [0, None, None, None]
    now[0] += QUIET
    assert [seldom.say() for _ in range(2)] == [3, None]
    now[0] += 10 * QUIET
    assert seldom.say() == 1
